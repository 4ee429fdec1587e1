//! Changing over to another store without stopping.

use std::{
    collections::HashSet,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent,
    Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange,
};
use futures_util::future::{Either, select};
use tokio::sync::{RwLock, watch};

use crate::{
    CaughtUp, Migration, MigrationError,
    catch_up::copy_events,
    digest::Digester,
    snapshots::{Names, SnapshotCopy, compare},
    verify::compare_events,
};

/// A store that can become another one while it is used: see the [crate](crate).
///
/// Cloning it is cheap, and gives another handle to the same. It works in a runtime of tokio: appends are handed to tasks, and happen
/// also where whoever asked for them has gone.
///
/// It knows of appends that come through it. What appends to the store in another way, as another process does to a PostgreSQL
/// store, has to be stopped before the switch.
#[derive(Clone)]
pub struct SwitchingBackend {
    shared: Arc<Shared>,
}

type Store = Arc<dyn EventStoreBackend>;

struct Shared {
    current: watch::Sender<Store>,
    /// Whoever writes has it for reading, and the switch, for its last moment, for writing. It is fair: who comes later waits.
    writes: Arc<RwLock<()>>,
    /// The streams of which snapshots were saved since a switch began; `None` when none is under way.
    saved: Mutex<Option<HashSet<StreamId>>>,
}

/// What a switch came to.
#[non_exhaustive]
pub struct Switched {
    /// The position of the last event that the store that is left has: what comes behind it is in the new one.
    pub head: GlobalPosition,
    /// How many events were compared, and are the same: all of them.
    pub events: u64,
    /// For how long appends and saves had to wait.
    pub held_up_for: Duration,
    /// The store that is left. Nothing of it is used any more but what was begun before; close it.
    pub left: Arc<dyn EventStoreBackend>,
}

/// How many events may be left to be copied while appends wait, at the least: what comes while so many are copied is less.
const FEW: u64 = 1_000;

impl SwitchingBackend {
    /// A store that is this one until it is [switched](Self::switch_to).
    #[must_use]
    pub fn new(store: impl EventStoreBackend) -> Self {
        let current: Store = Arc::new(store);
        let shared =
            Shared { current: watch::Sender::new(current), writes: Arc::default(), saved: Mutex::new(None) };
        Self { shared: Arc::new(shared) }
    }

    /// Changes over to a store that is empty, or holds a beginning of this one from an earlier migration.
    ///
    /// Everything is copied and verified while the store is in use. Then appends and saves wait, as long as it takes to copy and
    /// verify what has come meanwhile, which is little; when they go on, they go to the new store. Reads never wait.
    ///
    /// # Errors
    ///
    /// As [`Migration::run`], and [`MigrationError::SwitchUnderWay`]. The store is the old one then, and in use as before.
    ///
    /// # Cancellation
    ///
    /// Dropped early, it has switched or not; where it has not, the new store holds a beginning of the old one, and the same call
    /// goes on.
    pub async fn switch_to(&self, target: impl EventStoreBackend) -> Result<Switched, MigrationError> {
        let target: Store = Arc::new(target);
        let _under_way = UnderWay::begin(&self.shared)?;
        let source = self.current();
        let migration = Migration::new(&*source, &*target);
        let mut digester = Digester::new();
        let (mut seen, mut events, mut before) = (GlobalPosition::START, 0, u64::MAX);
        loop {
            let head = migration.catch_up().await?.head;
            let compared = compare_events(&migration, (seen, head), &mut digester).await?;
            (seen, events) = (head, events + compared);
            // Where it does not become less, whoever appends is faster than it can be copied.
            if compared <= FEW || compared > before / 2 {
                break;
            }
            before = compared;
        }
        compare(&migration, Names::of(&*target), &mut digester).await?;

        let nobody_writes = self.shared.writes.write().await;
        let began = Instant::now();
        // What was acknowledged is there already; this is for a store that keeps it in memory for a while.
        source.flush().await.map_err(MigrationError::Source)?;
        let mut rest = CaughtUp { head: seen, ..CaughtUp::default() };
        let until = source.head().await.map_err(MigrationError::Source)?;
        copy_events(&migration, &mut rest, until).await?;
        let saved: Vec<_> = self.saved().take().unwrap_or_default().into_iter().collect();
        let mut snapshots = SnapshotCopy::of(&migration, saved.clone());
        while !snapshots.is_done() {
            let taken = snapshots.take().await?;
            snapshots.save(taken).await?;
        }
        target.flush().await.map_err(MigrationError::Target)?;
        events += compare_events(&migration, (seen, rest.head), &mut digester).await?;
        compare(&migration, Names::listed(&*target, saved), &mut digester).await?;
        drop(migration);
        self.shared.current.send_replace(target);
        drop(nobody_writes);
        Ok(Switched { head: rest.head, events, held_up_for: began.elapsed(), left: source })
    }

    fn current(&self) -> Store {
        Arc::clone(&self.shared.current.borrow())
    }

    fn saved(&self) -> MutexGuard<'_, Option<HashSet<StreamId>>> {
        self.shared.saved()
    }

    /// Reads from the store that is used; once more where the one that was left is closed in the middle of it.
    async fn read<T, R: Future<Output = Result<T>>>(&self, read: impl Fn(Store) -> R) -> Result<T> {
        loop {
            let store = self.current();
            match read(Arc::clone(&store)).await {
                Err(StoreError::Closed) if !Arc::ptr_eq(&store, &self.current()) => {}
                answer => return answer,
            }
        }
    }

    /// Has a store write something, whoever waits for it or not, and keeps a switch away meanwhile.
    async fn write<T: Send + 'static, W: Future<Output = Result<T>> + Send + 'static>(
        &self,
        write: impl FnOnce(Store) -> W,
    ) -> Result<T> {
        let no_switch = Arc::clone(&self.shared.writes).read_owned().await;
        let write = write(self.current());
        let done = tokio::spawn(async move {
            let answer = write.await;
            drop(no_switch);
            answer
        });
        done.await.unwrap_or_else(|gone| Err(StoreError::outcome_unknown(gone)))
    }
}

impl Shared {
    fn saved(&self) -> MutexGuard<'_, Option<HashSet<StreamId>>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A switch, until it ends in whatever way.
struct UnderWay<'s>(&'s Shared);

impl<'s> UnderWay<'s> {
    fn begin(shared: &'s Shared) -> Result<Self, MigrationError> {
        let mut saved = shared.saved();
        if saved.is_some() {
            return Err(MigrationError::SwitchUnderWay);
        }
        *saved = Some(HashSet::new());
        Ok(Self(shared))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        mem::take(&mut *self.0.saved());
    }
}

#[async_trait]
impl EventStoreBackend for SwitchingBackend {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.write(|store| async move { store.append_all(batch).await }).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.read(async |store| store.read_stream(stream, range).await).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.read(async |store| store.read_all(query).await).await
    }

    /// Goes on waiting in the new store when a switch comes in between.
    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let mut current = self.shared.current.subscribe();
        loop {
            let store = Arc::clone(&current.borrow_and_update());
            let past = store.wait_past(position);
            let switched = std::pin::pin!(current.changed());
            match select(past, switched).await {
                Either::Left((Err(StoreError::Closed), switched)) => {
                    // The store that is left is closed as soon as it is left.
                    let is_left = futures_util::FutureExt::now_or_never(switched).is_some();
                    if !is_left {
                        return Err(StoreError::Closed);
                    }
                }
                Either::Left((answer, _)) => return answer,
                Either::Right(_) => {}
            }
        }
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        let shared = Arc::clone(&self.shared);
        self.write(|store| async move {
            if let Some(saved) = &mut *shared.saved() {
                saved.insert(snapshot.stream.clone());
            }
            store.save_snapshot(snapshot).await
        })
        .await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.read(async |store| store.get_latest_snapshot(stream).await).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.read(async |store| store.list_snapshots(after, limit).await).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.write(|store| async move { store.restore(events).await }).await
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.read(async |store| store.stats().await).await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.read(async |store| store.head().await).await
    }

    async fn flush(&self) -> Result<()> {
        self.current().flush().await
    }

    async fn close(&self) -> Result<()> {
        self.current().close().await
    }
}

impl fmt::Debug for SwitchingBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwitchingBackend").finish_non_exhaustive()
    }
}

impl fmt::Debug for Switched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { head, events, held_up_for, left: _ } = self;
        f.debug_struct("Switched")
            .field("head", head)
            .field("events", events)
            .field("held_up_for", held_up_for)
            .finish_non_exhaustive()
    }
}
