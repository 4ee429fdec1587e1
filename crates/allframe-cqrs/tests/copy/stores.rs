//! Stores with events in them, and what is in them then.

use std::pin::pin;

use allframe_cqrs::{
    EventStoreBackend, ExpectedVersion, InMemoryBackend, ReadAll, StreamId, StreamRange,
    api::{Encoding, EventType, NewEvent, Page, RecordedEvent, Result as StoreResult, StreamPage},
    async_trait,
};
use eventstore_conformance::intercept::{Call, Intercepted, Interceptor};
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
pub(crate) struct Through {
    pub(crate) inner: InMemoryBackend,
    seen: Seen,
}

impl Through {
    pub(crate) fn stepping(inner: InMemoryBackend) -> Intercepted<Self> {
        Self::showing(inner, |record| vec![record])
    }

    pub(crate) fn showing(
        inner: InMemoryBackend,
        seen: impl Fn(RecordedEvent) -> Vec<RecordedEvent> + Send + Sync + 'static,
    ) -> Intercepted<Self> {
        Intercepted(Self { inner, seen: Box::new(seen) })
    }

    fn see(&self, records: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
        records.into_iter().flat_map(&self.seen).collect()
    }
}

#[async_trait]
impl Interceptor for Through {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn each_call<R: Send>(
        &self,
        _call: Call,
        answer: impl Future<Output = StoreResult<R>> + Send,
    ) -> StoreResult<R> {
        tokio::task::yield_now().await;
        let answer = answer.await;
        tokio::task::yield_now().await;
        answer
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> StoreResult<StreamPage> {
        let mut page = self.inner.read_stream(stream, range).await?;
        page.events = self.see(page.events);
        Ok(page)
    }

    async fn read_all(&self, query: &ReadAll) -> StoreResult<Page> {
        let mut page = self.inner.read_all(query).await?;
        page.events = self.see(page.events);
        Ok(page)
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
