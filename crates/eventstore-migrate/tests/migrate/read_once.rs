//! What was copied is compared with what was stored of it, and not read from the old store once more.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, Page, ReadAll, RecordedEvent, Result};
use eventstore_conformance::intercept::{Intercepted, Interceptor};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::Migration;

use crate::stores::{append, assert_same};

/// Counts the events that are read of it.
struct Counted {
    inner: InMemoryBackend,
    read: Arc<AtomicUsize>,
}

#[async_trait]
impl Interceptor for Counted {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let page = self.inner.read_all(query).await?;
        self.read.fetch_add(page.events.len(), Ordering::SeqCst);
        Ok(page)
    }
}

/// Takes its time to store, so that whoever compares keeps up.
struct InNoHurry(InMemoryBackend);

#[async_trait]
impl Interceptor for InNoHurry {
    fn store(&self) -> impl EventStoreBackend {
        self.0.clone()
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        self.0.restore(events).await
    }
}

#[tokio::test]
async fn the_old_store_is_read_once() {
    const EVENTS: usize = 4_000;
    let (inner, new, read) = (InMemoryBackend::new(), InMemoryBackend::new(), Arc::<AtomicUsize>::default());
    for number in 0..EVENTS / 40 {
        append(&inner, &format!("s-{}", number % 7), 40).await;
    }
    let old = Intercepted(Counted { inner: inner.clone(), read: Arc::clone(&read) });
    let target = Intercepted(InNoHurry(new.clone()));
    let report = Migration::new(&old, &target).page_events(500).run().await.unwrap();
    assert_eq!(report.verified.events, EVENTS as u64);
    let read = read.load(Ordering::SeqCst);
    // A look for the end of it is an event, too.
    assert!((EVENTS..EVENTS + 10).contains(&read), "{read}");
    assert_same(&inner, &new).await;
}
