use std::vec;

use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll, RecordedEvent, Result};

use super::limits::Limits;

/// Reads all events of a store in their order, a page at a time.
pub(super) struct EventPages<'a, B> {
    store: &'a B,
    query: ReadAll,
    page: vec::IntoIter<RecordedEvent>,
    end_reached: bool,
}

impl<'a, B: EventStoreBackend> EventPages<'a, B> {
    pub(super) fn after(store: &'a B, position: GlobalPosition, limits: Limits) -> Self {
        let query = ReadAll::after(position).limit(limits.events).max_bytes(limits.bytes);
        Self { store, query, page: Vec::new().into_iter(), end_reached: false }
    }

    /// The next event; `None` at the end, as it was when that was read.
    pub(super) async fn next(&mut self) -> Result<Option<RecordedEvent>> {
        self.fill().await?;
        Ok(self.page.next())
    }

    /// The next event, unless it lies behind this position.
    pub(super) async fn next_up_to(&mut self, position: GlobalPosition) -> Result<Option<RecordedEvent>> {
        self.fill().await?;
        match self.page.as_slice().first() {
            Some(record) if record.position <= position => Ok(self.page.next()),
            _ => Ok(None),
        }
    }

    async fn fill(&mut self) -> Result<()> {
        while self.page.len() == 0 && !self.end_reached {
            // A store in memory answers at once, every time: other tasks want to run too.
            tokio::task::yield_now().await;
            let page = self.store.read_all(&self.query).await?;
            self.query = self.query.next_page(&page);
            self.end_reached = page.end_reached;
            self.page = page.events.into_iter();
        }
        Ok(())
    }
}
