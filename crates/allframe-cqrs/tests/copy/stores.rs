//! Stores with events in them, and what is in them then.

use std::pin::pin;

use allframe_cqrs::{
    Appended, BackendStats, EventStoreBackend, ExpectedVersion, GlobalPosition, InMemoryBackend, ReadAll,
    StreamId, StreamRange,
    api::{
        AppendBatch, Encoding, EventType, NewEvent, Page, RecordedEvent, Result as StoreResult, Snapshot,
        StreamPage,
    },
    async_trait,
};
use futures_util::poll;

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name.to_owned()).unwrap()
}

pub(crate) fn event(event_type: &str, payload: &str) -> NewEvent {
    NewEvent::new(EventType::new(event_type.to_owned()).unwrap(), payload.to_owned())
        .with_encoding(Encoding::JSON)
}

pub(crate) async fn append(store: &impl EventStoreBackend, name: &str, event_type: &str, payload: &str) {
    store.append(&stream(name), ExpectedVersion::Any, vec![event(event_type, payload)]).await.unwrap();
}

/// A store in which `a1 b1 a2` are the first event of stream `a`, the first one of `b` and the second one of `a`, in this
/// order. The type of all is `Done`.
pub(crate) async fn store_of(events: &str) -> InMemoryBackend {
    let store = InMemoryBackend::new();
    add(&store, events).await;
    store
}

pub(crate) async fn add(store: &impl EventStoreBackend, events: &str) {
    for payload in events.split_whitespace() {
        append(store, &payload[..1], "Done", &format!("\"{payload}\"")).await;
    }
}

/// What is in a store beside what copies say about themselves.
pub(crate) async fn records(store: &impl EventStoreBackend) -> Vec<RecordedEvent> {
    let all = store.get_all_events().await.unwrap().into_iter();
    all.filter(|record| !record.stream.as_str().starts_with("$copy-")).collect()
}

/// The same in short: `stream.version=payload`.
pub(crate) async fn told(store: &impl EventStoreBackend) -> String {
    let records = records(store).await;
    let told = records.iter().map(|record| {
        let payload = String::from_utf8(record.payload.to_vec()).unwrap();
        format!("{}.{}={}", record.stream, record.version, payload.trim_matches('"'))
    });
    told.collect::<Vec<_>>().join(" ")
}

/// The types of the events in a store.
pub(crate) async fn types(store: &impl EventStoreBackend) -> Vec<String> {
    records(store).await.iter().map(|record| record.event_type.to_string()).collect()
}

type Seen = Box<dyn Fn(RecordedEvent) -> Vec<RecordedEvent> + Send + Sync>;

/// A backend that shows something else than what is stored, and lets others run before and after everything that it is asked for.
pub(crate) struct Through<B> {
    pub(crate) inner: B,
    seen: Seen,
}

impl<B> Through<B> {
    pub(crate) fn stepping(inner: B) -> Self {
        Self::showing(inner, |record| vec![record])
    }

    pub(crate) fn showing(
        inner: B,
        seen: impl Fn(RecordedEvent) -> Vec<RecordedEvent> + Send + Sync + 'static,
    ) -> Self {
        Self { inner, seen: Box::new(seen) }
    }

    fn see(&self, records: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
        records.into_iter().flat_map(&self.seen).collect()
    }
}

async fn between<T>(work: impl Future<Output = T>) -> T {
    tokio::task::yield_now().await;
    let answer = work.await;
    tokio::task::yield_now().await;
    answer
}

#[async_trait]
impl<B: EventStoreBackend> EventStoreBackend for Through<B> {
    async fn append_all(&self, batch: AppendBatch) -> StoreResult<Vec<Appended>> {
        between(self.inner.append_all(batch)).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> StoreResult<StreamPage> {
        let mut page = between(self.inner.read_stream(stream, range)).await?;
        page.events = self.see(page.events);
        Ok(page)
    }

    async fn read_all(&self, query: &ReadAll) -> StoreResult<Page> {
        let mut page = between(self.inner.read_all(query)).await?;
        page.events = self.see(page.events);
        Ok(page)
    }

    async fn wait_past(&self, position: GlobalPosition) -> StoreResult<GlobalPosition> {
        self.inner.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> StoreResult<()> {
        between(self.inner.save_snapshot(snapshot)).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> StoreResult<Option<Snapshot>> {
        between(self.inner.get_latest_snapshot(stream)).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> StoreResult<Vec<StreamId>> {
        self.inner.list_snapshots(after, limit).await
    }
    async fn restore(&self, events: Vec<RecordedEvent>) -> StoreResult<()> {
        self.inner.restore(events).await
    }
    async fn stats(&self) -> StoreResult<BackendStats> {
        self.inner.stats().await
    }
}

/// Lets a future come this many steps far, and drops it; whether it has come to its end.
pub(crate) async fn dropped_after(steps: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    for _ in 0..steps {
        if poll!(future.as_mut()).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}
