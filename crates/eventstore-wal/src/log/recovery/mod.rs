//! Opening a log: after a clean close by reading what was left for that, after anything else by looking.

pub(crate) mod clean_close;
pub(crate) mod layout;
pub(crate) mod parts;
mod report;
pub(crate) mod scan;
pub(crate) mod sealed;
mod tail_end;

use std::sync::Arc;

use eventstore_api::{GlobalPosition, StoreError, Timestamp};
use eventstore_codec::Names;

use clean_close::{Left, load_closed};
use layout::{Evidence, Layout};
use parts::load_part;
pub use report::{RecoveryReport, TornTail};
pub(crate) use scan::{ScanEnd, read_segment_header, scan_segment};
pub(crate) use sealed::{Before, build_index, keep, load_sealed};

use super::{
    GreatestIds, Log, LogOptions, Rebuilt, SealWork, Space,
    roll::{Next, Place},
    tail::{SEAL_BYTES, Tail, TailEnd},
};
use crate::{
    catalog::{Catalog, TakeUp},
    damage::Failure,
    disk::{Disk, DiskFile, Open, replace},
    format::{CleanClose, MANIFEST_NAME, Manifest, SEGMENT_HEADER_BYTES, SYNCED_NAME, StoreId},
    index::{ActiveIndex, SegmentIndex as _, SegmentStart},
    manifest_file::ManifestFile,
    other_store,
    segment::{Sealed, Segment},
};

/// What keeps other openers out.
pub(crate) const LOCK_NAME: &str = "LOCK";

impl Log {
    /// Opens the log of a directory for writing, and recovers it where it was not closed. An empty directory becomes a new
    /// store.
    ///
    /// Nothing that was acknowledged is lost, and nothing of an append that was interrupted is kept in part. To do it
    /// twice, or to be interrupted and do it again, changes nothing more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when another has it open, [`StoreError::Corrupted`] when something that was durable is
    /// not there or not what was written, [`StoreError::Storage`] when the disk fails, or there is a RocksDB database in the
    /// directory.
    pub fn open(disk: Arc<dyn Disk>, options: LogOptions) -> Result<(Self, RecoveryReport), StoreError> {
        // Before anything is made here, the file that is locked too.
        other_store::check(&*disk)?;
        let lock = disk
            .lock(LOCK_NAME)
            .map_err(Failure::io(|| format!("cannot lock {}", disk.describe(LOCK_NAME))))?
            .ok_or_else(|| StoreError::unavailable(InUse { place: disk.describe(LOCK_NAME) }))?;
        Ok(Opening { disk, options, report: RecoveryReport::default() }.open(lock)?)
    }
}

/// Another process, or another handle of this one, has the store open.
#[derive(Debug, thiserror::Error)]
#[error("another has the store open and holds {place}; to look at it meanwhile, open it read-only")]
pub(crate) struct InUse {
    place: String,
}

fn remove(disk: &dyn Disk, names: &[String]) -> Result<(), Failure> {
    names.iter().try_for_each(|name| {
        disk.remove(name).map_err(Failure::io(|| format!("cannot remove {}", disk.describe(name))))
    })
}

struct Opening {
    disk: Arc<dyn Disk>,
    options: LogOptions,
    report: RecoveryReport,
}

impl Opening {
    fn open(mut self, lock: Box<dyn Send + Sync>) -> Result<(Log, RecoveryReport), Failure> {
        let disk = Arc::clone(&self.disk);
        // What the last opener did to the names may not be durable yet.
        disk.sync_names().map_err(Failure::io(|| "cannot sync the directory of the store".to_owned()))?;
        let layout = Layout::read(&*disk)?;
        let evidence = layout.evidence;
        remove(&*disk, &layout.leftovers)?;
        let manifest = match &layout.manifest {
            Some(manifest) => manifest.clone(),
            None => self.create_manifest()?,
        };
        let catalog = Arc::new(Catalog::new(manifest.store, self.options.cache_bytes));
        layout.check_complete(&*disk)?;

        let mut before = Before::default();
        for part in &manifest.parts {
            let loaded = load_part(&disk, &catalog, part, &mut before, Rebuilt::Kept, TakeUp::Now)?;
            self.report.indexes_rebuilt += u64::from(loaded.rebuilt);
        }
        for start in layout.archived.iter().filter_map(|name| SegmentStart::parse(name)) {
            let part = catalog.segment(start);
            // The segment may be all there is of its events.
            part.and_then(|segment| segment.part.clone()).map_or(Ok(()), |part| part.verify())?;
        }
        remove(&*disk, &layout.archived)?;
        let (sealed, last) = match layout.segments.split_last() {
            Some((last, sealed)) => (sealed, Some(*last)),
            None => (layout.segments.as_slice(), None),
        };
        for start in sealed {
            let loaded = load_sealed(&disk, &catalog, *start, &mut before)?;
            self.report.indexes_rebuilt += u64::from(loaded.rebuilt);
        }
        let (tail, unindexed, recorded_at) = match last {
            Some(start) => self.open_last(&catalog, start, before, manifest.open, evidence)?,
            None => (self.begin_first(&catalog)?, Vec::new(), before.recorded_at),
        };
        let manifest = Arc::new(ManifestFile::new(Arc::clone(&disk), manifest));
        manifest.update(|manifest| manifest.open = true)?;
        let synced_mark = disk
            .open(SYNCED_NAME, Open::Write)
            .or_else(|_| disk.open(SYNCED_NAME, Open::Replace))
            .map_err(Failure::io(|| format!("cannot open {}", disk.describe(SYNCED_NAME))))?;
        let sealed =
            catalog.segments().iter().filter_map(|it| it.sealed()).filter_map(|it| it.max_id_so_far).max();
        let greatest_ids = GreatestIds { all: tail.index.greatest_id().max(sealed), sealed };
        let mut log = Log {
            disk,
            options: self.options,
            catalog,
            tail,
            manifest,
            synced_mark,
            last_recorded_at: recorded_at,
            greatest_ids,
            poison: None,
            ends: Vec::new(),
            unindexed,
            _lock: lock,
        };
        #[cfg(feature = "torture")]
        {
            log.tail.forgets_watermark = log.options.bug == Some(super::SeededBug::ForgetTheWatermark);
        }
        log.tell_synced();
        log.publish();
        log.finish_recovery(self.report.was_closed)?;
        self.report.head = GlobalPosition::new(log.tail.head());
        Ok((log, self.report))
    }

    fn create_manifest(&self) -> Result<Manifest, Failure> {
        let manifest = Manifest::new(StoreId::generate(), None, true);
        replace(&*self.disk, MANIFEST_NAME, &manifest.encode())
            .map_err(Failure::io(|| format!("cannot write {}", self.disk.describe(MANIFEST_NAME))))?;
        Ok(manifest)
    }

    fn begin_first(&self, catalog: &Catalog) -> Result<Tail, Failure> {
        let LogOptions { extent_bytes, segment_bytes, .. } = self.options;
        let next =
            Next::prepare(&self.disk, extent_bytes, segment_bytes, SEGMENT_HEADER_BYTES as u64 + SEAL_BYTES)?;
        let place = Place { start: SegmentStart::new(1), previous: None, previous_checksum: 0 };
        next.begin(&self.disk, catalog, place, true)
    }

    /// The segment that was written last: from what a clean close left, or by going through it.
    fn open_last(
        &mut self,
        catalog: &Arc<Catalog>,
        start: SegmentStart,
        before: Before,
        was_open: bool,
        evidence: Evidence,
    ) -> Result<(Tail, Vec<SealWork>, Timestamp), Failure> {
        let name = start.file_name();
        let disk = Arc::clone(&self.disk);
        let describe = disk.describe(&name);
        let open = |how| disk.open(&name, how).map_err(Failure::io(|| format!("cannot open {describe}")));
        let file = open(Open::Write)?;
        let length = file.length().map_err(Failure::io(|| format!("cannot read {describe}")))?;
        let index = Arc::new(ActiveIndex::new(catalog.store.as_bytes(), start));
        let segment = Segment::new(catalog.store, start, file, describe.clone(), index.clone());
        let (header, checksum) = read_segment_header(&segment, catalog.store)?;
        before.check_link(&segment, header.previous, header.previous_checksum)?;

        let clean =
            evidence.closed.filter(|closed| !was_open && closed.segment == start && closed.offset == length);
        if let Some(closed) = clean
            && let Some(left) = load_closed(&*self.disk, catalog, &segment, closed)?
            && let Ok(in_memory) = left.index.to_active()
        {
            self.report.was_closed = true;
            let Left { index, begun, checksum, recorded_at } = left;
            let put_off = catalog.take_up_streams(&segment, &*index, begun, TakeUp::Now)?;
            let index = Arc::new(in_memory);
            let CleanClose { offset, head, .. } = closed;
            let end = TailEnd { offset, checksum, head, is_marked: true };
            segment.replace_index(index.clone());
            let segment = Arc::new(segment);
            catalog.add_segment(Arc::clone(&segment));
            catalog.note(start, put_off);
            let space = self.space(open(Open::Write)?, end.offset);
            return Ok((
                Tail::new(segment, index, space, end),
                Vec::new(),
                recorded_at.max(before.recorded_at),
            ));
        }

        // Where nothing was ever written, there is nothing to go through either.
        self.report.was_closed = clean.is_some_and(|closed| closed.head == 0);
        let mut names = Names::new();
        let mut events = 0;
        let end = scan_segment(&segment, length, checksum, |frame| {
            events += u64::from(frame.header.events);
            let taken_up = catalog.take_up(start, &index, frame, &mut names);
            taken_up.map_err(|why| segment.damage(frame.offset, why).into())
        })?;
        #[cfg(feature = "torture")]
        let end = self.trust_the_length(&segment, end, length)?;
        self.report.events_scanned = events;
        self.settle_tail(&segment, &end, length, evidence)?;

        let segment = Arc::new(segment);
        catalog.add_segment(Arc::clone(&segment));
        let recorded_at = end.recorded_at.max(before.recorded_at);
        if end.fault.is_none() {
            // The crash came between the end of this segment and the beginning of the next.
            let sealed = Sealed {
                end: end.offset,
                last_position: end.head,
                max_id_so_far: before.greatest_id.max(index.greatest_id()),
                recorded_at,
                checksum: end.checksum,
            };
            segment.seal(sealed);
            let LogOptions { extent_bytes, segment_bytes, .. } = self.options;
            let room = SEGMENT_HEADER_BYTES as u64 + SEAL_BYTES;
            let next = Next::prepare(&self.disk, extent_bytes, segment_bytes, room)?;
            let place = Place {
                start: SegmentStart::new(end.head + 1),
                previous: Some(start),
                previous_checksum: end.checksum,
            };
            let tail = next.begin(&self.disk, catalog, place, true)?;
            let work =
                SealWork { disk: Arc::clone(&self.disk), store: catalog.store, segment, index, sealed };
            return Ok((tail, vec![work], recorded_at));
        }
        let space = self.space(open(Open::Write)?, end.offset);
        let end =
            TailEnd { offset: end.offset, checksum: end.checksum, head: end.head, is_marked: end.is_marked };
        Ok((Tail::new(segment, index, space, end), Vec::new(), recorded_at))
    }

    /// What is prepared behind the end is not known any more.
    fn space(&self, file: Arc<dyn DiskFile>, end: u64) -> Arc<Space> {
        Arc::new(Space::new(file, end, self.options.extent_bytes, self.options.segment_bytes))
    }
}

impl Log {
    /// What was recovered is durable now, and shall never be taken for torn.
    fn finish_recovery(&mut self, was_closed: bool) -> Result<(), Failure> {
        if was_closed {
            return Ok(());
        }
        match (self.mark(), &self.poison) {
            (Err(_), Some(failure)) => Err(failure.clone()),
            // A full disk keeps nobody from reading.
            _ => Ok(()),
        }
    }
}
