use std::collections::VecDeque;

use eventstore_api::{EventStoreBackend, GlobalPosition, RecordedEvent, Result};

use crate::{kept::Kept, migration::Page, pages::Pages};

/// A walk over the events of a store, from old to new.
pub(crate) struct Walk<'s> {
    pages: Pages<'s>,
    page: Page,
    ahead: VecDeque<RecordedEvent>,
    kept: Option<&'s Kept>,
}

impl<'s> Walk<'s> {
    pub(crate) fn new(store: &'s dyn EventStoreBackend, after: GlobalPosition, page: Page) -> Self {
        Self { pages: Pages::new(store, after), page, ahead: VecDeque::new(), kept: None }
    }

    /// The same walk, for which the store is not asked where a page of it is kept.
    pub(crate) fn with(mut self, kept: Option<&'s Kept>) -> Self {
        self.kept = kept;
        self
    }

    /// Has something ahead, unless it is at the end.
    pub(crate) async fn fill(&mut self) -> Result<()> {
        while self.ahead.is_empty() && !self.pages.is_at_the_end {
            match self.kept.and_then(|kept| kept.take_behind(self.pages.position())) {
                Some(page) => {
                    self.pages.pass_by(&page);
                    self.ahead.extend(page);
                }
                None => self.ahead.extend(self.pages.next(self.page).await?),
            }
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
