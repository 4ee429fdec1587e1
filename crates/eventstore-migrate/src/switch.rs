//! Changing over to another store without stopping.

use std::{
    collections::HashSet,
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use eventstore_api::{EventStoreBackend, GlobalPosition, Result, StoreError, StreamId};
use tokio::sync::{RwLock, watch};
use tracing::Instrument as _;

use crate::{
    Difference, Migration, MigrationError,
    catch_up::{Copied, catch_up_and_compare, check_is_a_copy, copy_events},
    progressed::Progressed,
    snapshots::{Names, SnapshotCopy, compare, look_for_missing},
    to_itself::{leads_to, leave_trace},
    verify::Seen,
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

pub(crate) type Store = Arc<dyn EventStoreBackend>;

struct Shared {
    current: watch::Sender<Store>,
    /// Whoever writes has it for reading, and the switch, for its last moment, for writing. It is fair: who comes later waits.
    writes: Arc<RwLock<()>>,
    /// The streams of which snapshots were saved since a switch has begun, or has last looked, or are not in the new store although
    /// they were brought there; `None` when none is under way.
    saved: Mutex<Option<HashSet<StreamId>>>,
    is_closed: AtomicBool,
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

/// As how many events a snapshot counts there. Events come by the thousand in a page; each snapshot is read and saved by itself.
const OF_A_SNAPSHOT: u64 = 10;

impl SwitchingBackend {
    /// A store that is this one until it is [switched](Self::switch_to).
    #[must_use]
    pub fn new(store: impl EventStoreBackend) -> Self {
        let current: Store = Arc::new(store);
        let shared = Shared {
            current: watch::Sender::new(current),
            writes: Arc::default(),
            saved: Mutex::new(None),
            is_closed: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Changes over to a store that is empty, or holds a beginning of this one from an earlier migration.
    ///
    /// Everything is copied and verified while the store is in use, and then what has come meanwhile, events and snapshots, as often
    /// as that becomes less. Then appends and saves wait, as long as it takes to copy and verify what is left, which is little: no
    /// more than a thousand events or a hundred snapshots, unless they come at more than half the speed at which they are copied. When
    /// they go on, they go to the new store. Reads never wait.
    ///
    /// In memory it has a few pages, as a [`Migration`], and the names of the streams whose snapshots are saved meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Migration::run`], and
    ///
    /// - [`MigrationError::SwitchUnderWay`];
    /// - [`MigrationError::ToItself`] where the new store is this one, or leads back to it: behind an [`Arc`], a wrapper, or another
    ///   `SwitchingBackend`. A wrapper that reads in a task of its own, or answers `head` without asking, hides it, and so may two
    ///   stores that are switched to each other at the same moment; then every later call goes round in a circle;
    /// - [`MigrationError::Behind`] where the new store has not got all that it has acknowledged: in the last moment it ends too early,
    ///   or a snapshot is not there that was brought, also for the second time. One that it loses once it was compared is not missed.
    ///
    /// The store is the old one then, and in use as before. The new one is dropped: hand over an `Arc` or a clone of it, and the same
    /// call with the other goes on where this one has ended.
    ///
    /// # Cancellation
    ///
    /// Dropped early, it has switched or not; where it has not, the new store holds a beginning of the old one. It is dropped too, as
    /// behind an error, and the same call with another handle to it goes on.
    pub async fn switch_to(&self, target: impl EventStoreBackend) -> Result<Switched, MigrationError> {
        let target: Store = Arc::new(target);
        // A save that ends from here on is noted; one that has ended before is seen by whoever lists what there is.
        let _under_way = UnderWay::begin(&self.shared)?;
        self.end_of(&*target).await?;
        let source = self.current();
        let migration = Migration::new(&*source, &*target);
        let (mut seen, mut copied) = (Seen::default(), Progressed::default());
        catch_up_and_compare(&migration, Names::of(&*source), &mut seen, &mut copied).await?;
        // What was brought and is not there is brought again, as if it had been saved meanwhile.
        let note = |stream| self.note_saved(stream);
        compare(&migration, Names::of(&*target), None, note).await?;
        // Streams come, and their snapshots are saved: to ask for each of them would take as long as more come.
        let is_noted = |stream: &_| self.shared.saved().as_ref().is_some_and(|saved| saved.contains(stream));
        look_for_missing(&migration, is_noted, note).await?;
        let mut before = u64::MAX;
        loop {
            let left = self.left(&*source, seen.head).await?;
            // Where it does not become less, whoever writes is faster than it can be copied.
            if left <= FEW || left > before / 2 {
                break;
            }
            before = left;
            let saved = self.shared.drain_saved();
            catch_up_and_compare(&migration, Names::listed(&saved), &mut seen, &mut copied).await?;
            compare(&migration, Names::listed(&saved), None, note).await?;
        }

        let began = Instant::now();
        let nobody_writes = self.shared.writes.write().await;
        if self.shared.is_closed() {
            return Err(MigrationError::Source(StoreError::Closed));
        }
        // What was acknowledged is there already; this is for a store that keeps it in memory for a while.
        source.flush().await.map_err(MigrationError::Source)?;
        let until = source.head().await.map_err(MigrationError::Source)?;
        let rest = Copied::new(Progressed::behind(seen.head));
        copy_events(&migration, &rest, until).await?;
        let rest = *rest.borrow();
        let saved = self.shared.drain_saved();
        let mut snapshots = SnapshotCopy::new(&migration, Names::listed(&saved));
        while !snapshots.is_done() {
            let taken = snapshots.take().await?;
            snapshots.save(taken, || ()).await?;
        }
        target.flush().await.map_err(MigrationError::Target)?;
        // Where it ended when it was last looked at need not be where it ends: it may have lost its last events since, or got others.
        let there = self.end_of(&*target).await?;
        if there > until {
            let position = GlobalPosition::new(until.get().saturating_add(1));
            return Err(MigrationError::NotACopy(Difference::NotInSource { position }));
        }
        check_is_a_copy(&migration, there).await?;
        if there >= rest.head() {
            seen.compare_copied(&migration, rest).await?;
        }
        let mut snapshots_behind = 0;
        compare(&migration, Names::listed(&saved), None, |_| snapshots_behind += 1).await?;
        let head = there.min(seen.head);
        if head != until || snapshots_behind > 0 {
            return Err(MigrationError::Behind { head, source_head: until, snapshots_behind });
        }
        drop(migration);
        self.shared.current.send_replace(target);
        drop(nobody_writes);
        let held_up_for = began.elapsed();
        tracing::info!(head = until.get(), ?held_up_for, "appends go to another store from here on");
        Ok(Switched { head: until, events: seen.events, held_up_for, left: source })
    }

    pub(crate) fn current(&self) -> Store {
        Arc::clone(&self.shared.current.borrow())
    }

    /// Where a store ends that is to come, and is not this one.
    async fn end_of(&self, target: &dyn EventStoreBackend) -> Result<GlobalPosition, MigrationError> {
        let (answer, leads_here) = leads_to(self.address(), target.head()).await;
        if leads_here {
            return Err(MigrationError::ToItself);
        }
        answer.map_err(MigrationError::Target)
    }

    /// What no other has as long as this one is there.
    fn address(&self) -> usize {
        Arc::as_ptr(&self.shared).addr()
    }

    /// The store that is used, and who comes after it.
    pub(crate) fn watch(&self) -> watch::Receiver<Store> {
        self.shared.current.subscribe()
    }

    /// No switch comes behind it.
    pub(crate) async fn close_for_good(&self) -> Result<()> {
        let _no_switch = self.shared.writes.write().await;
        self.shared.is_closed.store(true, Ordering::Release);
        self.current().close().await
    }

    /// How much is left to be copied by now: events behind this one, and what counts as them.
    async fn left(
        &self,
        source: &dyn EventStoreBackend,
        copied: GlobalPosition,
    ) -> Result<u64, MigrationError> {
        let head = source.head().await.map_err(MigrationError::Source)?;
        let events = head.get().saturating_sub(copied.get());
        let snapshots = self.shared.saved().as_ref().map_or(0, HashSet::len) as u64;
        Ok(events.saturating_add(snapshots.saturating_mul(OF_A_SNAPSHOT)))
    }

    /// Notes that a switch which is under way has to bring this snapshot: before the lock is given back that was taken for it, so that
    /// none is missing in the last moment.
    pub(crate) fn note_saved(&self, stream: StreamId) {
        if let Some(saved) = &mut *self.shared.saved() {
            saved.insert(stream);
        }
    }

    /// Reads from the store that is used; once more where the one that was left is closed in the middle of it.
    pub(crate) async fn read<T, R: Future<Output = Result<T>>>(
        &self,
        read: impl Fn(Store) -> R,
    ) -> Result<T> {
        leave_trace(self.address());
        loop {
            let store = self.current();
            match read(Arc::clone(&store)).await {
                Err(StoreError::Closed) if !Arc::ptr_eq(&store, &self.current()) => {}
                answer => return answer,
            }
        }
    }

    /// Has a store write something, whoever waits for it or not, and keeps a switch away meanwhile.
    pub(crate) async fn write<T: Send + 'static, W: Future<Output = Result<T>> + Send + 'static>(
        &self,
        write: impl FnOnce(Store) -> W,
    ) -> Result<T> {
        let no_switch = Arc::clone(&self.shared.writes).read_owned().await;
        let write = write(self.current());
        let done = tokio::spawn(
            async move {
                let answer = write.await;
                drop(no_switch);
                answer
            }
            .in_current_span(),
        );
        done.await.unwrap_or_else(|gone| Err(StoreError::outcome_unknown(gone)))
    }
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// The streams of which snapshots were saved since this was last asked, in a switch that goes on. Their saves have ended: whoever
    /// reads them now finds them.
    fn drain_saved(&self) -> Vec<StreamId> {
        self.saved().as_mut().map(mem::take).unwrap_or_default().into_iter().collect()
    }

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
