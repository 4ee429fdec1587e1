//! What is read of streams for a state, whatever that is a state of.

use std::sync::atomic::{AtomicU64, Ordering};

use eventstore_api::{EventStoreBackend, RecordedEvent, StreamId, StreamRange, Version};

use crate::{Result, as_of::StreamEnd};

/// How many events are held at a time while a state is built.
const PAGE: usize = 1_024;

/// Reads streams, and counts what it read.
#[derive(Default)]
pub(crate) struct StreamReads {
    events: AtomicU64,
}

/// A page of what a stream holds after a version.
pub(super) struct Tail {
    pub(super) events: Vec<RecordedEvent>,
    /// Whether nothing of what was wanted comes after it.
    pub(super) is_last: bool,
}

impl StreamReads {
    pub(super) async fn tail(
        &self,
        backend: &impl EventStoreBackend,
        stream: &StreamId,
        after: Version,
        end: StreamEnd,
    ) -> Result<Tail> {
        let page = backend.read_stream(stream, StreamRange::after(after).limit(PAGE)).await?;
        let read = page.events.len();
        let mut events = page.events;
        self.count(read);
        let wanted = events.iter().take_while(|record| end.includes(record)).count();
        events.truncate(wanted);
        // The end of the range is the end of the stream, unless the limit cut it off.
        Ok(Tail { events, is_last: wanted < read || (page.end_reached && read < PAGE) })
    }

    /// The event with this version, if the stream holds it.
    pub(crate) async fn event_at(
        &self,
        backend: &impl EventStoreBackend,
        stream: &StreamId,
        version: Version,
    ) -> Result<Option<RecordedEvent>> {
        let before = Version::new(version.get().saturating_sub(1));
        let mut found = backend.read_stream(stream, StreamRange::after(before).limit(1)).await?.events;
        self.count(found.len());
        Ok(found.pop())
    }

    /// Whether the event with this version lies before `end`, and with it, as times and positions never run backwards, all
    /// before it.
    pub(crate) async fn is_within(
        &self,
        backend: &impl EventStoreBackend,
        stream: &StreamId,
        version: Version,
        end: StreamEnd,
    ) -> Result<bool> {
        if let Some(is_within) = end.includes_version(version) {
            return Ok(is_within);
        }
        let newest = self.event_at(backend, stream, version).await?;
        Ok(newest.is_some_and(|record| end.includes(&record)))
    }

    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    fn count(&self, events: usize) {
        self.events.fetch_add(u64::try_from(events).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
