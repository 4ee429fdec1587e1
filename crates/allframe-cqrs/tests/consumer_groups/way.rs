use std::{
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    EventStoreBackend, InMemoryBackend, ReadAll, StoreError,
    api::{Page, Result},
    async_trait,
};
use eventstore_conformance::intercept::{Call, Interceptor};
use fastrand::Rng;

/// A way to a store that can be cut, be long, or lose what goes along it.
#[derive(Clone, Default)]
pub(crate) struct Way {
    inner: InMemoryBackend,
    is_cut: Arc<AtomicBool>,
    /// How long the answer is under way that the log holds nothing.
    delay: Arc<Mutex<Duration>>,
    luck: Option<Arc<Mutex<Rng>>>,
    appends: Arc<AtomicUsize>,
    snapshots: Arc<AtomicUsize>,
    events_read: Arc<AtomicUsize>,
}

impl Way {
    pub(crate) fn to(inner: &InMemoryBackend) -> Self {
        Self { inner: inner.clone(), ..Self::default() }
    }

    /// The same, on which every tenth request fails: it does not arrive, or its answer does not.
    pub(crate) fn with_losses(mut self, seed: u64) -> Self {
        self.luck = Some(Arc::new(Mutex::new(Rng::with_seed(seed))));
        self
    }

    pub(crate) fn is_lossy(&self) -> bool {
        self.luck.is_some()
    }

    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }

    /// From now on, that the log holds nothing is told so much later.
    pub(crate) fn tell_late_of_nothing(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// How many appends were tried.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    /// How many snapshots were to be saved.
    pub(crate) fn snapshots(&self) -> usize {
        self.snapshots.load(Ordering::SeqCst)
    }

    /// How many events of the log were read since this was asked last.
    pub(crate) fn take_events_read(&self) -> usize {
        self.events_read.swap(0, Ordering::SeqCst)
    }

    fn is_lost(&self) -> bool {
        self.luck.as_ref().is_some_and(|luck| luck.lock().unwrap().u8(..10) == 0)
    }
}

#[async_trait]
impl Interceptor for Way {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn each_call<R: Send>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<R>> + Send,
    ) -> Result<R> {
        let asked = match call {
            Call::AppendAll => Some(&self.appends),
            Call::SaveSnapshot => Some(&self.snapshots),
            _ => None,
        };
        if let Some(asked) = asked {
            asked.fetch_add(1, Ordering::SeqCst);
        }
        if self.is_cut.load(Ordering::SeqCst) || self.is_lost() {
            return Err(StoreError::unavailable("the way is cut"));
        }
        let answer = answer.await?;
        match call == Call::AppendAll && self.is_lost() {
            true => Err(StoreError::outcome_unknown("the answer was lost")),
            false => Ok(answer),
        }
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let page = self.inner.read_all(query).await?;
        self.events_read.fetch_add(page.events.len(), Ordering::SeqCst);
        let delay = *self.delay.lock().unwrap();
        if page.events.is_empty() && !delay.is_zero() {
            let _ = tokio::time::timeout(delay, future::pending::<()>()).await;
        }
        Ok(page)
    }
}
