//! Opening a log: after a clean close by reading what was left for that, after anything else by looking.

mod report;
mod scan;
mod tail_end;

use std::{collections::BTreeSet, io, sync::Arc};

use eventstore_api::{EventId, GlobalPosition, StoreError, Timestamp};
use eventstore_codec::Names;

pub use report::{RecoveryReport, TornTail};
pub(crate) use scan::{ScanEnd, read_segment_header, scan_segment};

use super::{
    Log, LogOptions, SealWork, Space,
    roll::{NEXT_NAME, Next, Place},
    tail::{SEAL_BYTES, Tail, TailEnd},
};
use crate::{
    catalog::Catalog,
    damage::{Damage, Failure},
    disk::{Disk, DiskFile, Open, read_up_to, read_whole, replace},
    format::{
        CleanClose, FRAME_HEADER_BYTES, FrameHeader, FrameKind, MANIFEST_NAME, Manifest, SEGMENT_HEADER_BYTES,
        SYNCED_MARK_BYTES, SYNCED_NAME, StoreId, SyncedMark,
    },
    index::{ActiveIndex, Head, SegmentIndex, SegmentStart, Sidecar, SidecarError, Wait},
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
    /// not there or not what was written, [`StoreError::Storage`] when the disk fails.
    pub fn open(disk: Arc<dyn Disk>, options: LogOptions) -> Result<(Self, RecoveryReport), StoreError> {
        let lock = disk
            .lock(LOCK_NAME)
            .map_err(Failure::io(format!("cannot lock {}", disk.describe(LOCK_NAME))))?
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

struct Opening {
    disk: Arc<dyn Disk>,
    options: LogOptions,
    report: RecoveryReport,
}

impl Opening {
    fn open(mut self, lock: Box<dyn Send + Sync>) -> Result<(Log, RecoveryReport), Failure> {
        let disk = Arc::clone(&self.disk);
        // What the last opener did to the names may not be durable yet.
        disk.sync_names().map_err(Failure::io("cannot sync the directory of the store"))?;
        let layout = Layout::read(&*disk)?;
        for leftover in &layout.leftovers {
            disk.remove(leftover)
                .map_err(Failure::io(format!("cannot remove {}", disk.describe(leftover))))?;
        }
        let manifest = match layout.manifest {
            Some(manifest) => manifest,
            None => self.create_manifest()?,
        };
        let catalog = Arc::new(Catalog::new(manifest.store));
        let synced = read_synced_mark(&*disk, manifest.store)?;
        layout.check_complete(&*disk, manifest.closed, synced)?;

        let mut before = Before::default();
        let (sealed, last) = match layout.segments.split_last() {
            Some((last, sealed)) => (sealed, Some(*last)),
            None => (layout.segments.as_slice(), None),
        };
        for start in sealed {
            let loaded = load_sealed(&disk, &catalog, *start, &mut before, Rebuilt::Kept)?;
            self.report.indexes_rebuilt += u64::from(loaded.rebuilt);
        }
        let evidence = Evidence { closed: manifest.closed, synced };
        let (tail, unindexed, recorded_at) = match last {
            Some(start) => self.open_last(&catalog, start, before, manifest.open, evidence)?,
            None => (self.begin_first(&catalog)?, Vec::new(), before.recorded_at),
        };
        let open = Manifest { open: true, ..manifest };
        replace(&*disk, MANIFEST_NAME, &open.encode())
            .map_err(Failure::io(format!("cannot write {}", disk.describe(MANIFEST_NAME))))?;
        let synced_mark = disk
            .open(SYNCED_NAME, Open::Write)
            .or_else(|_| disk.open(SYNCED_NAME, Open::Replace))
            .map_err(Failure::io(format!("cannot open {}", disk.describe(SYNCED_NAME))))?;
        let greatest_id = tail.index.greatest_id().max(
            catalog.segments().iter().filter_map(|it| it.sealed()).filter_map(|it| it.max_id_so_far).max(),
        );
        let mut log = Log {
            disk,
            options: self.options,
            catalog,
            tail,
            synced_mark,
            last_recorded_at: recorded_at,
            greatest_id,
            poison: None,
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
        let manifest = Manifest { store: StoreId::generate(), closed: None, open: true };
        replace(&*self.disk, MANIFEST_NAME, &manifest.encode())
            .map_err(Failure::io(format!("cannot write {}", self.disk.describe(MANIFEST_NAME))))?;
        Ok(manifest)
    }

    fn begin_first(&self, catalog: &Catalog) -> Result<Tail, Failure> {
        let LogOptions { extent_bytes, segment_bytes, .. } = self.options;
        let next = Next::prepare(&self.disk, extent_bytes, segment_bytes, SEGMENT_HEADER_BYTES as u64 + SEAL_BYTES)?;
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
        let open = |how| disk.open(&name, how).map_err(Failure::io(format!("cannot open {describe}")));
        let file = open(Open::Write)?;
        let length = file.length().map_err(Failure::io(format!("cannot read {describe}")))?;
        let index = Arc::new(ActiveIndex::new(catalog.store.as_bytes(), start));
        let segment = Segment::new(catalog.store, start, file, describe.clone(), index.clone());
        let (header, checksum) = read_segment_header(&segment, catalog.store)?;
        before.check_link(&segment, header.previous, header.previous_checksum)?;

        let clean = evidence.closed.filter(|closed| !was_open && closed.segment == start && closed.offset == length);
        if let Some(closed) = clean
            && let Some((index, end, recorded_at)) = self.load_closed(catalog, &segment, closed)?
        {
            self.report.was_closed = true;
            let index = Arc::new(index);
            segment.replace_index(index.clone());
            let segment = Arc::new(segment);
            catalog.add_segment(Arc::clone(&segment));
            let space = self.space(open(Open::Write)?, end.offset);
            return Ok((Tail::new(segment, index, space, end), Vec::new(), recorded_at.max(before.recorded_at)));
        }

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
            let work = SealWork { disk: Arc::clone(&self.disk), store: catalog.store, segment, index, sealed };
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

    /// What a clean close left, if it is all there and fits: the log then ends with a mark.
    fn load_closed(
        &self,
        catalog: &Catalog,
        segment: &Segment,
        closed: CleanClose,
    ) -> Result<Option<(ActiveIndex, TailEnd, Timestamp)>, Failure> {
        let CleanClose { offset, head, .. } = closed;
        if head == 0 && offset == SEGMENT_HEADER_BYTES as u64 {
            // Nothing was ever written: there is nothing to go through either.
            return Ok(None);
        }
        let Some(mark_at) = offset.checked_sub(FRAME_HEADER_BYTES as u64) else { return Ok(None) };
        let bytes = segment.read(mark_at, FRAME_HEADER_BYTES, Wait::Allowed)?;
        let Ok((mark, checksum)) = FrameHeader::decode(&bytes, segment.seed, mark_at) else { return Ok(None) };
        if mark.kind != FrameKind::Mark || mark.first_position != head + 1 {
            return Ok(None);
        }
        let sidecar = Sidecar::open(&*self.disk, catalog.store.as_bytes(), segment.start).ok();
        let Some(sidecar) = sidecar.filter(|it| it.covers() == offset && it.last_position() == head) else {
            return Ok(None);
        };
        // Sound as a whole, or the segment is gone through instead.
        if sidecar.streams(|_, _| {}).is_err() {
            return Ok(None);
        }
        let heads = Sidecar::open(&*self.disk, catalog.store.as_bytes(), segment.start);
        let Ok(index) = sidecar.into_active() else { return Ok(None) };
        heads.and_then(|heads| take_heads(catalog, &heads, segment.start)).map_err(unreadable_index(segment))?;
        Ok(Some((index, TailEnd { offset, checksum, head, is_marked: true }, mark.recorded_at)))
    }
}

impl Log {
    /// What was recovered is durable now, and shall never be taken for torn.
    fn finish_recovery(&mut self, was_closed: bool) -> Result<(), Failure> {
        if was_closed {
            return Ok(());
        }
        match self.mark() {
            Ok(_) => Ok(()),
            // A full disk keeps nobody from reading.
            Err(_) if self.poison.is_none() => Ok(()),
            Err(_) => Err(self.poison.clone().unwrap_or(Failure::WouldWait)),
        }
    }
}

/// What says, beside the frames themselves, how far the log was durable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    pub(super) closed: Option<CleanClose>,
    pub(super) synced: Option<SyncedMark>,
}

/// What the directory holds.
struct Layout {
    manifest: Option<Manifest>,
    /// In their order.
    segments: Vec<SegmentStart>,
    /// What was put aside and never came to its place.
    leftovers: Vec<String>,
}

impl Layout {
    fn read(disk: &dyn Disk) -> Result<Self, Failure> {
        let names = disk.names().map_err(Failure::io("cannot list the directory of the store"))?;
        let segments: BTreeSet<_> = names.iter().filter_map(|name| SegmentStart::parse(name)).collect();
        let is_leftover = |name: &&String| *name == NEXT_NAME || is_put_aside(name);
        let leftovers = names.iter().filter(is_leftover).cloned().collect();
        let manifest = read_manifest(disk)?;
        if manifest.is_none() && !segments.is_empty() {
            return Err(lost(disk, MANIFEST_NAME, "there are segments, but no manifest").into());
        }
        Ok(Self { manifest, segments: segments.into_iter().collect(), leftovers })
    }

    /// That no segment is missing at either end. Between the ends, each names the one before it.
    fn check_complete(
        &self,
        disk: &dyn Disk,
        closed: Option<CleanClose>,
        synced: Option<SyncedMark>,
    ) -> Result<(), Failure> {
        let known = closed.map(|closed| closed.segment).max(synced.map(|synced| synced.segment));
        let last = self.segments.last().copied();
        if let Some(known) = known.filter(|known| Some(*known) > last) {
            return Err(lost(disk, &known.file_name(), "the segment is missing").into());
        }
        match self.segments.first() {
            Some(first) if first.get() != 1 => {
                let name = SegmentStart::new(1).file_name();
                Err(lost(disk, &name, format!("the segments before position {first} are missing")).into())
            }
            _ => Ok(()),
        }
    }
}

/// A file that was to replace another of ours.
fn is_put_aside(name: &str) -> bool {
    name.strip_suffix(".new").is_some_and(|name| {
        name == MANIFEST_NAME || SegmentStart::parse_index(name).is_some() || SegmentStart::parse(name).is_some()
    })
}

fn lost(disk: &dyn Disk, name: &str, detail: impl ToString) -> Damage {
    Damage { file: disk.describe(name), offset: 0, detail: detail.to_string() }
}

/// What the manifest says; `None` where there is none.
pub(crate) fn read_manifest(disk: &dyn Disk) -> Result<Option<Manifest>, Failure> {
    match read_whole(disk, MANIFEST_NAME, 4_096) {
        Ok(bytes) => Manifest::decode(&bytes).map(Some).map_err(|detail| lost(disk, MANIFEST_NAME, detail).into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(format!("cannot read {}", disk.describe(MANIFEST_NAME)))(error)),
    }
}

/// How far the last writer said that the log was durable, if that can be read.
pub(crate) fn read_synced_mark(disk: &dyn Disk, store: StoreId) -> Result<Option<SyncedMark>, Failure> {
    let failure = || Failure::io(format!("cannot read {}", disk.describe(SYNCED_NAME)));
    let file = match disk.open(SYNCED_NAME, Open::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure()(error)),
    };
    let mut bytes = [0; SYNCED_MARK_BYTES];
    read_up_to(&*file, &mut bytes, 0).map_err(failure())?;
    Ok(SyncedMark::decode(&bytes, store))
}

/// What lies before a segment.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// The segment before it, the checksum of the frame that sealed it, and its last position.
    pub(crate) link: Option<(SegmentStart, u32, u64)>,
    pub(crate) greatest_id: Option<EventId>,
    pub(crate) recorded_at: Timestamp,
}

impl Before {
    /// That a segment follows the one before.
    pub(crate) fn check_link(
        &self,
        segment: &Segment,
        previous: Option<SegmentStart>,
        checksum: u32,
    ) -> Result<(), Failure> {
        let (expected, expected_checksum, last) = match self.link {
            Some((start, checksum, last)) => (Some(start), checksum, last),
            None => (None, 0, 0),
        };
        if previous == expected && checksum == expected_checksum && segment.start.get() == last + 1 {
            return Ok(());
        }
        Err(segment.damage(0, "the segment does not follow the one before it; one may be missing").into())
    }
}

/// What becomes of an index that had to be built anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebuilt {
    /// It is written beside its segment again.
    Kept,
    /// It stays in memory: nothing may be written.
    InMemory,
}

pub(crate) struct LoadedSealed {
    pub(crate) rebuilt: bool,
}

/// Opens a segment that is sealed, with the index beside it; where that is missing or damaged, builds it anew.
pub(crate) fn load_sealed(
    disk: &Arc<dyn Disk>,
    catalog: &Catalog,
    start: SegmentStart,
    before: &mut Before,
    rebuilt: Rebuilt,
) -> Result<LoadedSealed, Failure> {
    let name = start.file_name();
    let described = disk.describe(&name);
    let file = disk.open(&name, Open::Read).map_err(Failure::io(format!("cannot open {described}")))?;
    let length = file.length().map_err(Failure::io(format!("cannot read {described}")))?;
    let placeholder = Arc::new(ActiveIndex::new(catalog.store.as_bytes(), start));
    let segment = Segment::new(catalog.store, start, file, described, placeholder);
    let (header, header_checksum) = read_segment_header(&segment, catalog.store)?;
    before.check_link(&segment, header.previous, header.previous_checksum)?;

    let end = length.saturating_sub(FRAME_HEADER_BYTES as u64);
    let bytes = segment.read(end, FRAME_HEADER_BYTES, Wait::Allowed)?;
    let (seal, checksum) = match FrameHeader::decode(&bytes, segment.seed, end) {
        Ok((seal, checksum)) if seal.kind == FrameKind::Seal => (seal, checksum),
        Ok(_) => return Err(segment.damage(end, "the segment does not end as a sealed one does").into()),
        Err(fault) => return Err(segment.damage(end, format!("the end of the segment: {fault}")).into()),
    };
    let last_position = seal.first_position - 1;
    let (index, was_rebuilt) = match load_sidecar(&**disk, catalog, &segment, end, last_position)? {
        Some(sidecar) => (sidecar, false),
        None => {
            let index = rebuild(catalog, &segment, length, header_checksum)?;
            tracing::warn!(segment = %segment.described, "its index was missing or damaged, and was built anew");
            let index = match rebuilt {
                Rebuilt::InMemory => Arc::new(index),
                Rebuilt::Kept => keep(&**disk, catalog, start, end, last_position, index),
            };
            (index, true)
        }
    };
    before.greatest_id = before.greatest_id.max(index.greatest_id());
    before.recorded_at = before.recorded_at.max(seal.recorded_at);
    before.link = Some((start, checksum, last_position));
    segment.replace_index(index);
    segment.seal(Sealed { end, last_position, max_id_so_far: before.greatest_id });
    catalog.add_segment(Arc::new(segment));
    Ok(LoadedSealed { rebuilt: was_rebuilt })
}

/// The index beside a segment, and with it how far each stream had come; `None` if it is not to be used.
fn load_sidecar(
    disk: &dyn Disk,
    catalog: &Catalog,
    segment: &Segment,
    end: u64,
    last_position: u64,
) -> Result<Option<Arc<dyn SegmentIndex>>, Failure> {
    let Ok(sidecar) = Sidecar::open(disk, catalog.store.as_bytes(), segment.start) else { return Ok(None) };
    if sidecar.covers() != end || sidecar.last_position() != last_position {
        return Ok(None);
    }
    // Sound as a whole, before any of it is believed.
    if sidecar.streams(|_, _| {}).is_err() {
        return Ok(None);
    }
    take_heads(catalog, &sidecar, segment.start).map_err(unreadable_index(segment))?;
    Ok(Some(Arc::new(sidecar)))
}

/// Notes how far each stream has come in a segment.
fn take_heads(catalog: &Catalog, sidecar: &Sidecar, start: SegmentStart) -> Result<(), SidecarError> {
    sidecar.streams(|stream, part| {
        catalog.heads.set(stream, Head { version: part.last_version(), segment: start });
    })
}

fn unreadable_index(segment: &Segment) -> impl FnOnce(SidecarError) -> Failure {
    let described = segment.described.clone();
    move |error| Failure::io(format!("cannot read the index of {described}"))(io::Error::other(error))
}

fn rebuild(catalog: &Catalog, segment: &Segment, length: u64, checksum: u32) -> Result<ActiveIndex, Failure> {
    let index = ActiveIndex::new(catalog.store.as_bytes(), segment.start);
    let mut names = Names::new();
    let end = scan_segment(segment, length, checksum, |frame| {
        let taken_up = catalog.take_up(segment.start, &index, frame, &mut names);
        taken_up.map_err(|why| segment.damage(frame.offset, why).into())
    })?;
    match end.fault {
        None => Ok(index),
        Some(fault) => Err(segment.damage(end.offset, fault).into()),
    }
}

fn keep(
    disk: &dyn Disk,
    catalog: &Catalog,
    start: SegmentStart,
    end: u64,
    last_position: u64,
    index: ActiveIndex,
) -> Arc<dyn SegmentIndex> {
    let store = catalog.store.as_bytes();
    let sidecar = Sidecar::write(disk, store, start, end, last_position, &index)
        .ok()
        .and_then(|()| Sidecar::open(disk, store, start).ok());
    match sidecar {
        Some(sidecar) => Arc::new(sidecar),
        None => {
            tracing::warn!(segment = %start, "the index of a sealed segment stays in memory");
            Arc::new(index)
        }
    }
}
