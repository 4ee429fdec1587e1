mod damaged;
mod own_directory;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent,
    RestoredBatch, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange,
};
use eventstore_embedded::waiting;
use parking_lot::Mutex;
use tokio::sync::watch;

use self::own_directory::OwnDirectory;
use crate::{
    config::RocksDbConfig,
    database::{Database, Synced},
    error::failed,
    gate::Gate,
    layout::state::Counts,
    moving, read,
    stats::RocksDbStats,
};

/// An event store in a RocksDB database, for looking at it while another process may be writing it. Any number of readers can
/// look at a store, in any number of processes.
///
/// It takes no lock and writes nothing into the store: RocksDB opens it as a *secondary instance*, which follows the files of
/// the other process, and keeps notes of its own in a temporary directory. Where a process is killed, its directory goes when the
/// same user opens the next reader. Appends and snapshots answer [`StoreError::ReadOnly`].
///
/// # What it sees
///
/// What is durable, and nothing else: an event that was seen here does not vanish when the machine fails. With
/// [`Durability::Always`](crate::Durability::Always) that is every event as soon as the next ones are appended, or the store
/// has been idle for [a moment](RocksDbConfig::mark_after). With the others it is every event that was acknowledged, durable
/// or not. Snapshots can always be made again from events; one may be seen here a moment before it is durable.
///
/// Every call looks first whether there is more.
/// [`wait_past`](EventStoreBackend::wait_past) looks [so often](RocksDbReader::poll_every), and needs a tokio runtime with its
/// time enabled; the other calls need none.
///
/// ```
/// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, StoreError, StreamId};
/// use eventstore_rocksdb::{RocksDbBackend, RocksDbReader};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path();
/// # tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap().block_on(async {
/// let store = RocksDbBackend::open(path)?;
/// let reader = RocksDbReader::open(path)?;                    // in another process, most often
///
/// let account = StreamId::new("account-7")?;
/// let opened = || vec![NewEvent::new(EventType::new("Opened").unwrap(), "ann")];
/// store.append(&account, ExpectedVersion::NoStream, opened()).await?;
///
/// let head = reader.wait_past(GlobalPosition::START).await?;
/// assert_eq!(reader.get_events(&account).await?.len(), 1);
/// assert_eq!(reader.stats().await?.head, head);
/// let refused = reader.append(&account, ExpectedVersion::Any, opened()).await;
/// assert!(matches!(refused, Err(StoreError::ReadOnly)));
/// # Ok::<(), StoreError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct RocksDbReader {
    shared: Arc<Shared>,
    poll_every: Duration,
}

struct Shared {
    gate: Gate,
    /// What is shown. Taken by whoever looks for more.
    shown: Mutex<Counts>,
    /// Whether it is looked for more: what is damaged is shown as it was found.
    follows: bool,
    /// Whoever waits is told.
    is_closed: watch::Sender<bool>,
    path: PathBuf,
    /// RocksDB's notes of this instance; goes after the database.
    _own: OwnDirectory,
}

/// How often a reader looks for more where nothing else was said.
const POLL_EVERY: Duration = Duration::from_millis(20);

impl RocksDbReader {
    /// The store in this directory. Nothing is created where there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when there is no store, the disk fails, or no temporary directory can be made;
    /// [`StoreError::Corrupted`] when it is damaged, as far as opening looks: at what it says of itself, and whether every file is
    /// there and has its length. [`RocksDbReader::open_damaged`] opens some of those all the same;
    /// [`StoreError::Unavailable`] when another process changes it too fast.
    ///
    /// ```
    /// use eventstore_rocksdb::RocksDbReader;
    ///
    /// let missing = RocksDbReader::open("./no-such-store").unwrap_err();
    /// let message = eventstore_api::message_with_causes(&missing);
    /// assert!(message.contains("no-such-store"), "{message}");
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_config(path, &RocksDbConfig::default())
    }

    /// The store in this directory; of the settings, those count that are about reading.
    ///
    /// # Errors
    ///
    /// As [`RocksDbReader::open`].
    pub fn with_config(path: impl AsRef<Path>, config: &RocksDbConfig) -> Result<Self> {
        let path = path.as_ref();
        let shared = moving::reliably(|| moving::files(path), || Shared::open(path, config))?;
        Ok(Self { shared: Arc::new(shared), poll_every: POLL_EVERY })
    }

    /// The same reader, which looks for more so often while it waits for some: every 20 ms where this is not said. More often
    /// than every millisecond it does not.
    #[must_use]
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll_every = interval.max(Duration::from_millis(1));
        self
    }

    /// The directory of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Looks for more, and then reads, where it holds up nobody.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Database, Counts) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        waiting(move || {
            let database = shared.gate.enter()?;
            let shown = shared.catch_up(&database)?;
            read(&database, shown)
        })
        .await
    }
}

impl Shared {
    fn open(path: &Path, config: &RocksDbConfig) -> Result<Self> {
        // Before the database is opened: what becomes durable later need not be in it yet.
        let durable = Synced::read(path)?;
        let own = OwnDirectory::make()?;
        let database = Database::open_secondary(path, own.path(), config)?;
        Database::check_files(path, config)?;
        let shared = Self {
            gate: Gate::new(database),
            shown: Mutex::default(),
            follows: true,
            is_closed: watch::Sender::new(false),
            path: path.to_owned(),
            _own: own,
        };
        {
            let database = shared.gate.enter()?;
            shared.catch_up(&database)?;
            database.check_ends(durable)?;
        }
        Ok(shared)
    }

    fn catch_up(&self, database: &Database) -> Result<Counts> {
        if !self.follows {
            return Ok(*self.shown.lock());
        }
        let look = || database.raw().try_catch_up_with_primary().map_err(failed(&self.path, "look for more"));
        let mut shown = self.shown.lock();
        look()?;
        let synced = database.state()?.synced;
        if synced == *shown {
            return Ok(synced);
        }
        if synced.head < shown.head {
            let detail = format!("the store ended at {} before, and ends at {} now", shown.head, synced.head);
            return Err(database.corrupted(detail));
        }
        // RocksDB looks at the list of files first and at the logs then. A log whose content went into a file in between may
        // be gone already, and a later one tell of what came after it: what lies before is there once the list is looked at
        // again.
        look()?;
        *shown = synced;
        Ok(synced)
    }
}

#[async_trait]
impl EventStoreBackend for RocksDbReader {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        Err(StoreError::ReadOnly)
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let stream = stream.clone();
        self.read(move |database, shown| read::read_stream(database, &stream, range, shown.head)).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        let query = query.clone();
        self.read(move |database, shown| read::read_all(database, &query, shown.head)).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let mut is_closed = self.shared.is_closed.subscribe();
        loop {
            let head = self.head().await?;
            if head > position {
                return Ok(head);
            }
            // When it is closed, the next look says so.
            let _ = tokio::time::timeout(self.poll_every, is_closed.wait_for(|is_closed| *is_closed)).await;
        }
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        Err(StoreError::ReadOnly)
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
        RestoredBatch::of(events)?;
        Err(StoreError::ReadOnly)
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.read(|database, shown| Ok(shown.stats().with_specific(RocksDbStats::of(database, shown.head)?)))
            .await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.read(|_, shown| Ok(shown.head)).await
    }

    async fn close(&self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        waiting(move || {
            shared.gate.close();
            shared.is_closed.send_replace(true);
            Ok(())
        })
        .await
    }
}

impl fmt::Debug for RocksDbReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksDbReader").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
