//! Going through every byte of a store, without changing any.

mod all_files;
mod claims;
mod index_file;
mod indexing;
mod lost_events;
mod lost_rows;
mod next_frame;
mod other_files;
mod part_check;
mod report;
mod segment_check;
mod streams;
mod unnamed_parts;
mod unreadable;
mod witness;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use eventstore_api::{GlobalPosition, RecordedEvent, Result, Timestamp};
use eventstore_codec::Names;

pub use report::{TornEnd, VerifyProgress, VerifyReport};

use self::{
    all_files::AllFiles,
    claims::{Claim, read_synced},
    indexing::Indexing,
    streams::Streams,
    unnamed_parts::parts_by_themselves,
    unreadable::damage_of,
    witness::{OfEvents, OfProgress, Witness},
};
use crate::{
    catalog::Catalog,
    damage::{Failure, is_missing_file},
    disk::{Directory, Disk, Open, read_whole},
    format::{CleanClose, MANIFEST_NAME, PartEntry, SEGMENT_HEADER_BYTES, SegmentHeader, StoreId},
    index::SegmentStart,
    log::recovery::{
        layout::{Archived, lost, read_manifest},
        sealed::Link,
    },
    reader::no_store,
};

/// Reads every byte of a store, and holds it against everything else that is known of it: the checksums and the order of
/// all frames, the versions of all streams, every index, and what is said of the end of the log. Nothing is changed, and
/// the store may be open elsewhere. It goes on behind damage where it can, so that one run lists all of it.
///
/// It takes memory for the name of every stream, and for the index of one segment. It waits for the disk, on the thread
/// that calls it, and makes the index on another.
///
/// While another process appends, what it is just writing may be reported as [a torn tail](VerifyReport::torn_tail).
///
/// # Errors
///
/// [`StoreError::Storage`](eventstore_api::StoreError::Storage) when there is no store, or so little of it can be read that
/// nobody knows which one it is, or the process may not have as many files open as it takes, which are a few. Damage is no error, and
/// neither is a file that cannot be read, or a part of one: it is in the report.
///
/// ```
/// # let store = eventstore_wal::WalBackend::new()?;
/// let report = eventstore_wal::verify(store.path())?;
/// assert!(report.is_sound(), "{report}: {:?} {:?}", report.damages, report.rebuildable);
/// # Ok::<(), eventstore_api::StoreError>(())
/// ```
pub fn verify(path: impl AsRef<Path>) -> Result<VerifyReport> {
    verify_with(path, |_| {})
}

/// As [`verify`](crate::verify()), and tells how far it has come: about every MiB, and at the end.
///
/// # Errors
///
/// As [`verify`](crate::verify()).
///
/// ```
/// # let store = eventstore_wal::WalBackend::new()?;
/// let mut last = eventstore_wal::VerifyProgress::default();
/// eventstore_wal::verify_with(store.path(), |progress| last = progress)?;
/// assert_eq!(last.bytes_done, last.bytes_total);
/// # Ok::<(), eventstore_api::StoreError>(())
/// ```
pub fn verify_with(path: impl AsRef<Path>, progress: impl FnMut(VerifyProgress)) -> Result<VerifyReport> {
    verify_path(path.as_ref(), OfProgress(progress))
}

/// As [`verify`](crate::verify()), and shows every event that is whole, also behind damage, in the order of positions: what
/// can be saved of a store that is damaged. Where events are missing, positions and versions have holes; which positions those are
/// is told with the damage.
///
/// Where the manifest is damaged or cannot be read, the parts of the archive are taken at their word, as far as each begins behind
/// the one before it and none lies behind a segment; with the feature `parquet`, as always. Nothing says then whether the last of
/// them is missing, nor that each belongs to the store. Where in addition no segment says which store it is, they are not looked at:
/// each is a Parquet file, and can be read as one.
///
/// # Errors
///
/// As [`verify`](crate::verify()). Damage is no error here either: it is in the report.
///
/// ```
/// # let store = eventstore_wal::WalBackend::new()?;
/// let mut saved = Vec::new();
/// let report = eventstore_wal::salvage(store.path(), |event| saved.push(event))?;
/// assert_eq!(saved.len() as u64, report.events);
/// # Ok::<(), eventstore_api::StoreError>(())
/// ```
pub fn salvage(path: impl AsRef<Path>, show: impl FnMut(RecordedEvent)) -> Result<VerifyReport> {
    verify_path(path.as_ref(), OfEvents { show, names: Names::new(), shown: 0 })
}

fn verify_path(path: &Path, witness: impl Witness) -> Result<VerifyReport> {
    let directory = Directory::existing(path)
        .map_err(Failure::io(|| format!("cannot open the directory {}", path.display())))?;
    Ok(verify_disk(Arc::new(directory), witness)?)
}

/// As [`salvage`](crate::salvage()), of a store on any disk. For fuzzers, and for nobody else.
///
/// # Errors
///
/// As [`verify`](crate::verify()).
#[cfg(feature = "torture")]
pub fn salvage_disk(disk: Arc<dyn Disk>, show: impl FnMut(RecordedEvent)) -> Result<VerifyReport> {
    Ok(verify_disk(disk, OfEvents { show, names: Names::new(), shown: 0 })?)
}

fn verify_disk(disk: Arc<dyn Disk>, witness: impl Witness) -> Result<VerifyReport, Failure> {
    let disk = Arc::new(AllFiles::on(disk));
    let report = look(Arc::<AllFiles>::clone(&disk), witness);
    disk.check()?;
    report
}

fn look(disk: Arc<dyn Disk>, witness: impl Witness) -> Result<VerifyReport, Failure> {
    let (mut report, mut unread) = (VerifyReport::default(), None);
    // Before the names: see `Layout::read`.
    let manifest = match read_manifest(&*disk) {
        Ok(manifest) => manifest,
        Err(failure) => {
            report.damages.push(damage_of(disk.describe(MANIFEST_NAME), 0, failure.clone()));
            unread = Some(failure).filter(|failure| matches!(failure, Failure::Io { .. }));
            None
        }
    };
    let synced = manifest.as_ref().and_then(|manifest| read_synced(&*disk, manifest.store, &mut report));
    let names: BTreeSet<String> = disk
        .names()
        .map_err(Failure::io(|| "cannot list the directory of the store".to_owned()))?
        .into_iter()
        .collect();
    let all: BTreeSet<_> = names.iter().filter_map(|name| SegmentStart::parse(name)).collect();
    if manifest.is_none() && report.damages.is_empty() {
        if all.is_empty() {
            return Err(no_store(&*disk));
        }
        report.damages.push(lost(&*disk, MANIFEST_NAME, "there are segments, but no manifest"));
    }
    let Some(store) = manifest.as_ref().map(|manifest| manifest.store).or_else(|| store_of(&*disk, &all))
    else {
        // Whoever may read none of it has not found it damaged.
        return unread.map_or(Ok(report), Err);
    };
    let parts = match &manifest {
        Some(manifest) => manifest.parts.clone(),
        None => parts_by_themselves(&*disk, &names, &all, &mut report),
    };
    let archived = Archived::of(&parts);
    let segments: Vec<SegmentStart> = all.range(archived.next()..).copied().collect();
    let mut verification = Verification {
        store,
        has_manifest: manifest.is_some(),
        closed: manifest.as_ref().and_then(|manifest| manifest.closed),
        report,
        streams: Streams::default(),
        indexing: Indexing::default(),
        claims: Vec::new(),
        link: None,
        head: 0,
        lost_through: 0,
        recorded_at: Timestamp::MIN,
        witness,
        told: VerifyProgress {
            bytes_total: bytes_total(&*disk, &segments, &parts),
            ..VerifyProgress::default()
        },
        untold: 0,
        disk,
    };
    verification.claim(manifest.as_ref(), synced);
    verification.list_other_files(&names, &all, &archived);
    verification.run(&parts, &segments);
    verification.check_snapshots();
    verification.finish();
    Ok(verification.report)
}

/// Going through a store.
struct Verification<W> {
    disk: Arc<dyn Disk>,
    store: StoreId,
    /// Whether the manifest names the parts, and not they themselves.
    has_manifest: bool,
    closed: Option<CleanClose>,
    report: VerifyReport,
    streams: Streams,
    indexing: Indexing,
    claims: Vec<Claim>,
    /// What the next segment has to be linked to, if that is known.
    link: Option<Link>,
    /// The position of the last event that was found.
    head: u64,
    /// Up to where it is said of segments which events of theirs are not to be found.
    lost_through: u64,
    recorded_at: Timestamp,
    witness: W,
    told: VerifyProgress,
    /// How many bytes were read since it was told.
    untold: u64,
}

impl<W: Witness> Verification<W> {
    fn run(&mut self, parts: &[PartEntry], segments: &[SegmentStart]) {
        let catalog = Catalog::new(self.store, 0);
        for part in parts {
            // How its segment was sealed, a part does not say itself.
            self.link = Some(self.check_part(&catalog, part)).filter(|_| self.has_manifest);
        }
        self.check_ends(segments);
        self.check_names(parts, segments);
        let durable = self.claims.iter().max_by_key(|claim| claim.head).cloned();
        for (number, start) in segments.iter().enumerate() {
            let before = self.told.bytes_done;
            let length = self.disk.open(&start.file_name(), Open::Read).and_then(|file| file.length());
            let next = segments.get(number + 1);
            match self.check_segment(*start, next.is_none()) {
                Ok(link) => {
                    self.link = link;
                    self.report.segments += 1;
                }
                Err(failure) => match self.archived_since(*start, &failure) {
                    Some(part) => self.link = Some(self.check_part(&catalog, &part)),
                    None => self.pass_over_segment(*start, failure),
                },
            }
            // Nothing but the next one says where it had ended.
            if let Some(next) = next.filter(|_| self.link.is_none()) {
                let described = self.disk.describe(&start.file_name());
                self.lose_through(&described, next.get() - 1);
            }
            self.told.bytes_done = self.told.bytes_done.max(before.saturating_add(length.unwrap_or(0)));
        }
        self.note_unproven(durable.as_ref());
        self.check_head(durable);
        self.report.streams = self.streams.len();
        self.report.head = GlobalPosition::new(self.head);
    }

    /// The part that has taken the place of a segment since the directory was looked at.
    fn archived_since(&self, start: SegmentStart, failure: &Failure) -> Option<PartEntry> {
        if !is_missing_file(failure) {
            return None;
        }
        let manifest = read_manifest(&*self.disk).ok().flatten()?;
        manifest.parts.iter().copied().find(|part| part.start == start)
    }

    /// What is behind a segment that cannot be read may be whole.
    fn pass_over_segment(&mut self, start: SegmentStart, failure: Failure) {
        let described = self.disk.describe(&start.file_name());
        self.report.damages.push(damage_of(described, 0, failure));
        self.report.segments += 1;
        self.streams.gap();
        self.link = None;
    }

    fn finish(&mut self) {
        self.told.bytes_done = self.told.bytes_total;
        self.progress(AT_LEAST);
    }

    fn progress(&mut self, bytes: u64) {
        self.told.bytes_done = self.told.bytes_done.saturating_add(bytes).min(self.told.bytes_total);
        self.told.events = self.report.events;
        self.untold = self.untold.saturating_add(bytes);
        if self.untold >= AT_LEAST {
            self.untold = 0;
            self.witness.progress(self.told);
        }
    }
}

/// How many bytes are read before it is told, at least.
const AT_LEAST: u64 = 1 << 20;

/// Which store it is, by the segments alone.
fn store_of(disk: &dyn Disk, segments: &BTreeSet<SegmentStart>) -> Option<StoreId> {
    segments.iter().find_map(|start| {
        let bytes = read_whole(disk, &start.file_name(), SEGMENT_HEADER_BYTES as u64).ok()?;
        SegmentHeader::decode(&bytes).ok().map(|(header, _)| header.store)
    })
}

/// By the lengths of segments, as far as they can be known, and by what the manifest says of parts: that may be anything.
fn bytes_total(disk: &dyn Disk, segments: &[SegmentStart], parts: &[PartEntry]) -> u64 {
    let mut total = parts.iter().fold(0_u64, |total, part| total.saturating_add(part.file_bytes));
    for start in segments {
        let name = start.file_name();
        // It may have been archived since.
        let length = disk.open(&name, Open::Read).and_then(|file| file.length()).unwrap_or(0);
        total = total.saturating_add(length);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::faulty::FaultyDisk;

    #[test]
    fn what_a_manifest_says_of_the_lengths_of_parts_may_be_anything() {
        let part = PartEntry {
            start: SegmentStart::new(1),
            last_position: 1,
            recorded_at: Timestamp::default(),
            file_bytes: u64::MAX - 1,
            file_checksum: 0,
            events_checksum: 0,
            seal_checksum: 0,
        };
        assert_eq!(bytes_total(&FaultyDisk::new(), &[], &[part, part]), u64::MAX);
    }
}
