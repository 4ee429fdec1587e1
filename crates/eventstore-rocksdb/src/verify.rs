mod entries;
mod events;
mod indexes;
mod look_up;
mod sum;

use std::path::Path;

use eventstore_api::{BackendStats, Result};

use self::{
    entries::{EntrySums, Index},
    events::check_events,
    indexes::Indexes,
    look_up::look_up,
    sum::EntryHash,
};
use crate::{
    config::RocksDbConfig,
    database::{Database, Synced},
    error::failed,
    moving,
};

/// What [`verify`] has seen of a store that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// How much it holds, counted.
    pub stats: BackendStats,
}

/// Looks at everything in the store in this directory: that every block of every file has its
/// checksum, that each event is one, that versions and positions have no hole, that every index leads to each event and
/// nowhere else, and that the counts are right. Nothing is changed.
///
/// Another process may have the store open, and write: what is looked at is the store as it was at the beginning. Where files
/// come and go while they are opened, it begins again; what is damaged is so each time.
///
/// It takes as long as going through all of it, once for the checksums and once for what it holds, so it has no place on a thread
/// of a runtime. Where events and indexes differ it takes longer: it goes through the events again and looks each up in every
/// index, to name the place.
///
/// # Errors
///
/// [`StoreError::Corrupted`](eventstore_api::StoreError::Corrupted) with the first damage that is found,
/// [`StoreError::Storage`](eventstore_api::StoreError::Storage) when there is no store, or the disk fails,
/// [`StoreError::Unavailable`](eventstore_api::StoreError::Unavailable) when another process changes it too fast.
///
/// ```
/// use eventstore_rocksdb::{RocksDbBackend, verify};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path();
/// drop(RocksDbBackend::open(path)?);
/// assert_eq!(verify(path)?.stats.total_events, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(path: impl AsRef<Path>) -> Result<VerifyReport> {
    verify_with(path, |_| {})
}

/// How far [`verify_with`] has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// How many events have been looked at. What comes before, the checksums of all files and what is in the indexes, counts
    /// for none; where it begins again, or goes through the events again for the place of a damage, so does this.
    pub events_done: u64,
    /// How many there are, as the store says.
    pub events_total: u64,
}

/// As [`verify`], and tells how far it has come: about every 1,024 events, and at the end.
///
/// # Errors
///
/// As [`verify`].
///
/// ```
/// use eventstore_rocksdb::{RocksDbBackend, VerifyProgress, verify_with};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path();
/// drop(RocksDbBackend::open(path)?);
/// let mut last = VerifyProgress::default();
/// verify_with(path, |progress| last = progress)?;
/// assert_eq!(last.events_done, last.events_total);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify_with(path: impl AsRef<Path>, mut progress: impl FnMut(VerifyProgress)) -> Result<VerifyReport> {
    let path = path.as_ref();
    moving::reliably(|| moving::files(path), || look(path, &mut progress))
}

fn look(path: &Path, progress: &mut dyn FnMut(VerifyProgress)) -> Result<VerifyReport> {
    // Before the database is opened: what becomes durable later is not in what is looked at.
    let durable = Synced::read(path)?;
    let database = Database::open_read_only(path, &RocksDbConfig::default())?;
    database.raw().verify_checksum().map_err(failed(path, "check the checksums"))?;
    database.check_ends(durable)?;
    let state = database.state()?;
    let hash = EntryHash::of_chance();
    let indexes = Indexes::count(&database, &hash)?;
    let events_total = state.counts.events;
    let mut tell = |events_done| progress(VerifyProgress { events_done, events_total });
    let (seen, asked) = check_events(&database, &hash, &mut tell)?;
    // Where the sums agree, each index has the entries that the events ask for and no other, so that none need be looked up: the
    // seeds of the hash are of this run, and other entries have the same sum by a chance of about 2^-128.
    if indexes.entries != asked {
        look_up(&database, &mut tell)?;
    }
    let stats = BackendStats::new(seen.events, indexes.streams, indexes.snapshots, seen.head);
    if stats != state.counts.stats() {
        let detail =
            format!("the store says that it holds {:?}, and it holds {stats:?}", state.counts.stats());
        return Err(database.corrupted(detail));
    }
    if !state.synced.is_within(state.counts) {
        return Err(database.corrupted("the store says that more is durable than it holds"));
    }
    if seen.greatest_id != state.greatest_id || seen.recorded_at != state.recorded_at {
        return Err(
            database.corrupted("the store says another greatest id or last time than its events have")
        );
    }
    check_entries(&database, &indexes.entries, &asked)?;
    Ok(VerifyReport { stats })
}

/// Whether the indexes have as many entries as the events ask for, and the same. Each that they ask for has been found by then: where
/// there are no more entries, none leads elsewhere.
fn check_entries(database: &Database, indexed: &EntrySums, asked: &EntrySums) -> Result<()> {
    for index in Index::ALL {
        let (entries, events) = (indexed.of(index).entries(), asked.of(index).entries());
        if entries != events {
            let detail = format!("the index of {index} has {entries} entries, and the events are {events}");
            return Err(database.corrupted(detail));
        }
    }
    for index in Index::ALL {
        // As many, and each was found: then going through it and looking it up do not come to the same.
        if indexed.of(index) != asked.of(index) {
            let detail = format!(
                "the index of {index} and the events differ, though each event is found when it is looked up"
            );
            return Err(database.corrupted(detail));
        }
    }
    Ok(())
}
