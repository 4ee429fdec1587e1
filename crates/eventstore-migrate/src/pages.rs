use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll, RecordedEvent, Result};

use crate::migration::Page;

/// Reads the events of a store from old to new, a page at a time.
///
/// A store bounds a page by payloads alone. So as many events are asked for as are likely to take no more than a page may, with their
/// metadata and tags, by what those before them took.
pub(crate) struct Pages<'s> {
    store: &'s dyn EventStoreBackend,
    query: ReadAll,
    /// In bytes.
    usual_event: usize,
    pub(crate) is_at_the_end: bool,
}

impl<'s> Pages<'s> {
    /// How many events are read at once. More saves nothing.
    const MOST: usize = 8_192;
    /// What is taken for usual before any event is known, in bytes.
    const UNKNOWN: usize = 16 << 10;

    pub(crate) fn new(store: &'s dyn EventStoreBackend, after: GlobalPosition) -> Self {
        Self { store, query: ReadAll::after(after), usual_event: Self::UNKNOWN, is_at_the_end: false }
    }

    /// The next events: not more than these, and about as many bytes.
    pub(crate) async fn next(&mut self, room: Page) -> Result<Vec<RecordedEvent>> {
        let likely = (room.bytes / self.usual_event.max(1)).clamp(1, Self::MOST);
        let query = self.query.clone().limit(likely.min(room.events)).max_bytes(room.bytes);
        let page = self.store.read_all(&query).await?;
        self.query = query.next_page(&page);
        self.is_at_the_end = page.end_reached;
        if !page.events.is_empty() {
            self.usual_event = bytes(&page.events) / page.events.len();
        }
        Ok(page.events)
    }

    /// Goes on behind these, which come next.
    pub(crate) fn pass_by(&mut self, events: &[RecordedEvent]) {
        if let Some(last) = events.last() {
            self.query.after = last.position;
        }
    }

    /// How far it is.
    pub(crate) fn position(&self) -> GlobalPosition {
        self.query.after
    }
}

/// What events take, about.
pub(crate) fn bytes(events: &[RecordedEvent]) -> usize {
    events.iter().map(RecordedEvent::size).sum()
}
