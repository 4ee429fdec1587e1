use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, Direction, EventStoreBackend, GlobalPosition, InvalidInput, Page,
    ReadAll, RecordedEvent, RestoredBatch, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange,
    Timestamp,
};
use tokio::sync::watch;

use super::{Model, Spacing};

/// At most how many events one page of all events looks at: little, so that a reader who takes a short page for the last
/// is found.
const LOOKED_AT: usize = 61;
/// At most how many events one page of a stream holds, for the same reason.
const STREAM_PAGE: usize = 3;

/// The model behind one lock: a backend that is right and slow, and uses every freedom that the contract leaves, such
/// as holes between positions and pages that end early. The suite proves itself on it.
///
/// Cloning it gives another handle to the same events.
#[derive(Clone)]
pub struct ReferenceBackend {
    shared: Arc<Shared>,
}

struct Shared {
    model: Mutex<Model>,
    head: watch::Sender<GlobalPosition>,
}

impl ReferenceBackend {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let model = Mutex::new(Model::new(Spacing::WithHoles));
        Self { shared: Arc::new(Shared { model, head: watch::Sender::new(GlobalPosition::START) }) }
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ReferenceBackend {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl EventStoreBackend for ReferenceBackend {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let mut model = self.model();
        let outcome = model.append(&batch, Timestamp::now())?;
        self.shared.head.send_replace(model.head());
        Ok(outcome)
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let mut events = self.model().read_stream(stream, range);
        let mut room = range.room();
        let fitting =
            events.iter().take(STREAM_PAGE).take_while(|event| room.take(event.payload.len())).count();
        if fitting == events.len() {
            return Ok(StreamPage::last(events));
        }
        events.truncate(fitting);
        Ok(StreamPage::partial(events))
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        let model = self.model();
        let events = model.events();
        Ok(match query.direction {
            Direction::Forward => {
                let start = events.partition_point(|event| event.position <= query.after);
                page(query, events[start..].iter(), model.head().max(query.after))
            }
            Direction::Backward => {
                let end = events.partition_point(|event| event.position < query.after);
                page(query, events[..end].iter().rev(), GlobalPosition::START)
            }
        })
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let mut head = self.shared.head.subscribe();
        let head = head.wait_for(|head| *head > position).await.map_err(|_| StoreError::Closed)?;
        Ok(*head)
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        self.model().save_snapshot(snapshot)
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        Ok(self.model().latest_snapshot(stream).cloned())
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        match limit {
            0 => Err(InvalidInput::ZeroLimit.into()),
            _ => Ok(self.model().snapshot_streams(after, limit)),
        }
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        RestoredBatch::of(events.clone())?;
        let mut model = self.model();
        for event in events {
            model.restore(event)?;
            self.shared.head.send_replace(model.head());
        }
        Ok(())
    }

    async fn stats(&self) -> Result<BackendStats> {
        Ok(self.model().stats())
    }
}

impl fmt::Debug for ReferenceBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferenceBackend").field("stats", &self.model().stats()).finish()
    }
}

fn page<'e>(query: &ReadAll, events: impl Iterator<Item = &'e RecordedEvent>, end: GlobalPosition) -> Page {
    let mut found = Vec::new();
    let mut room = query.room();
    let mut next = query.after;
    for (looked_at, event) in events.enumerate() {
        if query.filter.matches(event) {
            if !room.take(event.payload.len()) {
                return Page::partial(found, next);
            }
            found.push(event.clone());
        }
        next = event.position;
        if room.events_left() == 0 || looked_at + 1 == LOOKED_AT {
            return Page::partial(found, next);
        }
    }
    Page::last(found, end)
}
