use crate::{GlobalPosition, ReadAll, RecordedEvent, StreamRange};

/// How many bytes of payloads a page holds at most where nothing else is asked for (16 MiB).
///
/// See [`StreamRange::max_bytes`] and [`ReadAll::max_bytes`].
pub const DEFAULT_MAX_BYTES: usize = 16 << 20;

/// A part of a stream.
///
/// A page may hold fewer events than the range, without being the last: it is bounded by
/// [bytes](StreamRange::max_bytes), and a backend may have bounds of its own. Only [`StreamPage::end_reached`] says that
/// there is no more. A page that is not the last holds at least one event.
///
/// ```
/// use eventstore_api::{EventStoreBackend, StreamId, StreamRange};
///
/// async fn count(store: &dyn EventStoreBackend, stream: &StreamId) -> eventstore_api::Result<usize> {
///     let mut range = StreamRange::all();
///     let mut count = 0;
///     loop {
///         let page = store.read_stream(stream, range).await?;
///         count += page.events.len();
///         if page.end_reached {
///             return Ok(count);
///         }
///         range = range.next_page(&page);
///     }
/// }
/// # let store = eventstore_memory::InMemoryBackend::new();
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # assert_eq!(runtime.block_on(count(&store, &StreamId::new("account-7").unwrap())).unwrap(), 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamPage {
    /// The events, in the direction of reading, without a hole.
    pub events: Vec<RecordedEvent>,
    /// Whether nothing of the range is left to read: its limit is met, or the stream held no further event in this
    /// direction when the page was read. It is told with the last event, not in an empty page behind it.
    pub end_reached: bool,
}

impl StreamPage {
    /// A page behind which the range goes on; it holds one event at least. For backends.
    #[must_use]
    pub fn partial(events: Vec<RecordedEvent>) -> Self {
        Self { events, end_reached: false }
    }

    /// The last page of a range. For backends.
    #[must_use]
    pub fn last(events: Vec<RecordedEvent>) -> Self {
        Self { events, end_reached: true }
    }
}

/// A part of the order of all events.
///
/// A page may hold fewer events than the limit, even none, without being the last: it is bounded by
/// [bytes](ReadAll::max_bytes), and a backend may stop after a certain number of events that did not pass the filter.
/// Only [`Page::end_reached`] says that there is no more for now.
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

/// How much still fits into a page. For backends: whoever asks it before taking an event keeps the limit and the bytes
/// that were asked for.
///
/// ```
/// use eventstore_api::{ReadAll, StreamRange};
///
/// let mut room = StreamRange::all().max_bytes(10).room();
/// assert!(room.take(8) && !room.take(3) && room.take(2));
///
/// let mut room = ReadAll::forward().max_bytes(10).room();
/// assert!(room.take(8_000) && !room.take(0));                     // the first one always fits, if alone
/// assert!(!StreamRange::all().limit(0).room().take(0));           // unless none was asked for
/// ```
#[derive(Clone, Debug)]
pub struct PageRoom {
    events: usize,
    bytes: usize,
    is_empty: bool,
}

impl PageRoom {
    /// The room in a page of at most so many events, with at most so many bytes of payloads; zero bytes are room for
    /// one event, also where payloads are empty.
    #[must_use]
    pub const fn new(events: usize, bytes: usize) -> Self {
        let events = if bytes == 0 && events > 1 { 1 } else { events };
        Self { events, bytes, is_empty: true }
    }

    /// Takes an event with a payload of so many bytes into the page, if it fits; if not, the page ends before it.
    pub fn take(&mut self, payload_bytes: usize) -> bool {
        if self.events == 0 || (payload_bytes > self.bytes && !self.is_empty) {
            return false;
        }
        self.is_empty = false;
        match self.bytes.checked_sub(payload_bytes) {
            Some(bytes) => (self.events, self.bytes) = (self.events - 1, bytes),
            // Larger than the page, which it has to itself: nothing joins it, not even what has no payload.
            None => self.events = 0,
        }
        true
    }

    /// How many events fit at most, if their payloads do: zero when the page is full.
    #[must_use]
    pub const fn events_left(&self) -> usize {
        self.events
    }
}

impl StreamRange {
    /// The room in a page of this range. For backends.
    #[must_use]
    pub fn room(&self) -> PageRoom {
        PageRoom::new(self.limit.unwrap_or(usize::MAX), self.max_bytes)
    }
}

impl ReadAll {
    /// The room in a page of this read. For backends.
    #[must_use]
    pub fn room(&self) -> PageRoom {
        PageRoom::new(self.limit, self.max_bytes)
    }
}
