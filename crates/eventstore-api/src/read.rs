use crate::{EventFilter, GlobalPosition, InvalidInput, RecordedEvent, Version};

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

/// Which part of a stream to read.
///
/// ```
/// use eventstore_api::{StreamRange, Version};
///
/// let whole = StreamRange::all();
/// let tail = StreamRange::after(Version::new(100));
/// let last_one = StreamRange::backward().limit(1);
/// assert!(last_one.includes(Version::new(5)) && !tail.includes(Version::new(100)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamRange {
    /// Where to start, exclusive, in the direction of reading: forward the events with a greater version, backward
    /// those with a smaller one.
    pub after: Version,
    /// At most how many events; no limit where there is none.
    pub limit: Option<usize>,
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
        Self { after: version, limit: None, direction: Direction::Forward }
    }

    /// The whole stream from its last event, from new to old.
    #[must_use]
    pub const fn backward() -> Self {
        Self::before(Version::MAX)
    }

    /// The events with a smaller version than this, from new to old.
    #[must_use]
    pub const fn before(version: Version) -> Self {
        Self { after: version, limit: None, direction: Direction::Backward }
    }

    /// The same range, cut off after this many events; zero reads nothing.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
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

/// A part of the order of all events.
///
/// A page may hold fewer events than the limit, even none, without being the last: a backend may stop after a
/// certain number of bytes, or of events that did not pass the filter. Only [`Page::end_reached`] says that there is
/// no more for now.
///
/// ```
/// use eventstore_api::{EventStoreBackend, ReadAll};
///
/// async fn count(store: &dyn EventStoreBackend) -> eventstore_api::Result<usize> {
///     let mut query = ReadAll::forward().limit(100);
///     let mut count = 0;
///     loop {
///         let page = store.read_all(&query).await?;
///         count += page.events.len();
///         if page.end_reached {
///             return Ok(count);
///         }
///         query = query.next_page(&page);
///     }
/// }
/// # let store = eventstore_memory::InMemoryBackend::new();
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # assert_eq!(runtime.block_on(count(&store)).unwrap(), 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The events, in the direction of reading.
    pub events: Vec<RecordedEvent>,
    /// Where to go on: the position up to which everything was looked at. Forward, it is a valid checkpoint even where
    /// the last event looked at did not pass the filter.
    pub next: GlobalPosition,
    /// Whether the read came to the end (forward: to the head as it was then; backward: to the beginning).
    pub end_reached: bool,
}

impl Page {
    /// A page of a read that goes on at `next`. For backends.
    #[must_use]
    pub fn partial(events: Vec<RecordedEvent>, next: GlobalPosition) -> Self {
        Self { events, next, end_reached: false }
    }

    /// The last page of a read for now; everything up to `next` was looked at. For backends.
    #[must_use]
    pub fn last(events: Vec<RecordedEvent>, next: GlobalPosition) -> Self {
        Self { events, next, end_reached: true }
    }
}
