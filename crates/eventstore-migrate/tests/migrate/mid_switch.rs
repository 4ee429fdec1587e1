//! Stores that are looked at while they are switched.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, RecordedEvent, Result, Snapshot, StreamId};
use eventstore_conformance::intercept::Interceptor;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

/// A store that says what is asked of it in the last moment of a switch, and in which something happens meanwhile.
pub(crate) struct MidSwitch {
    inner: Arc<dyn EventStoreBackend>,
    /// What happens when the first events arrive, and before they do.
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    /// So many snapshots it acknowledges and does not have.
    loses: AtomicU64,
    /// Whoever saves a snapshot of this stream waits until he may.
    slow: Option<StreamId>,
    pub(crate) goes_on: Notify,
    is_flushed: AtomicBool,
    snapshots_read: AtomicU64,
}

impl MidSwitch {
    pub(crate) fn new(inner: impl EventStoreBackend) -> Self {
        Self {
            inner: Arc::new(inner),
            meanwhile: Mutex::default(),
            loses: AtomicU64::new(0),
            slow: None,
            goes_on: Notify::new(),
            is_flushed: AtomicBool::new(false),
            snapshots_read: AtomicU64::new(0),
        }
    }

    /// In which this happens when the first events arrive.
    pub(crate) fn meanwhile(self, happens: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { meanwhile: Mutex::new(Some(Box::pin(happens))), ..self }
    }

    /// Which acknowledges snapshots and does not have them.
    pub(crate) fn that_loses_snapshots(self) -> Self {
        self.that_loses_the_first_snapshots(u64::MAX)
    }

    /// Which does not have so many of the snapshots that it has acknowledged: the first ones.
    pub(crate) fn that_loses_the_first_snapshots(self, count: u64) -> Self {
        Self { loses: AtomicU64::new(count), ..self }
    }

    /// Which saves the snapshots of this stream when it is told to go on.
    pub(crate) fn slow_with(self, stream: StreamId) -> Self {
        Self { slow: Some(stream), ..self }
    }

    /// How many snapshots were asked for since it was flushed first: of the store that is left, since appends wait.
    pub(crate) fn snapshots_read_behind_the_flush(&self) -> u64 {
        self.snapshots_read.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Interceptor for MidSwitch {
    fn store(&self) -> impl EventStoreBackend {
        Arc::clone(&self.inner)
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        if self.slow.as_ref() == Some(&snapshot.stream) {
            self.goes_on.notified().await;
        }
        let is_lost =
            self.loses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        match is_lost {
            true => Ok(()),
            false => self.inner.save_snapshot(snapshot).await,
        }
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        if self.is_flushed.load(Ordering::SeqCst) {
            self.snapshots_read.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.get_latest_snapshot(stream).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        self.inner.restore(events).await
    }

    async fn flush(&self) -> Result<()> {
        self.is_flushed.store(true, Ordering::SeqCst);
        self.inner.flush().await
    }
}
