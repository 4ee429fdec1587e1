//! Going through every byte of a store, without changing any.

mod index_file;
mod indexing;
mod next_frame;
mod part_check;
mod report;
mod segment_check;
mod streams;
mod unreadable;
mod witness;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use eventstore_api::{GlobalPosition, RecordedEvent, Result, Timestamp};
use eventstore_codec::Names;

pub use report::{TornEnd, VerifyProgress, VerifyReport};

use self::{
    indexing::Indexing,
    segment_check::Claim,
    streams::Streams,
    unreadable::damage_of,
    witness::{OfEvents, OfProgress, Witness},
};
use crate::{
    catalog::Catalog,
    damage::{Damage, Failure, is_missing_file},
    disk::{Directory, Disk, Open, read_whole},
    format::{
        CleanClose, MANIFEST_NAME, Manifest, PartEntry, SEGMENT_HEADER_BYTES, SYNCED_NAME, SegmentHeader,
        StoreId, SyncedMark,
    },
    index::SegmentStart,
    log::recovery::{
        layout::{Archived, TORN, UNNAMED_PART, is_leftover, lost, read_manifest, read_synced_mark},
        sealed::Link,
    },
    reader::no_store,
    snapshots::{self, UnsoundBytes},
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
/// nobody knows which one it is. Damage is no error, and neither is a file that cannot be read, or a part of one: it is in the
/// report.
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
/// can be saved of a store that is damaged. Where events are missing, positions and versions have holes.
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
    let parts = manifest.as_ref().map(|manifest| manifest.parts.clone()).unwrap_or_default();
    let archived = manifest.as_ref().map(Archived::by).unwrap_or_default();
    let all: BTreeSet<_> = names.iter().filter_map(|name| SegmentStart::parse(name)).collect();
    let segments: Vec<SegmentStart> = all.range(archived.next()..).copied().collect();
    if manifest.is_none() && report.damages.is_empty() {
        if segments.is_empty() {
            return Err(no_store(&*disk));
        }
        report.damages.push(lost(&*disk, MANIFEST_NAME, "there are segments, but no manifest"));
    }
    let Some(store) =
        manifest.as_ref().map(|manifest| manifest.store).or_else(|| store_of(&*disk, &segments))
    else {
        // Whoever may read none of it has not found it damaged.
        return unread.map_or(Ok(report), Err);
    };
    let mut verification = Verification {
        store,
        closed: manifest.as_ref().and_then(|manifest| manifest.closed),
        report,
        streams: Streams::default(),
        indexing: Indexing::default(),
        claims: Vec::new(),
        link: None,
        head: 0,
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
    closed: Option<CleanClose>,
    report: VerifyReport,
    streams: Streams,
    indexing: Indexing,
    claims: Vec<Claim>,
    /// What the next segment has to be linked to, if that is known.
    link: Option<Link>,
    /// The position of the last event that was found.
    head: u64,
    recorded_at: Timestamp,
    witness: W,
    told: VerifyProgress,
    /// How many bytes were read since it was told.
    untold: u64,
}

impl<W: Witness> Verification<W> {
    fn claim(&mut self, manifest: Option<&Manifest>, synced: Option<SyncedMark>) {
        if let Some(CleanClose { segment, offset, head }) = manifest.and_then(|manifest| manifest.closed) {
            let by = self.disk.describe(MANIFEST_NAME);
            self.claims.push(Claim { by, segment, offset, head });
        }
        if let Some(SyncedMark { segment, offset, head }) = synced {
            let by = self.disk.describe(SYNCED_NAME);
            self.claims.push(Claim { by, segment, offset, head });
        }
    }

    fn run(&mut self, parts: &[PartEntry], segments: &[SegmentStart]) {
        let catalog = Catalog::new(self.store, 0);
        for part in parts {
            self.link = Some(self.check_part(&catalog, part));
        }
        self.check_ends(segments);
        for (number, start) in segments.iter().enumerate() {
            let before = self.told.bytes_done;
            let length = self.disk.open(&start.file_name(), Open::Read).and_then(|file| file.length());
            match self.check_segment(*start, number + 1 == segments.len()) {
                Ok(link) => {
                    self.link = link;
                    self.report.segments += 1;
                }
                Err(failure) => match self.archived_since(*start, &failure) {
                    Some(part) => self.link = Some(self.check_part(&catalog, &part)),
                    None => self.pass_over_segment(*start, failure),
                },
            }
            self.told.bytes_done = self.told.bytes_done.max(before.saturating_add(length.unwrap_or(0)));
        }
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

    fn check_snapshots(&mut self) {
        match snapshots::check(&*self.disk, self.store) {
            Ok(None) => {}
            Ok(Some((found, length))) => {
                self.report.snapshots = found.snapshots;
                self.report.bytes += length;
                for damaged in found.damaged {
                    let UnsoundBytes { file, offset, detail, .. } = damaged;
                    self.report.damages.push(Damage { file, offset, detail });
                }
                for UnsoundBytes { file, offset, bytes, .. } in found.torn {
                    let note = format!(
                        "{file}, byte {offset}: {bytes} bytes of a save that was interrupted, or is under way"
                    );
                    self.report.notes.push(note);
                }
            }
            Err(failure) => {
                let described = self.disk.describe(snapshots::FILE_NAME);
                self.report.damages.push(damage_of(described, 0, failure));
            }
        }
    }

    fn finish(&mut self) {
        self.told.bytes_done = self.told.bytes_total;
        self.progress(AT_LEAST);
    }

    /// That no segment is missing at either end.
    fn check_ends(&mut self, segments: &[SegmentStart]) {
        let last = segments.last().copied();
        let known = self.claims.iter().map(|claim| claim.segment).max();
        if let Some(known) = known.filter(|known| Some(*known) > last) {
            self.report.damages.push(lost(&*self.disk, &known.file_name(), "the segment is missing"));
        }
        let expected = SegmentStart::new(self.head + 1);
        if let Some(first) = segments.first().filter(|first| **first != expected) {
            let name = expected.file_name();
            let detail = format!("the segments before position {first} are missing");
            self.report.damages.push(lost(&*self.disk, &name, detail));
        }
    }

    fn list_other_files(
        &mut self,
        names: &BTreeSet<String>,
        segments: &BTreeSet<SegmentStart>,
        archived: &Archived,
    ) {
        for name in names {
            let described = self.disk.describe(name);
            if name.ends_with(TORN) || name == snapshots::DAMAGED_NAME {
                self.report.quarantined.push(described);
            } else if is_leftover(name)
                || archived.leaves_segment(name)
                || archived.leaves_part(name, segments)
                || name == snapshots::ASIDE_NAME
            {
                let note =
                    format!("{described} is being made, or was left over; opening the store removes it");
                self.report.notes.push(note);
            } else if archived.is_unnamed(name, segments) {
                self.report.damages.push(lost(&*self.disk, name, UNNAMED_PART));
            } else if SegmentStart::parse_index(name).is_some_and(|start| !segments.contains(&start)) {
                self.report.notes.push(format!("{described} is the index of a segment that is not there"));
            }
        }
    }

    /// What the writer says by now.
    fn read_synced_again(&mut self) {
        let by = self.disk.describe(SYNCED_NAME);
        match read_synced_mark(&*self.disk, self.store) {
            Ok(Some(SyncedMark { segment, offset, head })) => {
                self.claims.push(Claim { by, segment, offset, head });
            }
            Ok(None) => {}
            Err(failure) => {
                let damage = damage_of(by, 0, failure);
                // It may have been so from the beginning.
                if !self.report.damages.contains(&damage) {
                    self.report.damages.push(damage);
                }
            }
        }
    }

    fn claim_is_wrong(&mut self, claim: &Claim, detail: String) {
        let damage = Damage { file: claim.by.clone(), offset: 0, detail };
        self.report.damages.push(damage);
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
/// How often a word of the writer that makes no sense is read again: it may have been read while it was written.
const TRIES: usize = 3;

/// What the writer says of the end of the log. The file is never synced: after a crash it may be empty, or hold zeros.
fn read_synced(disk: &dyn Disk, store: StoreId, report: &mut VerifyReport) -> Option<SyncedMark> {
    let mut failed = None;
    for _ in 0..TRIES {
        match read_synced_mark(disk, store) {
            Ok(Some(mark)) => return Some(mark),
            Ok(None) => failed = None,
            Err(failure) => failed = Some(failure),
        }
    }
    if let Some(failure) = failed {
        report.damages.push(damage_of(disk.describe(SYNCED_NAME), 0, failure));
        return None;
    }
    let bytes = read_whole(disk, SYNCED_NAME, 4_096).unwrap_or_default();
    if bytes.iter().any(|byte| *byte != 0) {
        let detail = "it is no mark of this store, or its checksum is wrong";
        report.rebuildable.push(lost(disk, SYNCED_NAME, detail));
    }
    None
}

/// Which store it is, by the segments alone.
fn store_of(disk: &dyn Disk, segments: &[SegmentStart]) -> Option<StoreId> {
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
