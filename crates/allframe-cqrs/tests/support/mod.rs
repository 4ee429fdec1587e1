//! Backends that go wrong on purpose, or look over the shoulder of the one underneath.
#![allow(dead_code, reason = "every test file uses another part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails is a test that fails")]

pub(crate) mod clocked;
pub(crate) mod killed;
pub(crate) mod listener;
#[cfg(feature = "metrics")]
pub(crate) mod recorder;

use std::{
    future::Future,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    Appended, EventStoreBackend, InMemoryBackend, ReadAll, StoreError, StreamId, StreamRange, Version,
    api::{AppendBatch, Page, Result, Snapshot, StreamPage},
    async_trait,
};
use eventstore_conformance::intercept::{Intercepted, Interceptor};

/// What becomes of an append on its way to the backend.
pub(crate) enum Fate {
    /// It is passed on.
    Goes,
    /// It fails with this error, and nothing is stored.
    Fails(StoreError),
    /// It is stored, and the answer is lost: this error comes instead.
    StoredButAnswers(StoreError),
}

/// An in-memory backend on which a test decides the fate of every append, and which counts what it is asked for.
pub(crate) struct Watched {
    pub(crate) inner: InMemoryBackend,
    fate: Box<dyn Fn(usize) -> Fate + Send + Sync>,
    snapshots_fail: AtomicBool,
    snapshots_to_wait: AtomicUsize,
    pages_are_short: bool,
    appends: AtomicUsize,
    batches: Mutex<Vec<AppendBatch>>,
    events_read: AtomicUsize,
    pages_read: AtomicUsize,
    largest_page: AtomicUsize,
    flushes: AtomicUsize,
}

impl Watched {
    /// Every append is passed on.
    pub(crate) fn new() -> Intercepted<Self> {
        Self::with_fates(|_| Fate::Goes)
    }

    /// The same, on which no snapshot can be saved.
    pub(crate) fn without_room_for_snapshots() -> Intercepted<Self> {
        let watched = Self::new();
        watched.let_snapshots_fail();
        watched
    }

    /// The same, of which every page of a stream holds one event.
    pub(crate) fn with_short_pages() -> Intercepted<Self> {
        Intercepted(Self { pages_are_short: true, ..Self::new().0 })
    }

    /// The fate of the first append is `fate(1)`, of the second `fate(2)`, and so on.
    pub(crate) fn with_fates(fate: impl Fn(usize) -> Fate + Send + Sync + 'static) -> Intercepted<Self> {
        Intercepted(Self {
            inner: InMemoryBackend::new(),
            fate: Box::new(fate),
            snapshots_fail: AtomicBool::new(false),
            snapshots_to_wait: AtomicUsize::new(0),
            pages_are_short: false,
            appends: AtomicUsize::new(0),
            batches: Mutex::new(Vec::new()),
            events_read: AtomicUsize::new(0),
            pages_read: AtomicUsize::new(0),
            largest_page: AtomicUsize::new(0),
            flushes: AtomicUsize::new(0),
        })
    }

    /// From now on no snapshot can be saved.
    pub(crate) fn let_snapshots_fail(&self) {
        self.snapshots_fail.store(true, Ordering::SeqCst);
    }

    /// The next so many snapshots find the store away.
    pub(crate) fn let_snapshots_wait(&self, snapshots: usize) {
        self.snapshots_to_wait.store(snapshots, Ordering::SeqCst);
    }

    /// How many appends were tried.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    /// Every batch that was tried, in order.
    pub(crate) fn batches(&self) -> Vec<AppendBatch> {
        self.batches.lock().unwrap().clone()
    }

    /// How many events were read from streams since this was asked last.
    pub(crate) fn take_events_read(&self) -> usize {
        self.events_read.swap(0, Ordering::SeqCst)
    }

    /// How many reads there were, of streams and of everything.
    pub(crate) fn pages_read(&self) -> usize {
        self.pages_read.load(Ordering::SeqCst)
    }

    /// The most events that one read has brought.
    pub(crate) fn largest_page(&self) -> usize {
        self.largest_page.load(Ordering::SeqCst)
    }

    pub(crate) fn flushes(&self) -> usize {
        self.flushes.load(Ordering::SeqCst)
    }

    fn note_page(&self, events: usize) {
        self.pages_read.fetch_add(1, Ordering::SeqCst);
        self.largest_page.fetch_max(events, Ordering::SeqCst);
    }
}

#[async_trait]
impl Interceptor for Watched {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let number = self.appends.fetch_add(1, Ordering::SeqCst) + 1;
        self.batches.lock().unwrap().push(batch.clone());
        match (self.fate)(number) {
            Fate::Goes => self.inner.append_all(batch).await,
            Fate::Fails(error) => Err(error),
            Fate::StoredButAnswers(error) => {
                self.inner.append_all(batch).await?;
                Err(error)
            }
        }
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let range = if self.pages_are_short { range.max_bytes(0) } else { range };
        // One that answers at once would let nobody in between.
        tokio::task::yield_now().await;
        let page = self.inner.read_stream(stream, range).await?;
        self.note_page(page.events.len());
        self.events_read.fetch_add(page.events.len(), Ordering::SeqCst);
        Ok(page)
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let page = self.inner.read_all(query).await?;
        self.note_page(page.events.len());
        Ok(page)
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        if self.snapshots_fail.load(Ordering::SeqCst) {
            return Err(StoreError::storage("no room for snapshots"));
        }
        let one_less = |left: usize| left.checked_sub(1);
        if self.snapshots_to_wait.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Err(unavailable());
        }
        self.inner.save_snapshot(snapshot).await
    }

    async fn flush(&self) -> Result<()> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        self.inner.flush().await
    }
}

pub(crate) fn unavailable() -> StoreError {
    StoreError::unavailable("the test says so")
}

pub(crate) fn outcome_unknown() -> StoreError {
    StoreError::outcome_unknown("the answer was lost")
}

pub(crate) fn conflict(stream: &str) -> StoreError {
    StoreError::WrongExpectedVersion {
        stream: StreamId::try_from(stream).unwrap(),
        expected: allframe_cqrs::ExpectedVersion::NoStream,
        actual: Version::new(1),
    }
}

/// What a future comes to; a test that would wait for ever fails instead.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("this comes within half a minute")
}

/// Lets other tasks run until this is so.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Lets every task that can run go on for a while: what has not happened then, needs more than time.
pub(crate) async fn let_others_run() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}
