//! A store whose calls are intercepted, such as one behind a line that goes dead: for tests of what uses a store.
//!
//! [`Intercepted`] makes a backend of an [`Interceptor`], which says how a store differs from one that works, and nothing else: each
//! call of which it says nothing goes on to the store.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! use eventstore_api::{
//!     AppendBatch, Appended, EventStoreBackend, EventType, ExpectedVersion, NewEvent, Result, StoreError, StreamId,
//! };
//! use eventstore_conformance::{
//!     async_trait,
//!     intercept::{Intercepted, Interceptor},
//!     model::ReferenceBackend,
//! };
//!
//! /// A line on which the answer to the first append is lost.
//! #[derive(Default)]
//! struct Lossy {
//!     store: ReferenceBackend,
//!     has_lost: AtomicBool,
//! }
//!
//! #[async_trait]
//! impl Interceptor for Lossy {
//!     fn store(&self) -> impl EventStoreBackend {
//!         self.store.clone()
//!     }
//!
//!     async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
//!         let answer = self.store.append_all(batch).await?;
//!         match self.has_lost.swap(true, Ordering::Relaxed) {
//!             true => Ok(answer),
//!             false => Err(StoreError::outcome_unknown("the line went dead")),
//!         }
//!     }
//! }
//!
//! let store = Intercepted(Lossy::default());
//! let account = StreamId::new("account-7")?;
//! let opened = NewEvent::new(EventType::new("Opened")?, "ann");
//!
//! let lost = store.append(&account, ExpectedVersion::NoStream, vec![opened.clone()]).await;
//! assert!(matches!(lost, Err(StoreError::OutcomeUnknown { .. })));
//! store.append(&account, ExpectedVersion::NoStream, vec![opened]).await?;
//! assert_eq!(store.get_events(&account).await?.len(), 1);
//! # Ok::<(), StoreError>(()) }).unwrap();
//! ```
//!
//! # Methods to come
//!
//! A provided method that [`EventStoreBackend`] gets later is not intercepted unless [`Interceptor`] and [`Intercepted`] get it too:
//! until then it is answered in the provided way, by the calls that this makes, and a store that does it better is not asked.

use std::ops::Deref;

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent,
    Result, Snapshot, StreamId, StreamPage, StreamRange,
};

/// What intercepts the calls to a store, and says what becomes of them. With a store behind it, it is a backend as [`Intercepted`].
///
/// Its methods are those of [`EventStoreBackend`] that a backend has to have or may do better, with the same errors. The others,
/// such as [`append`](EventStoreBackend::append) and [`get_events`](EventStoreBackend::get_events), are made of them in the provided
/// way: what is said of [`append_all`](Self::append_all) holds for `append` too.
#[async_trait]
pub trait Interceptor: Send + Sync + 'static {
    /// The store that calls go on to: a handle to it, such as a clone or an `Arc`. It may be another store each time.
    fn store(&self) -> impl EventStoreBackend;

    /// What becomes of any call: each comes by here once, whatever is said of it below, and is answered what this answers.
    ///
    /// Until `answer` is polled, nothing has happened, and where it never is, nothing will: a line that is cut fails without it. It
    /// is dropped where the caller drops the call.
    ///
    /// ```
    /// use eventstore_api::{EventStoreBackend, Result, StoreError};
    /// use eventstore_conformance::{async_trait, intercept::{Call, Interceptor}, model::ReferenceBackend};
    ///
    /// /// A line on which nothing can be written.
    /// struct OneWay(ReferenceBackend);
    ///
    /// #[async_trait]
    /// impl Interceptor for OneWay {
    ///     fn store(&self) -> impl EventStoreBackend {
    ///         self.0.clone()
    ///     }
    ///
    ///     async fn each_call<R: Send>(
    ///         &self,
    ///         call: Call,
    ///         answer: impl Future<Output = Result<R>> + Send,
    ///     ) -> Result<R> {
    ///         match call {
    ///             Call::AppendAll | Call::SaveSnapshot | Call::Restore => Err(StoreError::unavailable("the line is cut")),
    ///             _ => answer.await,
    ///         }
    ///     }
    /// }
    /// ```
    async fn each_call<R: Send>(
        &self,
        _call: Call,
        answer: impl Future<Output = Result<R>> + Send,
    ) -> Result<R> {
        answer.await
    }

    /// What becomes of [`EventStoreBackend::append_all`], and so of `append`.
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.store().append_all(batch).await
    }

    /// What becomes of [`EventStoreBackend::read_stream`], and so of `get_events` and `get_events_after`.
    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.store().read_stream(stream, range).await
    }

    /// What becomes of [`EventStoreBackend::read_all`], and so of `get_all_events`.
    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.store().read_all(query).await
    }

    /// What becomes of [`EventStoreBackend::wait_past`].
    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.store().wait_past(position).await
    }

    /// What becomes of [`EventStoreBackend::save_snapshot`].
    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        self.store().save_snapshot(snapshot).await
    }

    /// What becomes of [`EventStoreBackend::get_latest_snapshot`].
    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.store().get_latest_snapshot(stream).await
    }

    /// What becomes of [`EventStoreBackend::list_snapshots`].
    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.store().list_snapshots(after, limit).await
    }

    /// What becomes of [`EventStoreBackend::restore`].
    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.store().restore(events).await
    }

    /// What becomes of [`EventStoreBackend::stats`].
    async fn stats(&self) -> Result<BackendStats> {
        self.store().stats().await
    }

    /// What becomes of [`EventStoreBackend::head`]. Not what the store says, but what the last event is that
    /// [`read_all`](Self::read_all) shows: where reads show something else, so does this. It costs a page of one event.
    async fn head(&self) -> Result<GlobalPosition> {
        let page = self.read_all(&ReadAll::backward().limit(1)).await?;
        Ok(page.events.first().map_or(GlobalPosition::START, |event| event.position))
    }

    /// What becomes of [`EventStoreBackend::flush`].
    async fn flush(&self) -> Result<()> {
        self.store().flush().await
    }

    /// What becomes of [`EventStoreBackend::close`]. First comes [`flush`](Self::flush), and what is said of it; then the store is
    /// closed.
    async fn close(&self) -> Result<()> {
        self.flush().await?;
        self.store().close().await
    }
}

/// Which method of a backend is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// [`EventStoreBackend::append_all`], also by `append`.
    AppendAll,
    /// [`EventStoreBackend::read_stream`], also by `get_events` and `get_events_after`, for each page.
    ReadStream,
    /// [`EventStoreBackend::read_all`], also by `get_all_events`, for each page; not by `head`.
    ReadAll,
    /// [`EventStoreBackend::wait_past`].
    WaitPast,
    /// [`EventStoreBackend::save_snapshot`].
    SaveSnapshot,
    /// [`EventStoreBackend::get_latest_snapshot`].
    GetLatestSnapshot,
    /// [`EventStoreBackend::list_snapshots`].
    ListSnapshots,
    /// [`EventStoreBackend::restore`].
    Restore,
    /// [`EventStoreBackend::stats`].
    Stats,
    /// [`EventStoreBackend::head`].
    Head,
    /// [`EventStoreBackend::flush`], not by `close`.
    Flush,
    /// [`EventStoreBackend::close`].
    Close,
}

/// A store as whoever calls it through this [`Interceptor`] has it.
///
/// It leads to the interceptor like a pointer, for what else a test asks or tells it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Intercepted<I>(pub I);

impl<I> Deref for Intercepted<I> {
    type Target = I;

    fn deref(&self) -> &I {
        &self.0
    }
}

#[async_trait]
impl<I: Interceptor> EventStoreBackend for Intercepted<I> {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.0.each_call(Call::AppendAll, self.0.append_all(batch)).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.0.each_call(Call::ReadStream, self.0.read_stream(stream, range)).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.0.each_call(Call::ReadAll, self.0.read_all(query)).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.0.each_call(Call::WaitPast, self.0.wait_past(position)).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        self.0.each_call(Call::SaveSnapshot, self.0.save_snapshot(snapshot)).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.0.each_call(Call::GetLatestSnapshot, self.0.get_latest_snapshot(stream)).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.0.each_call(Call::ListSnapshots, self.0.list_snapshots(after, limit)).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.0.each_call(Call::Restore, self.0.restore(events)).await
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.0.each_call(Call::Stats, self.0.stats()).await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.0.each_call(Call::Head, self.0.head()).await
    }

    async fn flush(&self) -> Result<()> {
        self.0.each_call(Call::Flush, self.0.flush()).await
    }

    async fn close(&self) -> Result<()> {
        self.0.each_call(Call::Close, self.0.close()).await
    }
}
