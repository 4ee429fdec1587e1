use std::collections::VecDeque;

use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll, RecordedEvent, Result};

use crate::migration::Page;

/// A walk over the events of a store, from old to new, a page at a time.
pub(crate) struct Walk<'s> {
    store: &'s dyn EventStoreBackend,
    query: ReadAll,
    ahead: VecDeque<RecordedEvent>,
    is_at_the_end: bool,
}

impl<'s> Walk<'s> {
    pub(crate) fn new(store: &'s dyn EventStoreBackend, after: GlobalPosition, page: Page) -> Self {
        let query = ReadAll::after(after).limit(page.events).max_bytes(page.bytes);
        Self { store, query, ahead: VecDeque::new(), is_at_the_end: false }
    }

    /// Has something ahead, unless it is at the end.
    pub(crate) async fn fill(&mut self) -> Result<()> {
        while self.ahead.is_empty() && !self.is_at_the_end {
            let page = self.store.read_all(&self.query).await?;
            self.query = self.query.next_page(&page);
            self.is_at_the_end = page.end_reached;
            self.ahead.extend(page.events);
        }
        Ok(())
    }

    /// The next event of what is ahead: none where [`fill`](Self::fill) is due, or has found the end.
    pub(crate) fn next(&mut self) -> Option<RecordedEvent> {
        self.ahead.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ahead.is_empty()
    }
}
