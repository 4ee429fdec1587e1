use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use eventstore_api::{BackendStats, RecordedEvent};

use crate::{
    BackendFactory, Persistence, SecondOpener,
    deadline::Deadline,
    opened::{AnyBackend, Opened, open},
    reading,
};

/// The store that a case runs on: new and empty when the case begins.
///
/// It dereferences to the backend, so that a case reads like an application. Which one it is nobody can see: so that every case is
/// compiled once, and not for each backend anew.
pub struct TestStore {
    backend: Arc<AnyBackend>,
    opened: Box<dyn Opened>,
    deadline: Deadline,
}

impl TestStore {
    /// A new store in a new place.
    pub async fn create(factory: impl BackendFactory) -> Self {
        Self::of(open(Arc::new(factory)).await, Deadline::default())
    }

    pub(crate) fn of(opened: Box<dyn Opened>, deadline: Deadline) -> Self {
        Self { backend: Arc::new(opened.backend()), opened, deadline }
    }

    /// Another new store in another new place, for which the case has its time limit anew.
    pub async fn another(&self) -> Self {
        self.deadline.begin_anew();
        Self::of(self.opened.another().await, self.deadline.clone())
    }

    /// How long the case may take with one store.
    pub(crate) fn time_limit(&self) -> Duration {
        self.deadline.limit()
    }

    /// The backend, to be shared with tasks and subscriptions.
    #[must_use]
    pub fn backend(&self) -> Arc<AnyBackend> {
        Arc::clone(&self.backend)
    }

    /// Whether the store outlives being closed.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.opened.persistence() == Persistence::Durable
    }

    /// Closes the store and opens it again. A volatile store stays as it is: then the case goes on to prove what it
    /// proves without a restart.
    pub async fn reopen(self) -> Self {
        if !self.is_durable() {
            return self;
        }
        let Self { backend, opened, deadline } = self;
        let backend = Arc::into_inner(backend)
            .expect("a case gives up its tasks and subscriptions before it reopens the store");
        drop(backend);
        Self::of(opened.reopened().await, deadline)
    }

    /// What becomes of a second opener while the store is open.
    pub async fn open_second(&self) -> SecondOpener<AnyBackend> {
        self.opened.second().await
    }

    /// Every event, read page by page.
    pub(crate) async fn everything(&self) -> Vec<RecordedEvent> {
        reading::everything(&*self.backend).await
    }

    /// All that can be read, for saying later that nothing changed.
    pub(crate) async fn picture(&self) -> Picture {
        Picture {
            events: self.everything().await,
            stats: self.backend.stats().await.expect("stats can be read"),
        }
    }

    /// That the store is as it was when the picture was taken.
    pub(crate) async fn assert_unchanged(&self, before: &Picture, law: &str) {
        let after = self.picture().await;
        assert!(
            *before == after,
            "{law}: something was stored, or went, that should not\n  before: {}\n  after:  {}",
            before.outline(),
            after.outline()
        );
    }
}

impl Deref for TestStore {
    type Target = AnyBackend;

    fn deref(&self) -> &AnyBackend {
        &self.backend
    }
}

impl fmt::Debug for TestStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestStore").field("durable", &self.is_durable()).finish_non_exhaustive()
    }
}

/// What a store held at some moment.
#[derive(PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) events: Vec<RecordedEvent>,
    pub(crate) stats: BackendStats,
}

impl Picture {
    fn outline(&self) -> String {
        format!("{} {:?}", reading::outline(&self.events), self.stats)
    }
}
