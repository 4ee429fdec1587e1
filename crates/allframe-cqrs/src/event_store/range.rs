use std::sync::Arc;

use eventstore_api::{
    EventFilter, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent, Timestamp,
};

use super::EventStore;
use crate::{AsOf, Event, Result};

/// A part of all events that does not grow while it is read: what is appended meanwhile lies outside.
pub(crate) struct FixedRange<B> {
    backend: Arc<B>,
    query: ReadAll,
    end: GlobalPosition,
    moment: Option<Timestamp>,
}

/// Some of the events of a [`FixedRange`].
pub(crate) struct RangePage {
    pub(crate) records: Vec<RecordedEvent>,
    /// Whoever has handled the records stands here.
    pub(crate) through: GlobalPosition,
    pub(crate) is_last: bool,
}

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// The events of type `E` after a position that pass a filter, up to a point, or to the last that is stored now.
    pub(crate) async fn fixed_range(
        &self,
        after: GlobalPosition,
        until: Option<AsOf>,
        filter: &EventFilter,
    ) -> Result<FixedRange<B>> {
        let head = self.backend.head().await?;
        let (end, moment) = match until {
            Some(AsOf::Position(position)) => (position.min(head), None),
            Some(AsOf::Moment(moment)) => (head, Some(moment)),
            None => (head, None),
        };
        let query = ReadAll::after(after).filter(self.reader.filter(filter));
        Ok(FixedRange { backend: Arc::clone(&self.backend), query, end, moment })
    }
}

impl<B: EventStoreBackend> FixedRange<B> {
    /// The last position that can lie in it, where that is known before it is read.
    pub(crate) fn known_end(&self) -> Option<GlobalPosition> {
        self.moment.is_none().then_some(self.end)
    }

    /// Where the next page begins, exclusive.
    fn start(&self) -> GlobalPosition {
        self.query.after
    }

    /// The next page; dropping the future loses nothing.
    pub(crate) async fn next_page(&mut self) -> Result<RangePage> {
        if self.end <= self.start() {
            return Ok(RangePage { records: Vec::new(), through: self.start(), is_last: true });
        }
        // A store in memory answers at once, every time: other tasks want to run too.
        tokio::task::yield_now().await;
        let page = self.backend.read_all(&self.query).await?;
        let next_query = self.query.next_page(&page);
        let cut = self.cut(page);
        self.query = next_query;
        Ok(cut)
    }

    /// What of a page lies in the range.
    fn cut(&self, page: Page) -> RangePage {
        let Page { mut events, next, end_reached, .. } = page;
        let Some(beyond) = events.iter().position(|record| !self.includes(record)) else {
            let is_last = end_reached || next >= self.end;
            return RangePage { records: events, through: next.min(self.end), is_last };
        };
        let is_beyond_end = events.get(beyond).is_some_and(|record| record.position > self.end);
        events.truncate(beyond);
        let through = if is_beyond_end {
            self.end
        } else {
            // Positions have no predecessor: of those between the last event within and the first one beyond, nothing is known.
            events.last().map_or(self.start(), |last| last.position)
        };
        RangePage { records: events, through, is_last: true }
    }

    fn includes(&self, record: &RecordedEvent) -> bool {
        record.position <= self.end && self.moment.is_none_or(|moment| record.recorded_at <= moment)
    }
}
