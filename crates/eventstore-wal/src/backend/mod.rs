#[cfg(feature = "parquet")]
mod archivist;
mod chores;
mod engine;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent,
    RestoredBatch, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange,
};
use eventstore_embedded::{Durability, Writer, WriterOptions, waiting};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tempfile::TempDir;

#[cfg(feature = "parquet")]
use self::archivist::Archivist;
use self::{chores::Chores, engine::LogEngine};
use crate::{
    blocking::{Effort, off_the_runtime},
    catalog::Catalog,
    config::WalConfig,
    damage::{Damage, Failure},
    disk::{Directory, Disk, FewOpenFiles},
    index::Wait,
    log::{Log, Rebuilt, RecoveryReport, Request, is_damaged_index, replace_damaged_indexes},
    read,
    reader::WalReader,
    snapshots::Snapshots,
    stats::stats,
};

/// An event store in a directory, for one process that writes and any number that look.
///
/// What `append` answers `Ok` for is on the disk, by default, and survives the end of the process and loss of power.
/// Cloning it gives another handle to the same store; when the last one is dropped, the store is closed, which takes as long
/// as a few syncs: [`close`](EventStoreBackend::close) does that without keeping a thread of the runtime waiting.
///
/// Any future may be dropped. An append that the writer has taken then happens wholly, whoever waits for it or not; a save
/// of a snapshot that has begun does too.
///
/// ```
/// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StoreError, StreamId};
/// use eventstore_wal::WalBackend;
///
/// # tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
/// let store = WalBackend::new()?;   // to throw away; `WalBackend::production("./data")` stays
/// let opened = NewEvent::new(EventType::new("Opened")?, "ann");
/// let outcome = store.append(&StreamId::new("account-7")?, ExpectedVersion::NoStream, vec![opened]).await?;
/// assert_eq!(store.head().await?, outcome.last_position);
/// store.close().await?;
/// assert!(matches!(store.head().await, Err(StoreError::Closed)));
/// # Ok::<(), StoreError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct WalBackend {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Writer<LogEngine>,
    #[cfg(feature = "parquet")]
    chores: Arc<Chores>,
    log: Arc<Readable>,
    /// Gone when the store is closed: from then on another may have the files.
    snapshots: RwLock<Option<Snapshots>>,
    path: PathBuf,
    recovery: RecoveryReport,
    /// What closing came to.
    closed: Mutex<Option<Result<()>>>,
    /// Gone with the store, after the writer.
    _throw_away: Option<TempDir>,
}

/// What a read takes. It may go on for a while when nobody waits for it any more, and keeps no store open.
struct Readable {
    catalog: Arc<Catalog>,
    disk: Arc<dyn Disk>,
}

impl WalBackend {
    /// A store in a directory of its own that is gone with it: for trying things out.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when there is no place for temporary files.
    pub fn new() -> Result<Self> {
        let directory = TempDir::with_prefix("eventstore-wal-").map_err(StoreError::storage)?;
        let path = directory.path().to_owned();
        Self::open(path, &WalConfig::default(), Some(directory), |_| Ok(None))
    }

    /// The store in this directory, which becomes a new store if there is none: what production wants.
    ///
    /// # Errors
    ///
    /// As [`WalBackend::with_config`].
    pub fn production(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_config(path, WalConfig::default())
    }

    /// The store in this directory, which becomes a new store if there is none. It is recovered where it was not closed:
    /// [`WalBackend::recovery`] tells what that came to.
    ///
    /// Opening takes time: after a clean close for a look at each segment, after a crash for going through the last one.
    ///
    /// A clean close is believed. A segment is not gone through again after it, so that bytes which have changed on the disk
    /// since are found when they are read, or by [`verify`](crate::verify()).
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when another has it open, [`StoreError::Corrupted`] when something that was durable is
    /// not what was written, [`StoreError::Storage`] when the disk fails, or the directory holds a RocksDB database: nothing
    /// is changed there then.
    pub fn with_config(path: impl AsRef<Path>, config: WalConfig) -> Result<Self> {
        Self::open(path.as_ref().to_owned(), &config, None, |_| Ok(None))
    }

    /// The same, and old segments of the log become Parquet files in the background, as the policy says: an archive that any
    /// tool can read, and that takes a fraction of the room. Events are read from it as from the rest of the log.
    ///
    /// A segment goes only when its part has been read back, is durable, and is named in the manifest. Opening a store
    /// otherwise archives nothing more; what is archived is read all the same.
    ///
    /// # Errors
    ///
    /// As [`WalBackend::with_config`].
    ///
    /// ```
    /// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};
    /// use eventstore_wal::{ArchivePolicy, WalBackend, WalConfig, WalStats};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let directory = tempfile::tempdir()?;
    /// let segments = WalConfig { segment_bytes: 64 << 10, ..WalConfig::default() };      // 64 MiB where nothing is said
    /// let policy = ArchivePolicy { keep_segments: Some(1), ..ArchivePolicy::default() };
    /// let store = WalBackend::with_archive(directory.path(), segments, policy)?;
    ///
    /// let account = StreamId::new("account-7")?;
    /// for _ in 0..5 {
    ///     let scanned = NewEvent::new(EventType::new("Scanned")?, vec![7_u8; 48 << 10]);
    ///     store.append(&account, ExpectedVersion::Any, vec![scanned]).await?;
    /// }
    /// store.archive_now().await?;
    /// let stats = store.stats().await?;
    /// assert!(stats.specific::<WalStats>().is_some_and(|stats| stats.archived_events > 0));
    /// assert_eq!(store.get_events(&account).await?.len(), 5);                             // read from both
    /// # store.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "parquet")]
    pub fn with_archive(
        path: impl AsRef<Path>,
        config: WalConfig,
        policy: crate::ArchivePolicy,
    ) -> Result<Self> {
        Self::open(path.as_ref().to_owned(), &config, None, |log| {
            Archivist::start(log.archive_by(policy)).map(Some)
        })
    }

    /// Archives everything that the policy says by now, and waits for it; how many segments that were, beyond those that were
    /// archived before without being asked for. Where the store was opened without a policy, it does nothing but
    /// [`flush`](EventStoreBackend::flush).
    ///
    /// Whoever stops waiting leaves it to happen.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupted`] when a segment turns out to be damaged, [`StoreError::Storage`] when the disk fails or is
    /// full: the segment stays as it is then, and it is tried again later. As [`flush`](EventStoreBackend::flush), when the
    /// log has failed. [`StoreError::Closed`] when the store is closed meanwhile.
    ///
    /// ```
    /// use eventstore_wal::{ArchivePolicy, WalBackend, WalConfig};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let directory = tempfile::tempdir()?;
    /// let policy = ArchivePolicy { keep_segments: Some(0), ..ArchivePolicy::default() };
    /// let store = WalBackend::with_archive(directory.path(), WalConfig::default(), policy)?;
    /// assert_eq!(store.archive_now().await?, 0);      // nothing is sealed yet
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "parquet")]
    pub async fn archive_now(&self) -> Result<u64> {
        // Whatever was sealed by now is handed out with it.
        self.shared.writer.flush().await?;
        let (done, archived) = tokio::sync::oneshot::channel();
        self.shared.chores.archive(done);
        archived.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The store in this directory, to look at while another process may be writing it: see [`WalReader`].
    ///
    /// # Errors
    ///
    /// As [`WalReader::open`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<WalReader> {
        WalReader::open(path)
    }

    fn open(
        path: PathBuf,
        config: &WalConfig,
        throw_away: Option<TempDir>,
        archivist: impl FnOnce(&Log) -> Result<Option<Archivist>>,
    ) -> Result<Self> {
        let directory = Directory::create(&path)
            .map_err(Failure::io(|| format!("cannot open the directory {}", path.display())))?;
        let disk: Arc<dyn Disk> = Arc::new(FewOpenFiles::on(Arc::new(directory)));
        let (log, mut recovery) = Log::open(disk, config.log_options())?;
        let readable =
            Arc::new(Readable { catalog: Arc::clone(log.catalog()), disk: Arc::clone(log.disk()) });
        let snapshots = open_snapshots(&log, config, &mut recovery)?;
        let chores = Arc::new(Chores::start(archivist(&log)?)?);
        let writer = start_writer(log, Arc::clone(&chores), config)?;
        let shared = Shared {
            writer,
            #[cfg(feature = "parquet")]
            chores,
            log: readable,
            snapshots: RwLock::new(Some(snapshots)),
            path,
            recovery,
            closed: Mutex::new(None),
            _throw_away: throw_away,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The directory of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// What was found when the store was opened, and what was done about it.
    #[must_use]
    pub fn recovery(&self) -> &RecoveryReport {
        &self.shared.recovery
    }

    /// Reads from the log. An index that turns out to be damaged is made anew.
    async fn read<T: Send + 'static>(
        &self,
        effort: Effort,
        read: impl Fn(&Catalog, Wait) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.check_open()?;
        let log = Arc::clone(&self.shared.log);
        off_the_runtime(effort, log, move |log, wait| match (read(&log.catalog, wait), wait) {
            (Err(failure), Wait::Never) if is_damaged_index(&failure) => Err(Failure::WouldWait),
            (Err(failure), Wait::Allowed) if is_damaged_index(&failure) => {
                replace_damaged_indexes(&*log.disk, &log.catalog, Rebuilt::Kept)?;
                read(&log.catalog, wait)
            }
            (answer, _) => answer,
        })
        .await
    }

    fn check_open(&self) -> Result<()> {
        self.shared.writer.check_open()
    }
}

#[async_trait]
impl EventStoreBackend for WalBackend {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        let request = Request::new(batch);
        let bytes = request.bytes();
        self.shared.writer.submit(request, bytes).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let stream = stream.clone();
        let effort = Effort::of_stream(self.shared.log.catalog.version(&stream), range);
        self.read(effort, move |catalog, wait| read::read_stream(catalog, &stream, range, wait)).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        let query = query.clone();
        self.read(Effort::of(query.limit as u64), move |catalog, wait| read::read_all(catalog, &query, wait))
            .await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let mut published = self.shared.log.catalog.watch();
        let found = published
            .wait_for(|published| published.is_past(position) || published.closed)
            .await
            .map_err(|_| StoreError::Closed)?;
        if found.closed { Err(StoreError::Closed) } else { Ok(GlobalPosition::new(found.head)) }
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        let shared = Arc::clone(&self.shared);
        waiting(move || {
            let snapshots = shared.snapshots.read();
            Ok(snapshots.as_ref().ok_or(StoreError::Closed)?.save(&snapshot)?)
        })
        .await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.check_open()?;
        let stream = stream.clone();
        off_the_runtime(Effort::Little, Arc::clone(&self.shared), move |shared, wait| {
            let snapshots = shared.snapshots(wait)?;
            snapshots.as_ref().ok_or(Failure::Closed)?.latest(&stream, wait)
        })
        .await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.check_open()?;
        let after = after.cloned();
        off_the_runtime(Effort::Much, Arc::clone(&self.shared), move |shared, wait| {
            let snapshots = shared.snapshots(wait)?;
            Ok(snapshots.as_ref().ok_or(Failure::Closed)?.streams(after.as_ref(), limit))
        })
        .await?
        .map_err(StoreError::from)
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        let batches =
            RestoredBatch::behind(GlobalPosition::new(self.shared.log.catalog.published().head), events)?;
        let requests: Vec<_> = batches.into_iter().map(Request::restored).collect();
        let bytes = requests.iter().map(Request::bytes).sum();
        self.shared.writer.submit_all(requests, bytes).await.map(drop)
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.check_open()?;
        off_the_runtime(Effort::Little, Arc::clone(&self.shared), |shared, wait| {
            let snapshots = shared.snapshots(wait)?.as_ref().ok_or(Failure::Closed)?.count();
            Ok(stats(&shared.log.catalog, snapshots))
        })
        .await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.check_open()?;
        Ok(GlobalPosition::new(self.shared.log.catalog.published().head))
    }

    async fn flush(&self) -> Result<()> {
        self.shared.writer.flush().await?;
        let shared = Arc::clone(&self.shared);
        waiting(move || Ok(shared.snapshots.read().as_ref().ok_or(StoreError::Closed)?.flush()?)).await
    }

    async fn close(&self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        waiting(move || shared.close()).await
    }
}

impl Shared {
    fn snapshots(&self, wait: Wait) -> Result<RwLockReadGuard<'_, Option<Snapshots>>, Failure> {
        match wait {
            Wait::Allowed => Ok(self.snapshots.read()),
            // Closing waits for a save that is under way, and holds up who comes after it.
            Wait::Never => self.snapshots.try_read().ok_or(Failure::WouldWait),
        }
    }

    /// The snapshots before the log: with that goes the lock on the directory. Whoever closes again is told the same.
    fn close(&self) -> Result<()> {
        let mut closed = self.closed.lock();
        if let Some(outcome) = &*closed {
            return outcome.clone();
        }
        self.writer.stop_taking();
        let snapshots = self.snapshots.write().take();
        let flushed = snapshots.map_or(Ok(()), |snapshots| snapshots.close());
        let outcome = self.writer.close().and(flushed.map_err(StoreError::from));
        *closed = Some(outcome.clone());
        outcome
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.closed.lock().is_some() {
            return;
        }
        if let Err(error) = self.close() {
            tracing::error!(%error, "the store was not closed in good order");
        }
    }
}

/// Starts what writes into this log. When it ends, nobody waits for events any more.
fn start_writer(log: Log, chores: Arc<Chores>, config: &WalConfig) -> Result<Writer<LogEngine>> {
    let options = WriterOptions {
        thread_name: "wal-writer",
        durability: config.durability,
        idle_after: config.mark_after,
        queue_bytes: config.queue_bytes,
    };
    let catalog = Arc::clone(log.catalog());
    let engine = LogEngine::new(log, chores, config.durability);
    Writer::start(engine, options, move || catalog.close())
}

/// Opens the snapshots of a store whose log is open. Those that are damaged are gone, which the report says: a snapshot
/// can be made anew from events.
fn open_snapshots(log: &Log, config: &WalConfig, recovery: &mut RecoveryReport) -> Result<Snapshots> {
    // A snapshot is rare enough to be synced wherever anything is.
    let durability = match config.durability {
        Durability::OsBuffered => Durability::OsBuffered,
        _ => Durability::Always,
    };
    let disk = Arc::clone(log.disk());
    let (snapshots, report) = Snapshots::open(disk, log.catalog().store, SNAPSHOT_EXTENT_BYTES, durability)?;
    recovery.snapshots_lost = report
        .damaged
        .into_iter()
        .map(|lost| Damage { file: lost.file, offset: lost.offset, detail: lost.detail })
        .collect();
    Ok(snapshots)
}

/// Nobody archives where there is no such feature.
#[cfg(not(feature = "parquet"))]
#[derive(Debug)]
enum Archivist {}

#[cfg(not(feature = "parquet"))]
impl Archivist {
    fn call(&self) {
        match *self {}
    }

    fn end(&self) -> std::thread::Result<()> {
        match *self {}
    }
}

/// A thread of the store.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(StoreError::storage)
}

/// How much of the file of snapshots is prepared at a time.
const SNAPSHOT_EXTENT_BYTES: u64 = 256 << 10;

impl fmt::Debug for WalBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalBackend")
            .field("path", &self.shared.path)
            .field("events", &self.shared.log.catalog.published().head)
            .finish_non_exhaustive()
    }
}
