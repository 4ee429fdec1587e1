//! Changing over to another store without stopping.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use eventstore_api::{EventStoreBackend, GlobalPosition, StreamId};

use crate::{
    Difference, Migration, MigrationError, SwitchingBackend,
    catch_up::{catch_up_and_compare, check_is_a_copy, copy_events},
    copy_state::{CopyState, WatchedCopy},
    snapshots::{Names, SnapshotCopy, compare, look_for_missing},
    switching_backend::Store,
    to_itself::leads_to,
    verify::Seen,
};

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
        let _under_way = self.saved_meanwhile().begin()?;
        self.end_of(&*target).await?;
        let source = self.current();
        let migration = Migration::new(&*source, &*target);
        let mut seen = Seen::default();
        self.bring_while_in_use(&migration, &mut seen).await?;

        let began = Instant::now();
        let nobody_writes = self.keep_writes_away().await.map_err(MigrationError::Source)?;
        let until = self.bring_the_last(&migration, &mut seen).await?;
        drop(migration);
        self.go_over_to(target, nobody_writes);
        let held_up_for = began.elapsed();
        tracing::info!(head = until.get(), ?held_up_for, "appends go to another store from here on");
        Ok(Switched { head: until, events: seen.events, held_up_for, left: source })
    }

    /// Where a store ends that is to come, and is not this one.
    async fn end_of(&self, target: &dyn EventStoreBackend) -> Result<GlobalPosition, MigrationError> {
        let (answer, leads_here) = leads_to(self.address(), target.head()).await;
        if leads_here {
            return Err(MigrationError::ToItself);
        }
        answer.map_err(MigrationError::Target)
    }

    /// Brings all there is, and then what has come meanwhile, as often as that becomes less, until little is left.
    async fn bring_while_in_use(
        &self,
        migration: &Migration<'_>,
        seen: &mut Seen,
    ) -> Result<(), MigrationError> {
        let mut copied = CopyState::default();
        catch_up_and_compare(migration, Names::of(migration.source), seen, &mut copied).await?;
        // What was brought and is not there is brought again, as if it had been saved meanwhile.
        let note = |stream| self.note_saved(stream);
        compare(migration, Names::of(migration.target), None, note).await?;
        // Streams come, and their snapshots are saved: to ask for each of them would take as long as more come.
        let is_noted = |stream: &StreamId| self.saved_meanwhile().is_noted(stream);
        look_for_missing(migration, is_noted, note).await?;
        let mut before = u64::MAX;
        loop {
            let left = self.left(migration.source, seen.head).await?;
            // Where it does not become less, whoever writes is faster than it can be copied.
            if left <= FEW || left > before / 2 {
                return Ok(());
            }
            before = left;
            let saved = self.saved_meanwhile().drain();
            catch_up_and_compare(migration, Names::listed(&saved), seen, &mut copied).await?;
            compare(migration, Names::listed(&saved), None, note).await?;
        }
    }

    /// How much is left to be copied by now: events behind this one, and what counts as them.
    async fn left(
        &self,
        source: &dyn EventStoreBackend,
        copied: GlobalPosition,
    ) -> Result<u64, MigrationError> {
        let head = source.head().await.map_err(MigrationError::Source)?;
        let events = head.get().saturating_sub(copied.get());
        Ok(events.saturating_add(self.saved_meanwhile().count().saturating_mul(OF_A_SNAPSHOT)))
    }

    /// Brings what is left while nobody writes. Both stores end at the same event then, which is the answer.
    async fn bring_the_last(
        &self,
        migration: &Migration<'_>,
        seen: &mut Seen,
    ) -> Result<GlobalPosition, MigrationError> {
        // What was acknowledged is there already; this is for a store that keeps it in memory for a while.
        migration.source.flush().await.map_err(MigrationError::Source)?;
        let until = migration.source.head().await.map_err(MigrationError::Source)?;
        let saved = self.saved_meanwhile().drain();
        let copied = copy_the_last(migration, seen.head, until, &saved).await?;
        // Where it ended when it was last looked at need not be where it ends: it may have lost its last events since, or got others.
        let there = self.end_of(migration.target).await?;
        if there > until {
            let position = GlobalPosition::new(until.get().saturating_add(1));
            return Err(MigrationError::NotACopy(Difference::NotInSource { position }));
        }
        check_is_a_copy(migration, there).await?;
        if there >= copied.head() {
            seen.compare_copied(migration, copied).await?;
        }
        let mut snapshots_behind = 0;
        compare(migration, Names::listed(&saved), None, |_| snapshots_behind += 1).await?;
        let head = there.min(seen.head);
        if head != until || snapshots_behind > 0 {
            return Err(MigrationError::Behind { head, source_head: until, snapshots_behind });
        }
        Ok(until)
    }
}

/// Copies the events behind this one, and the snapshots of these streams.
async fn copy_the_last(
    migration: &Migration<'_>,
    behind: GlobalPosition,
    until: GlobalPosition,
    saved: &[StreamId],
) -> Result<CopyState, MigrationError> {
    let copy = WatchedCopy::new(CopyState::behind(behind));
    copy_events(migration, &copy, until).await?;
    let mut snapshots = SnapshotCopy::new(migration, Names::listed(saved));
    while !snapshots.is_done() {
        let taken = snapshots.take().await?;
        snapshots.save(taken, || ()).await?;
    }
    migration.target.flush().await.map_err(MigrationError::Target)?;
    let copied = copy.state();
    Ok(copied)
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
