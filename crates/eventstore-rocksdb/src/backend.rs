use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent,
    RestoredBatch, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange,
};
use eventstore_embedded::{Writer, WriterOptions, waiting};
use parking_lot::Mutex;

use crate::{
    backup,
    config::RocksDbConfig,
    database::{Database, GivenUp},
    engine::{Appender, Done, Request},
    gate::Gate,
    published::Published,
    read,
    stats::RocksDbStats,
};

/// An event store in a RocksDB database, for one process that writes and any number that look.
///
/// What `append` answers `Ok` for is on the disk, by default, and survives the end of the process and loss of power.
/// Cloning it gives another handle to the same store; when the last one is dropped, the store is closed, which takes as long
/// as writing out what is in memory: [`close`](EventStoreBackend::close) does that without keeping a thread of the runtime
/// waiting.
///
/// RocksDB is never called on a thread of the runtime: appends go to a thread of the store's own, reads to the runtime's
/// threads for what blocks. Where there is no runtime, reads are done at once.
///
/// Any future may be dropped. An append that the writer has taken then happens wholly, whoever waits for it or not; so does
/// a save of a snapshot.
///
/// ```
/// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StoreError, StreamId};
/// use eventstore_rocksdb::RocksDbBackend;
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path();
/// # tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
/// let store = RocksDbBackend::open(path)?;
/// let opened = NewEvent::new(EventType::new("Opened")?, "ann");
/// let outcome = store.append(&StreamId::new("account-7")?, ExpectedVersion::NoStream, vec![opened]).await?;
/// assert_eq!(store.head().await?, outcome.last_position);
/// store.close().await?;
/// assert!(matches!(store.head().await, Err(StoreError::Closed)));
/// # Ok::<(), StoreError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct RocksDbBackend {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Writer<Appender>,
    gate: Gate,
    published: Arc<Published>,
    path: PathBuf,
    /// What closing came to.
    closed: Mutex<Option<Result<()>>>,
}

impl RocksDbBackend {
    /// The store in this directory, which becomes a new store if there is none: what production wants.
    ///
    /// # Errors
    ///
    /// As [`RocksDbBackend::with_config`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_config(path, RocksDbConfig::default())
    }

    /// The store in this directory, which becomes a new store if there is none. It is recovered where it was not closed,
    /// which takes as long as going through the write-ahead log: [at most](RocksDbConfig::write_buffer_bytes) twice what is
    /// gathered in memory.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when another has it open, [`StoreError::Corrupted`] when something that was durable is not
    /// what was written ([`Recovery`](crate::Recovery) is the way out), as far as opening looks
    /// ([`verify`](crate::verify()) looks at everything), [`StoreError::Storage`]
    /// when the disk fails, or the directory holds something else. What is behind them is a
    /// [`RocksDbError`](crate::RocksDbError).
    ///
    /// ```
    /// use eventstore_rocksdb::{Durability, RocksDbBackend, RocksDbConfig};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path();
    /// let config = RocksDbConfig { durability: Durability::OsBuffered, ..RocksDbConfig::default() };
    /// let store = RocksDbBackend::with_config(path, config)?;
    /// assert_eq!(store.path(), path);
    /// # Ok::<(), eventstore_api::StoreError>(())
    /// ```
    pub fn with_config(path: impl AsRef<Path>, config: RocksDbConfig) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let given_up = GivenUp::default();
        let database = Database::open(&path, &config, given_up.clone())?;
        let state = database.state()?;
        let published = Arc::new(Published::new(state));
        let gate = Gate::new(database);
        let appender = Appender::new(gate.clone(), given_up, Arc::clone(&published), path.clone(), &config);
        let options = WriterOptions {
            thread_name: "rocksdb-writer",
            durability: config.durability,
            idle_after: config.mark_after,
            queue_bytes: config.queue_bytes,
        };
        // Whoever waits for events is told by the appender when it goes.
        let writer = Writer::start(appender, options, || {})?;
        let shared = Shared { writer, gate, published, path, closed: Mutex::new(None) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The directory of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Makes a copy of the store as it is now in another directory, which must not be there yet, while it is written: a store
    /// of its own, that can be opened, [verified](crate::verify()), or [restored](crate::restore) elsewhere.
    ///
    /// On the same file system it takes a moment and hardly any room, since files that are written once are shared; it is no
    /// copy for the case that the disk is lost then. Where `path` is on another file system, all of it is copied.
    ///
    /// Whoever stops waiting leaves it to happen.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when `path` is there already, or something fails: nothing is left there then.
    ///
    /// ```
    /// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StoreError, StreamId};
    /// use eventstore_rocksdb::{RocksDbBackend, verify};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let (path, monday) = (directory.path().join("store"), directory.path().join("monday"));
    /// # tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
    /// let store = RocksDbBackend::open(path)?;
    /// # let opened = NewEvent::new(EventType::new("Opened")?, "ann");
    /// # store.append(&StreamId::new("account-7")?, ExpectedVersion::NoStream, vec![opened]).await?;
    /// store.backup_to(&monday).await?;
    /// assert_eq!(verify(&monday)?.stats, store.stats().await?);
    /// # Ok::<(), StoreError>(()) }).unwrap();
    /// ```
    pub async fn backup_to(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref().to_owned();
        // What was acknowledged by now is in it, whatever the durability.
        self.shared.writer.flush().await?;
        let gate = self.shared.gate.clone();
        let head = self.shared.published.head();
        waiting(move || backup::back_up(&*gate.enter()?, head, &path)).await
    }

    /// Reads, where it holds up nobody.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Database, GlobalPosition) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.shared.writer.check_open()?;
        let (gate, published) = (self.shared.gate.clone(), Arc::clone(&self.shared.published));
        waiting(move || {
            let head = published.head();
            read(&*gate.enter()?, head)
        })
        .await
    }
}

#[async_trait]
impl EventStoreBackend for RocksDbBackend {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        let request = Request::append(batch);
        let bytes = request.bytes();
        match self.shared.writer.submit(request, bytes).await? {
            Done::Appended(outcomes) => Ok(outcomes),
            // It is not known what the writer took it for.
            Done::Saved => Err(StoreError::outcome_unknown("the writer answered as to a snapshot")),
        }
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let stream = stream.clone();
        self.read(move |database, head| read::read_stream(database, &stream, range, head)).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        let query = query.clone();
        self.read(move |database, head| read::read_all(database, &query, head)).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.shared.published.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        let request = Request::save(snapshot);
        let bytes = request.bytes();
        self.shared.writer.submit(request, bytes).await.map(|_| ())
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        let stream = stream.clone();
        self.read(move |database, _| read::snapshot(database, &stream)).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        let after = after.cloned();
        self.read(move |database, _| read::snapshot_streams(database, after.as_ref(), limit)).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        let batches = RestoredBatch::behind(self.shared.published.head(), events)?;
        let requests: Vec<_> = batches.into_iter().map(Request::restored).collect();
        let bytes = requests.iter().map(Request::bytes).sum();
        self.shared.writer.submit_all(requests, bytes).await.map(drop)
    }

    async fn stats(&self) -> Result<BackendStats> {
        let published = Arc::clone(&self.shared.published);
        self.read(move |database, _| {
            let state = published.state();
            Ok(state.counts.stats().with_specific(RocksDbStats::of(database, state.synced.head)?))
        })
        .await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.shared.writer.check_open()?;
        Ok(self.shared.published.head())
    }

    async fn flush(&self) -> Result<()> {
        self.shared.writer.flush().await
    }

    async fn close(&self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        waiting(move || shared.close()).await
    }
}

impl Shared {
    /// Whoever closes again is told the same.
    fn close(&self) -> Result<()> {
        let mut closed = self.closed.lock();
        if let Some(outcome) = &*closed {
            return outcome.clone();
        }
        let outcome = self.writer.close();
        *closed = Some(outcome.clone());
        outcome
    }
}

/// Where a full disk has room again, this waits for RocksDB to notice, for ten seconds at most: close a store before.
impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the store was not closed in good order");
        }
    }
}

impl fmt::Debug for RocksDbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksDbBackend")
            .field("path", &self.shared.path)
            .field("events", &self.shared.published.state().counts.events)
            .finish_non_exhaustive()
    }
}
