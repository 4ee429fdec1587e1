//! Events whose payloads are the least of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, EventStoreBackend, EventType, ExpectedVersion, Metadata, NewEvent, Page, ReadAll,
    RecordedEvent, Result, StreamId,
};
use eventstore_conformance::intercept::{Intercepted, Interceptor};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::Migration;

/// Weighs what is read of it and stored in it at a time.
struct Weighed {
    inner: InMemoryBackend,
    heaviest: Arc<AtomicUsize>,
}

impl Weighed {
    fn weigh(&self, events: &[RecordedEvent]) {
        self.heaviest.fetch_max(events.iter().map(RecordedEvent::size).sum(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Interceptor for Weighed {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let page = self.inner.read_all(query).await?;
        self.weigh(&page.events);
        Ok(page)
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.weigh(&events);
        self.inner.restore(events).await
    }
}

#[tokio::test]
async fn a_page_is_bounded_by_what_its_events_take_and_not_by_their_payloads_alone() {
    let heaviest = Arc::<AtomicUsize>::default();
    let weighed = || Weighed { inner: InMemoryBackend::new(), heaviest: Arc::clone(&heaviest) };
    let (old, new) = (weighed(), Intercepted(weighed()));
    for stream in 0..4 {
        let metadata = Metadata::new().with_correlation_id("x".repeat(16 << 10));
        let event = || NewEvent::new(EventType::new("T").unwrap(), "{}").with_metadata(metadata.clone());
        let events = (0..1_000).map(|_| event()).collect();
        let stream = StreamId::new(format!("s-{stream}")).unwrap();
        old.inner.append_all(AppendBatch::single(stream, ExpectedVersion::NoStream, events)).await.unwrap();
    }
    let old = Intercepted(old);
    let report = Migration::new(&old, &new).run().await.unwrap();
    assert_eq!(report.verified.events, 4_000);
    // 64 MiB they are together.
    let heaviest = heaviest.load(Ordering::SeqCst);
    assert!(heaviest <= 9 << 20, "{heaviest}");
}
