use std::{fmt, sync::Arc};

use async_trait::async_trait;
use dashmap::{DashMap, Entry};
use eventstore_api::{
    AppendBatch, Appended, BackendStats, Direction, EventStoreBackend, GlobalPosition, Page, ReadAll,
    RecordedEvent, RestoredBatch, Result, Snapshot, StreamId, StreamPage, StreamRange, first_names,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    lists::Lists,
    log::Log,
    search::{Search, Window},
    span::Span,
    streams::{Part, Streams},
    tags::TagIndex,
    writer::Writer,
};

/// An event store in memory.
///
/// Cloning it is cheap and gives another handle to the same events. No call of it waits for anything but
/// [`wait_past`](EventStoreBackend::wait_past), so that dropping any other future early changes nothing: the work is
/// done when it is first polled.
///
/// An append holds up all others while it checks its condition. One that names neither tags nor event types looks at the
/// log from its position on (an exact stream apart, which an index finds).
///
/// ```
/// use eventstore_api::EventStoreBackend;
/// use eventstore_memory::InMemoryBackend;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = InMemoryBackend::new();
/// let same_events = store.clone();
/// assert_eq!(store.stats().await?, same_events.stats().await?);
/// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct InMemoryBackend {
    shared: Arc<Shared>,
}

/// What appends change and readers look at.
#[derive(Default)]
struct Shared {
    /// Appends take turns here; readers never do.
    writer: Mutex<Writer>,
    log: Log,
    streams: Streams,
    tags: TagIndex,
    snapshots: DashMap<StreamId, Snapshot>,
    appended: Notify,
}

impl InMemoryBackend {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl EventStoreBackend for InMemoryBackend {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        let Shared { writer, log, streams, tags, appended, .. } = &*self.shared;
        let outcomes = writer.lock().append(batch, log, streams, tags)?;
        appended.notify_waiters();
        Ok(outcomes)
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let Shared { log, streams, .. } = &*self.shared;
        let Part { positions, is_rest } = streams.part(stream, range, log.head());
        let part = positions.len();
        let mut room = range.room();
        let found = positions.into_iter().map(|position| log.event(position));
        let events: Vec<_> = found.take_while(|event| room.take(event.payload.len())).cloned().collect();
        let end_reached = is_rest && events.len() == part;
        Ok(if end_reached { StreamPage::last(events) } else { StreamPage::partial(events) })
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        let Shared { log, streams, tags, .. } = &*self.shared;
        let span = match query.direction {
            Direction::Forward => Span::after(query.after.get(), log.head()),
            Direction::Backward => Span::before(query.after.get(), log.head()),
        };
        let search =
            Search { log, lists: Lists { tags, streams }, filter: &query.filter, window: Window::default() };
        let found = search.page(span, query.direction, query.room());
        let events = found.positions.into_iter().map(|position| log.event(position).clone()).collect();
        let next = GlobalPosition::new(found.next);
        Ok(if found.end_reached { Page::last(events, next) } else { Page::partial(events, next) })
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let Shared { log, appended, .. } = &*self.shared;
        loop {
            let mut wake_up = std::pin::pin!(appended.notified());
            // Listening before looking: an append in between is then not missed.
            wake_up.as_mut().enable();
            let head = GlobalPosition::new(log.head());
            if head > position {
                return Ok(head);
            }
            wake_up.await;
        }
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        match self.shared.snapshots.entry(snapshot.stream.clone()) {
            Entry::Occupied(kept) if kept.get().version > snapshot.version => {}
            Entry::Occupied(mut kept) => {
                kept.insert(snapshot);
            }
            Entry::Vacant(place) => {
                place.insert(snapshot);
            }
        }
        Ok(())
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        Ok(self.shared.snapshots.get(stream).map(|kept| kept.clone()))
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        let names = self.shared.snapshots.iter().map(|kept| kept.key().clone());
        Ok(first_names(names, after, limit)?)
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        let batches = RestoredBatch::of(events)?;
        let Shared { writer, log, streams, tags, appended, .. } = &*self.shared;
        for restored in batches {
            writer.lock().restore(restored, log, streams, tags)?;
            appended.notify_waiters();
        }
        Ok(())
    }

    async fn stats(&self) -> Result<BackendStats> {
        let Shared { writer, log, streams, snapshots, .. } = &*self.shared;
        // Between two appends, so that the counts are of one moment.
        let no_append = writer.lock();
        let head = GlobalPosition::new(log.head());
        let counts = BackendStats::new(log.head(), streams.count(), snapshots.len() as u64, head);
        Ok(counts.with_specific(no_append.stats()))
    }

    async fn head(&self) -> Result<GlobalPosition> {
        Ok(GlobalPosition::new(self.shared.log.head()))
    }
}

impl fmt::Debug for InMemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryBackend").field("events", &self.shared.log.head()).finish_non_exhaustive()
    }
}
