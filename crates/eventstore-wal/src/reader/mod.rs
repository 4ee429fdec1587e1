//! A store that another process may be writing, for looking at.

mod active;
mod follower;
mod prefix;
pub(crate) mod shared;
#[cfg(test)]
mod tests;
#[cfg(feature = "torture")]
mod torture;

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

pub(crate) use self::follower::no_store;
use self::shared::Shared;
#[cfg(feature = "torture")]
pub use self::torture::DiskReader;
use crate::{
    blocking::{Effort, off_the_runtime},
    damage::{Damage, Failure},
    disk::{Directory, FewOpenFiles},
    index::Wait,
    stats::stats,
};

/// An event store in a directory, for looking at it while another process may be writing it. Any number of readers can look
/// at a store, in any number of processes.
///
/// It takes no lock and writes nothing, so that a file system that is mounted for reading is enough. Appends and snapshots
/// answer [`StoreError::ReadOnly`].
///
/// # What it sees
///
/// What is durable, and nothing else: an event that was seen here does not vanish when the machine fails. With
/// [`Durability::Always`](crate::Durability::Always) that is every event by the time that it is acknowledged; with the others,
/// events appear here after the next sync or [flush](EventStoreBackend::flush) of the writer.
/// Snapshots can always be made again from events; one may be seen here a moment before it is durable.
///
/// Every call looks first whether there is more, which costs a system call where there is none.
/// [`wait_past`](EventStoreBackend::wait_past) looks [so often](WalReader::poll_every), and needs a tokio runtime with its time
/// enabled; the other calls need none.
///
/// # Damage
///
/// A reader opens a damaged store, where its manifest is whole: it serves what lies before the damage, and
/// [`WalReader::damage`] tells about it. A read that comes to the place, or that begins behind it, answers
/// [`StoreError::Corrupted`]; none says that the end is reached. Where an old segment of the log is damaged in its middle,
/// what lies behind it can be read too, and only a read of the place itself answers [`StoreError::Corrupted`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, StoreError, StreamId};
/// use eventstore_wal::WalBackend;
///
/// let store = WalBackend::new()?;
/// let reader = WalBackend::open_read_only(store.path())?;         // in another process, most often
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
pub struct WalReader {
    path: PathBuf,
    shared: Arc<Shared>,
    poll_every: Duration,
}

/// How often a reader looks for more where nothing else was said.
const POLL_EVERY: Duration = Duration::from_millis(20);

impl WalReader {
    /// The store in this directory. Nothing is created where there is none.
    ///
    /// Opening takes time: after a clean close for a look at each segment, else for going through the last one too.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when there is no store, or the disk fails; [`StoreError::Corrupted`] when the manifest of the
    /// store is damaged.
    ///
    /// ```
    /// use eventstore_wal::WalReader;
    ///
    /// let missing = WalReader::open("./no-such-store").unwrap_err();
    /// let message = eventstore_api::message_with_causes(&missing);
    /// assert!(message.contains("cannot open the directory ./no-such-store"), "{message}");
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let directory = Directory::existing(&path)
            .map_err(Failure::io(|| format!("cannot open the directory {}", path.display())))?;
        let shared = Arc::new(Shared::open(Arc::new(FewOpenFiles::on(Arc::new(directory))))?);
        Ok(Self { path, shared, poll_every: POLL_EVERY })
    }

    /// The same reader, which looks for more so often while it waits for some: every 20 ms where this is not said. More often
    /// than every millisecond it does not.
    ///
    /// ```
    /// # let store = eventstore_wal::WalBackend::new()?;
    /// use std::time::Duration;
    /// use eventstore_wal::WalReader;
    ///
    /// let patient = WalReader::open(store.path())?.poll_every(Duration::from_secs(1));
    /// # let _ = patient;
    /// # Ok::<(), eventstore_api::StoreError>(())
    /// ```
    #[must_use]
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll_every = interval.max(Duration::from_millis(1));
        self
    }

    /// The directory of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the log is damaged, if that keeps the reader from seeing what lies behind.
    ///
    /// It looks at nothing: it is what opening the reader and its reads came upon. To find all damage of a store, there is
    /// [`verify`](crate::verify()).
    ///
    /// ```
    /// # let store = eventstore_wal::WalBackend::new()?;
    /// let reader = eventstore_wal::WalReader::open(store.path())?;
    /// assert_eq!(reader.damage(), None);
    /// # Ok::<(), eventstore_api::StoreError>(())
    /// ```
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        self.shared.damage().cloned()
    }

    /// How many events are whole and are not shown, of a store that nobody has open for writing: the process that wrote them has died,
    /// or the machine has, and nothing says that they are durable. Whoever opens the store for writing next makes them so, and
    /// shows them.
    ///
    /// Zero while somebody has the store open: he will show them when they are durable.
    ///
    /// It goes through the end of the log, and where there are any, it keeps the lock on the store for some microseconds: whoever would
    /// open it meanwhile tries again.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let store = eventstore_wal::WalBackend::new()?;
    /// let reader = eventstore_wal::WalReader::open(store.path())?;
    /// assert_eq!(reader.unproven().await?, 0);
    /// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
    /// ```
    ///
    /// Dropping the future early changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when the disk fails; [`StoreError::Closed`].
    pub async fn unproven(&self) -> Result<u64> {
        self.look(Effort::Much, Shared::unproven).await
    }

    /// Looks whether there is more, and then does something with what there is.
    async fn look<T: Send + 'static>(
        &self,
        effort: Effort,
        read: impl Fn(&Shared, Wait) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        if self.shared.is_closed() {
            return Err(StoreError::Closed);
        }
        off_the_runtime(effort, Arc::clone(&self.shared), move |shared, wait| shared.look(wait, &read)).await
    }
}

#[async_trait]
impl EventStoreBackend for WalReader {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        Err(StoreError::ReadOnly)
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let stream = stream.clone();
        let effort = Effort::of_stream(self.shared.catalog().version(&stream), range);
        self.look(effort, move |shared, wait| prefix::read_stream(shared, &stream, range, wait)).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        let query = query.clone();
        self.look(Effort::of(query.limit as u64), move |shared, wait| prefix::read_all(shared, &query, wait))
            .await
    }

    /// Looks for more events [so often](WalReader::poll_every), in a tokio runtime with its time enabled.
    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let mut changes = self.shared.catalog().watch();
        loop {
            let published = self.look(Effort::Little, |shared, _| Ok(shared.catalog().published())).await?;
            if published.is_past(position) {
                return Ok(GlobalPosition::new(published.head));
            }
            if let Some(damage) = self.shared.damage() {
                return Err(damage.clone().into());
            }
            // Ended early by another who looked, or closed the reader; what it was is seen above.
            let is_over = changes.wait_for(|published| published.is_past(position) || published.closed);
            let _ = tokio::time::timeout(self.poll_every, is_over).await;
        }
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        Err(StoreError::ReadOnly)
    }

    /// Waits for the disk. What it shows is saved, but in the modes that do not sync every save it may be gone after a crash
    /// of the machine.
    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        let stream = stream.clone();
        self.look(Effort::Little, move |shared, wait| shared.snapshots(wait)?.latest(&stream, wait)).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        let after = after.cloned();
        let streams = move |shared: &Shared, wait| Ok(shared.snapshots(wait)?.streams(after.as_ref(), limit));
        Ok(self.look(Effort::Much, streams).await??)
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        RestoredBatch::of(events)?;
        Err(StoreError::ReadOnly)
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.look(Effort::Little, |shared, wait| Ok(stats(shared.catalog(), shared.snapshots(wait)?.count())))
            .await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        let published = self.look(Effort::Little, |shared, _| Ok(shared.catalog().published())).await?;
        Ok(GlobalPosition::new(published.head))
    }

    /// Does nothing: what is seen here is durable.
    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Ends every wait. The files are closed with the last handle.
    async fn close(&self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        waiting(move || {
            shared.close();
            Ok(())
        })
        .await
    }
}

impl fmt::Debug for WalReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalReader")
            .field("path", &self.path)
            .field("events", &self.shared.catalog().published().head)
            .field("damage", &self.shared.damage())
            .finish_non_exhaustive()
    }
}
