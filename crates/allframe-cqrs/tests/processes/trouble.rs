use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use allframe_cqrs::{
    Appended, EventStoreBackend, InMemoryBackend, StoreError,
    api::{AppendBatch, Result},
    async_trait,
};
use eventstore_conformance::intercept::Interceptor;

/// A way to a store on which appends to some streams go wrong.
#[derive(Clone, Default)]
pub(crate) struct Trouble {
    pub(crate) inner: InMemoryBackend,
    with: Arc<Mutex<Vec<(&'static str, Fate)>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It never answers, as where a process dies meanwhile.
    Hangs,
    /// It fails, so often.
    Fails(u32),
}

impl Trouble {
    /// Another way to the same store.
    pub(crate) fn to(inner: &InMemoryBackend) -> Self {
        Self { inner: inner.clone(), with: Arc::default() }
    }

    /// Appends to streams that begin so never answer, and store nothing.
    pub(crate) fn hangs_at(self, prefix: &'static str) -> Self {
        self.with.lock().unwrap().push((prefix, Fate::Hangs));
        self
    }

    /// Appends to streams that begin so fail, so often.
    pub(crate) fn fails_at(self, prefix: &'static str, times: u32) -> Self {
        self.with.lock().unwrap().push((prefix, Fate::Fails(times)));
        self
    }

    /// What becomes of a batch, if not what should.
    fn fate_of(&self, batch: &AppendBatch) -> Option<Fate> {
        let mut troubles = self.with.lock().unwrap();
        let is_hit =
            |prefix: &str| batch.appends.iter().any(|append| append.stream.as_str().starts_with(prefix));
        let (_, fate) =
            troubles.iter_mut().find(|(prefix, fate)| is_hit(prefix) && *fate != Fate::Fails(0))?;
        let now = *fate;
        if let Fate::Fails(times) = fate {
            *times -= 1;
        }
        Some(now)
    }
}

#[async_trait]
impl Interceptor for Trouble {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        match self.fate_of(&batch) {
            Some(Fate::Hangs) => pending().await,
            Some(Fate::Fails(_)) => Err(StoreError::unavailable("the test says so")),
            None => self.inner.append_all(batch).await,
        }
    }
}
