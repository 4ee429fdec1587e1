//! Copying what is missing.

use eventstore_api::{GlobalPosition, InvalidInput, ReadAll, RecordedEvent, StoreError};
use futures_util::future::{join, try_join};

use crate::{
    Difference, Migration, MigrationError, MigrationPhase,
    copy_state::{CopyState, WatchedCopy},
    kept::Kept,
    migration::Page,
    pages::{Pages, bytes},
    snapshots::{Names, SnapshotCopy},
    verify::Seen,
};

/// Copies events up to the last one that the source has by now, and the snapshots of these streams: not what comes meanwhile, which may
/// come faster.
///
/// Every snapshot is taken from the source before the events up to its end are, and saved behind them: what went into it is there.
pub(crate) async fn catch_up(
    migration: &Migration<'_>,
    snapshots_of: Names<'_>,
    copy: &WatchedCopy<'_>,
) -> Result<(), MigrationError> {
    let head = migration.target.head().await.map_err(MigrationError::Target)?;
    check_is_a_copy(migration, head).await?;
    copy.update(|state| state.go_on_behind(head));
    let mut snapshots = SnapshotCopy::new(migration, snapshots_of);
    loop {
        let taken = snapshots.take().await?;
        let until = migration.source.head().await.map_err(MigrationError::Source)?;
        copy_events(migration, copy, until).await?;
        snapshots.save(taken, || copy.update(|state| state.caught_up.snapshots += 1)).await?;
        if snapshots.is_done() {
            return Ok(());
        }
    }
}

/// Copies so much, and compares every event behind what was compared: each page once it is stored, while the next one is copied. What
/// was copied is added to the sum, also where it fails.
pub(crate) async fn catch_up_and_compare(
    migration: &Migration<'_>,
    snapshots_of: Names<'_>,
    seen: &mut Seen,
    sum: &mut CopyState,
) -> Result<(), MigrationError> {
    let kept = Kept::default();
    let copy = WatchedCopy::new(CopyState::behind(seen.head)).keeping(&kept);
    let (arriving, last) = (copy.watch(), copy.watch());
    // Dropped when it is done, or has failed: that ends the comparison.
    let copying = async move { catch_up(migration, snapshots_of, &copy).await };
    let done = try_join(copying, seen.compare_arriving(migration, arriving, &kept)).await;
    sum.add(*last.borrow());
    done.map(|((), ())| ())
}

/// That the last event of the target is the one that the source has there. Whoever wants to be sure of all of them verifies.
pub(crate) async fn check_is_a_copy(
    migration: &Migration<'_>,
    head: GlobalPosition,
) -> Result<(), MigrationError> {
    if head == GlobalPosition::START {
        return Ok(());
    }
    let last = ReadAll::before(GlobalPosition::new(head.get().saturating_add(1))).limit(1);
    let target = migration.target.read_all(&last).await.map_err(MigrationError::Target)?.events;
    let source = migration.source.read_all(&last).await.map_err(MigrationError::Source)?.events;
    let Some(target) = target.first() else { return Ok(()) };
    let difference = match source.first() {
        Some(source) if source.position == target.position => Difference::between(source, target),
        _ => Some(Difference::NotInSource { position: target.position }),
    };
    difference.map_or(Ok(()), |difference| Err(MigrationError::NotACopy(difference)))
}

/// Copies events from where the target ends, up to this position at least.
///
/// An earlier run that was dropped may have left events on their way there, and another migration may be under way; and a target whose
/// server was replaced by another may have lost its last events. Where what it has then is a beginning of the source, it goes on
/// behind that.
pub(crate) async fn copy_events(
    migration: &Migration<'_>,
    copy: &WatchedCopy<'_>,
    until: GlobalPosition,
) -> Result<(), MigrationError> {
    loop {
        let behind = copy.state().head();
        if behind >= until {
            return Ok(());
        }
        let Stored::EndsAt(head) = copy_pages(migration, copy, behind, until).await? else {
            return Ok(());
        };
        check_is_a_copy(migration, head).await?;
        copy.update(|state| state.go_on_behind(head));
    }
}

/// What became of events that were to be restored.
enum Stored {
    All,
    /// Not all: the target ends here, and not where it was known to.
    EndsAt(GlobalPosition),
}

/// Copies page by page; the next one is read while one is stored.
async fn copy_pages(
    migration: &Migration<'_>,
    copy: &WatchedCopy<'_>,
    behind: GlobalPosition,
    until: GlobalPosition,
) -> Result<Stored, MigrationError> {
    let Migration { source, page, .. } = migration;
    let mut pages = Pages::new(*source, behind);
    let mut events = gather(&mut pages, *page, until).await.map_err(MigrationError::Source)?;
    while !events.is_empty() {
        let next = gather(&mut pages, *page, until);
        let (stored, next) = join(store(migration, copy, until, events), next).await;
        if let Stored::EndsAt(head) = stored? {
            return Ok(Stored::EndsAt(head));
        }
        events = next.map_err(MigrationError::Source)?;
    }
    Ok(Stored::All)
}

/// As many events as are stored together, or nearly; none at the end.
async fn gather(
    pages: &mut Pages<'_>,
    page: Page,
    until: GlobalPosition,
) -> eventstore_api::Result<Vec<RecordedEvent>> {
    let (mut events, mut room) = (Vec::new(), page);
    while !pages.is_at_the_end && pages.position() < until {
        let read = match pages.next(room).await {
            Ok(read) => read,
            Err(error) if events.is_empty() => return Err(error),
            // What comes before is stored. The next to read says what is wrong.
            Err(_) => break,
        };
        room.events = room.events.saturating_sub(read.len());
        room.bytes = room.bytes.saturating_sub(bytes(&read));
        events.extend(read);
        if room.events == 0 || room.bytes <= page.bytes / 8 {
            break;
        }
    }
    Ok(events)
}

async fn store(
    migration: &Migration<'_>,
    copy: &WatchedCopy<'_>,
    until: GlobalPosition,
    events: Vec<RecordedEvent>,
) -> Result<Stored, MigrationError> {
    let Some(last) = events.last().map(|last| last.position) else { return Ok(Stored::All) };
    let count = events.len() as u64;
    let page = copy.to_keep(&events);
    let answer = migration.target.restore(events).await;
    if let Err(StoreError::InvalidInput(InvalidInput::PositionNotNext { position, next })) = answer {
        let known = copy.state().head();
        if position > next && next.get() == known.get().saturating_add(1) {
            return Err(MigrationError::Incomplete { missing: next, next: position });
        }
        // What an earlier run has left on its way may count already, and cannot be read before it has arrived.
        migration.target.flush().await.map_err(MigrationError::Target)?;
        let head = migration.target.head().await.map_err(MigrationError::Target)?;
        // Where it ends as it did, the same would be refused again.
        if head != known {
            return Ok(Stored::EndsAt(head));
        }
        // A store that takes all of them or none says what is missing among them.
        if position > next && next > known {
            return Err(MigrationError::Incomplete { missing: next, next: position });
        }
    }
    answer.map_err(MigrationError::Target)?;
    // A store that keeps what it takes in memory for a while would lose all of it, however long the migration has run.
    migration.target.flush().await.map_err(MigrationError::Target)?;
    copy.arrived(count, last, page);
    migration.teller().tell(MigrationPhase::Copying, last, until);
    Ok(Stored::All)
}
