use crate::{DEFAULT_MAX_BYTES, EventFilter, GlobalPosition, InvalidInput, Page, StreamPage, Version};

/// Which way a read goes.
///
/// ```
/// use eventstore_api::{Direction, ReadAll};
///
/// assert_eq!(ReadAll::forward().direction, Direction::default());
/// assert_eq!(ReadAll::backward().direction, Direction::Backward);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From old to new.
    #[default]
    Forward,
    /// From new to old.
    Backward,
}

/// Which part of a stream to read, a page at a time.
///
/// ```
/// use eventstore_api::{StreamRange, Version};
///
/// let whole = StreamRange::all();
/// let tail = StreamRange::after(Version::new(100)).max_bytes(1 << 20);
/// let last_one = StreamRange::backward().limit(1);
/// assert!(last_one.includes(Version::new(5)) && !tail.includes(Version::new(100)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamRange {
    /// Where to start, exclusive, in the direction of reading: forward the events with a greater version, backward
    /// those with a smaller one.
    pub after: Version,
    /// At most how many events, over all pages; no limit where there is none.
    pub limit: Option<usize>,
    /// At most how many bytes of payloads in a page, see [`StreamRange::max_bytes`].
    pub max_bytes: usize,
    /// Which way.
    pub direction: Direction,
}

impl StreamRange {
    /// The whole stream, from its first event.
    #[must_use]
    pub const fn all() -> Self {
        Self::after(Version::NONE)
    }

    /// The events with a greater version than this, from old to new.
    #[must_use]
    pub const fn after(version: Version) -> Self {
        Self { after: version, limit: None, max_bytes: DEFAULT_MAX_BYTES, direction: Direction::Forward }
    }

    /// The whole stream from its last event, from new to old.
    #[must_use]
    pub const fn backward() -> Self {
        Self::before(Version::MAX)
    }

    /// The events with a smaller version than this, from new to old.
    #[must_use]
    pub const fn before(version: Version) -> Self {
        Self { after: version, limit: None, max_bytes: DEFAULT_MAX_BYTES, direction: Direction::Backward }
    }

    /// The same range, cut off after this many events; zero reads nothing.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The same range, in pages whose payloads have at most so many bytes together ([`DEFAULT_MAX_BYTES`] where this is
    /// not said). A page holds one event at least where there is one, however large: with zero, every page holds one.
    ///
    /// Payloads alone are counted. Names, tags and metadata come on top, and what a store needs to keep an event in
    /// memory: a stream of many small events is better read under a [limit](StreamRange::limit) too.
    #[must_use]
    pub const fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// What of the range is left behind a page of it.
    #[must_use]
    pub fn next_page(&self, page: &StreamPage) -> Self {
        Self {
            after: page.events.last().map_or(self.after, |last| last.version),
            limit: self.limit.map(|limit| limit.saturating_sub(page.events.len())),
            ..*self
        }
    }

    /// Whether the event with this version lies in the range, the limit apart.
    #[must_use]
    pub fn includes(&self, version: Version) -> bool {
        match self.direction {
            Direction::Forward => version > self.after,
            Direction::Backward => version < self.after,
        }
    }
}

impl Default for StreamRange {
    fn default() -> Self {
        Self::all()
    }
}

/// Which part of the order of all events to read, a page at a time.
///
/// ```
/// use eventstore_api::{EventFilter, GlobalPosition, ReadAll};
///
/// let from_checkpoint = ReadAll::after(GlobalPosition::new(1_000)).limit(500);
/// let newest_ten = ReadAll::backward().limit(10).filter(EventFilter::stream_prefix("flight-"));
/// assert!(from_checkpoint.validate().is_ok());
/// assert!(newest_ten.limit(0).validate().is_err());   // such a read would never get anywhere
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadAll {
    /// Where to start, exclusive, in the direction of reading: forward the events with a greater position, backward
    /// those with a smaller one.
    pub after: GlobalPosition,
    /// At most how many events in the page, one or more.
    pub limit: usize,
    /// At most how many bytes of payloads in the page, see [`ReadAll::max_bytes`].
    pub max_bytes: usize,
    /// Which way.
    pub direction: Direction,
    /// Which events.
    pub filter: EventFilter,
}

impl ReadAll {
    /// The page size where none is given, in events.
    pub const DEFAULT_LIMIT: usize = 512;

    /// Everything, from the first event.
    #[must_use]
    pub fn forward() -> Self {
        Self::after(GlobalPosition::START)
    }

    /// The events with a greater position than this, from old to new.
    #[must_use]
    pub fn after(position: GlobalPosition) -> Self {
        Self {
            after: position,
            limit: Self::DEFAULT_LIMIT,
            max_bytes: DEFAULT_MAX_BYTES,
            direction: Direction::Forward,
            filter: EventFilter::all(),
        }
    }

    /// Everything from the last event, from new to old.
    #[must_use]
    pub fn backward() -> Self {
        Self::before(GlobalPosition::END)
    }

    /// The events with a smaller position than this, from new to old.
    #[must_use]
    pub fn before(position: GlobalPosition) -> Self {
        Self { direction: Direction::Backward, ..Self::after(position) }
    }

    /// The same read with this page size, in events.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The same read, in pages whose payloads have at most so many bytes together ([`DEFAULT_MAX_BYTES`] where this is
    /// not said). Payloads alone are counted; names, tags and metadata come on top. A page holds one event however large:
    /// with zero, none holds more than one.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// The same read, of the events only that pass this filter.
    #[must_use]
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Checks all that can be known without looking into a store. Every backend calls this first.
    ///
    /// # Errors
    ///
    /// [`InvalidInput::ZeroLimit`] for a page that could hold no event; what [`EventFilter::validate`] answers.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        if self.limit == 0 {
            return Err(InvalidInput::ZeroLimit);
        }
        self.filter.validate()
    }

    /// The read that goes on where a page of this read ended.
    #[must_use]
    pub fn next_page(&self, page: &Page) -> Self {
        Self { after: page.next, ..self.clone() }
    }
}
