//! An interceptor changes what it says of the calls to a store, and passes on everything else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use eventstore_api::{
    AppendBatch, Appended, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, Page,
    ReadAll, Result, Snapshot, StoreError, StreamId, StreamRange, Version,
};
use eventstore_conformance::{
    async_trait,
    intercept::{Call, Intercepted, Interceptor},
    model::ReferenceBackend,
};

fn stream(name: &'static str) -> StreamId {
    StreamId::new(name).unwrap()
}

fn event(payload: &'static str) -> NewEvent {
    NewEvent::new(EventType::new("Happened").unwrap(), payload)
}

fn snapshot(name: &'static str) -> Snapshot {
    Snapshot::new(stream(name), Version::new(1), EventType::new("State").unwrap(), "state")
}

/// A store with two events in `a`.
async fn store() -> ReferenceBackend {
    let store = ReferenceBackend::new();
    store.append(&stream("a"), ExpectedVersion::NoStream, vec![event("one"), event("two")]).await.unwrap();
    store
}

/// Says nothing, and notes what is called.
#[derive(Default)]
struct Noting {
    inner: ReferenceBackend,
    calls: Mutex<Vec<Call>>,
}

#[async_trait]
impl Interceptor for Noting {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn each_call<R: Send>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<R>> + Send,
    ) -> Result<R> {
        self.calls.lock().unwrap().push(call);
        answer.await
    }
}

/// Says nothing at all.
struct Nothing(Arc<Intercepted<Noting>>);

#[async_trait]
impl Interceptor for Nothing {
    fn store(&self) -> impl EventStoreBackend {
        Arc::clone(&self.0)
    }
}

#[tokio::test]
async fn what_nothing_is_said_of_arrives_as_it_is_and_so_does_its_answer() {
    let noting = Arc::new(Intercepted(Noting::default()));
    let (inner, intercepted) = (noting.inner.clone(), Intercepted(Nothing(Arc::clone(&noting))));

    let moved = store().await.get_all_events().await.unwrap();
    intercepted.restore(moved.clone()).await.unwrap();
    assert_eq!(inner.get_all_events().await.unwrap(), moved);
    let guard = ExpectedVersion::Exact(Version::new(2));
    let appended = intercepted.append(&stream("a"), guard, vec![event("three")]).await.unwrap();
    assert_eq!(appended.last_version, Version::new(3));

    let (a, range) = (stream("a"), StreamRange::after(Version::new(1)).limit(1));
    let page = intercepted.read_stream(&a, range).await.unwrap();
    assert_eq!(page.events.first().map(|event| event.version), Some(Version::new(2)));
    assert_eq!(page, inner.read_stream(&a, range).await.unwrap());
    let query = ReadAll::backward().limit(2);
    assert_eq!(intercepted.read_all(&query).await.unwrap(), inner.read_all(&query).await.unwrap());
    assert_eq!(intercepted.wait_past(GlobalPosition::START).await.unwrap(), appended.last_position);

    intercepted.save_snapshot(snapshot("a")).await.unwrap();
    inner.save_snapshot(snapshot("b")).await.unwrap();
    assert_eq!(intercepted.get_latest_snapshot(&a).await.unwrap(), Some(snapshot("a")));
    assert_eq!(intercepted.list_snapshots(None, 1).await.unwrap(), [stream("a")]);
    assert_eq!(intercepted.list_snapshots(Some(&a), 9).await.unwrap(), [stream("b")]);

    assert_eq!(intercepted.stats().await.unwrap(), inner.stats().await.unwrap());
    assert_eq!(intercepted.head().await.unwrap(), appended.last_position);
    intercepted.flush().await.unwrap();
    intercepted.close().await.unwrap();

    let arrived = [
        Call::Restore,
        Call::AppendAll,
        Call::ReadStream,
        Call::ReadAll,
        Call::WaitPast,
        Call::SaveSnapshot,
        Call::GetLatestSnapshot,
        Call::ListSnapshots,
        Call::ListSnapshots,
        Call::Stats,
        // Where the head is.
        Call::ReadAll,
        Call::Flush,
        // It is closed.
        Call::Flush,
        Call::Close,
    ];
    assert_eq!(*noting.calls.lock().unwrap(), arrived);
}

#[tokio::test]
async fn each_call_comes_by_once_whatever_is_made_of_it() {
    let intercepted = Intercepted(Noting { inner: store().await, ..Noting::default() });
    intercepted.append(&stream("a"), ExpectedVersion::Any, vec![event("three")]).await.unwrap();
    intercepted.get_events(&stream("a")).await.unwrap();
    intercepted.get_events_after(&stream("a"), Version::new(1)).await.unwrap();
    intercepted.get_all_events().await.unwrap();
    intercepted.head().await.unwrap();
    intercepted.flush().await.unwrap();
    intercepted.close().await.unwrap();
    let calls = [
        Call::AppendAll,
        Call::ReadStream,
        Call::ReadStream,
        Call::ReadAll,
        Call::Head,
        Call::Flush,
        Call::Close,
    ];
    assert_eq!(*intercepted.calls.lock().unwrap(), calls);
}

/// Takes nothing, shows nothing, and counts how often it is flushed.
struct Otherwise {
    inner: ReferenceBackend,
    flushes: AtomicUsize,
}

#[async_trait]
impl Interceptor for Otherwise {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn append_all(&self, _batch: AppendBatch) -> Result<Vec<Appended>> {
        Err(StoreError::ReadOnly)
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let mut page = self.inner.read_all(query).await?;
        page.events.clear();
        Ok(page)
    }

    async fn flush(&self) -> Result<()> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn what_is_otherwise_is_so_too_in_what_is_made_of_it() {
    let intercepted = Intercepted(Otherwise { inner: store().await, flushes: AtomicUsize::new(0) });
    let refused = intercepted.append(&stream("a"), ExpectedVersion::Any, vec![event("three")]).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    assert!(intercepted.get_all_events().await.unwrap().is_empty());
    assert_eq!(intercepted.head().await.unwrap(), GlobalPosition::START);
    intercepted.close().await.unwrap();
    assert_eq!(intercepted.flushes.load(Ordering::Relaxed), 1);
    // Of streams nothing is said.
    assert_eq!(intercepted.get_events(&stream("a")).await.unwrap().len(), 2);
    assert_eq!(intercepted.stats().await.unwrap().total_events, 2);
}

/// A line that is cut.
struct Cut(ReferenceBackend);

#[async_trait]
impl Interceptor for Cut {
    fn store(&self) -> impl EventStoreBackend {
        self.0.clone()
    }

    async fn each_call<R: Send>(
        &self,
        _call: Call,
        _answer: impl Future<Output = Result<R>> + Send,
    ) -> Result<R> {
        Err(StoreError::unavailable("the line is cut"))
    }
}

#[tokio::test]
async fn a_call_whose_answer_nobody_asks_for_has_not_happened() {
    let store = store().await;
    let intercepted = Intercepted(Cut(store.clone()));
    let failed = intercepted.append(&stream("a"), ExpectedVersion::Any, vec![event("three")]).await;
    assert!(matches!(failed, Err(StoreError::Unavailable { .. })), "{failed:?}");
    intercepted.save_snapshot(snapshot("a")).await.unwrap_err();
    intercepted.head().await.unwrap_err();
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.total_events, stats.total_snapshots), (2, 0));
}

/// The methods in the body that begins in this line of a source text.
fn methods<'a>(source: &'a str, begin: &str) -> Vec<&'a str> {
    let body = source.lines().skip_while(|line| !line.starts_with(begin)).take_while(|line| *line != "}");
    let signatures = body.filter_map(|line| line.strip_prefix("    async fn "));
    signatures.filter_map(|signature| signature.split(['(', '<']).next()).collect()
}

/// One that the trait gets as a provided method would compile, and be neither intercepted nor asked of the store.
#[test]
fn each_method_of_the_trait_is_intercepted_or_made_of_those_that_are() {
    let api = concat!(env!("CARGO_MANIFEST_DIR"), "/../eventstore-api/src/backend.rs");
    let api = std::fs::read_to_string(api).unwrap();
    let mut others = methods(&api, "pub trait EventStoreBackend");
    let source = include_str!("../src/intercept.rs");
    let asked = methods(source, "impl<I: Interceptor> EventStoreBackend for Intercepted<I>");
    assert!(asked.iter().all(|method| others.contains(method)), "{asked:?} of {others:?}");
    others.retain(|method| !asked.contains(method));
    assert_eq!(others, ["append", "get_events", "get_events_after", "get_all_events"]);

    let mut of_interceptor = methods(source, "pub trait Interceptor");
    of_interceptor.retain(|method| *method != "each_call");
    assert_eq!(of_interceptor, asked);
}
