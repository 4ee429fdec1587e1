use std::{io, sync::Arc};

use super::active::{Active, Index};
use crate::{
    catalog::{Catalog, Published, PutOff, TakeUp},
    config::WalConfig,
    damage::{Damage, Failure, is_missing_file},
    disk::{Disk, Open},
    format::{
        CleanClose, FRAME_HEADER_BYTES, FrameFault, MANIFEST_NAME, Manifest, SEGMENT_HEADER_BYTES, SyncedMark,
    },
    index::{ActiveIndex, SegmentStart, Sidecar, Wait},
    log::{
        Rebuilt, is_damaged_index,
        recovery::{
            Before, ScanEnd,
            clean_close::{Left, load_closed},
            layout::{Layout, lost, read_manifest, read_synced_mark},
            parts::{load_part, reopen_part},
            read_segment_header,
            scan::{look_behind, scan_on},
            sealed::{Link, LoadedIndex, Seal, load_sidecar, read_seal},
        },
        replace_damaged_indexes,
    },
    other_store,
    segment::Segment,
};

/// Goes through a log that another process may be writing, as far as it is told that the log is durable, and no byte
/// farther: what lies behind may be half written, and gone after a crash.
#[derive(Debug)]
pub(super) struct Follower {
    disk: Arc<dyn Disk>,
    catalog: Arc<Catalog>,
    closed: Option<CleanClose>,
    /// What lies before the segment that is followed.
    before: Before,
    active: Option<Active>,
    /// Sealed segments, the index of which was not beside them yet.
    unindexed: Vec<Arc<Segment>>,
}

/// What [mending](Follower::mend) came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mended {
    /// There is nothing to mend.
    Nothing,
    /// Parts that have taken the place of segments were taken up.
    Parts,
    /// Indexes that were damaged were made anew, if there were any.
    Indexes,
}

/// How often something begins anew where files have gone or are damaged.
pub(super) const MOST_MENDED: u32 = 8;

/// How often a word of the writer that makes no sense is read again: it may have been read while it was written.
const TRIES: usize = 3;

impl Follower {
    /// Opens what is in a directory, as far as anything there says that it is durable; and where that is damaged.
    pub(super) fn open(disk: Arc<dyn Disk>) -> Result<(Self, Option<Damage>), Failure> {
        let mut layout = Layout::read(&*disk)?;
        let Some(manifest) = layout.manifest.take() else { return Err(no_store(&*disk)) };
        let store = manifest.store;
        for _ in 0..TRIES {
            if layout.evidence.synced.is_none() {
                layout.evidence.synced = read_synced_mark(&*disk, store)?;
            }
        }
        let closed = layout.evidence.closed;
        let catalog = Arc::new(Catalog::new(store, WalConfig::default().cache_bytes));
        let mut follower =
            Self { disk, catalog, closed, before: Before::default(), active: None, unindexed: Vec::new() };
        let last_part =
            manifest.parts.last().map(|part| beginning_of(SegmentStart::new(part.last_position + 1)));
        match follower.take_up_parts(&manifest) {
            Ok(_) => {}
            Err(Failure::Damaged(damage)) => {
                follower.publish();
                return Ok((follower, Some(damage)));
            }
            Err(failure) => return Err(failure),
        }
        // A segment that is there says that those before it are durable, whatever else is lost.
        let last = layout.segments.last().map(|last| beginning_of(*last));
        let damage = match layout.evidence.durable().max(last_part).or(last) {
            Some(durable) => follower.open_through(durable)?,
            None => None,
        };
        Ok((follower, damage))
    }

    /// Takes up the parts that have taken the place of segments since, and lets go of those segments.
    /// False when there are none.
    pub(super) fn take_parts(&mut self) -> Result<bool, Failure> {
        match read_manifest(&*self.disk)? {
            Some(manifest) => {
                let taken = self.take_up_parts(&manifest);
                self.publish();
                taken
            }
            None => Ok(false),
        }
    }

    fn take_up_parts(&mut self, manifest: &Manifest) -> Result<bool, Failure> {
        let mut are_new = false;
        for entry in &manifest.parts {
            let known = self.catalog.segment(entry.start);
            match known {
                // It comes next, or is the one that is followed.
                _ if entry.start == self.before.next() => {
                    load_part(
                        &self.disk,
                        &self.catalog,
                        entry,
                        &mut self.before,
                        Rebuilt::InMemory,
                        TakeUp::Later,
                    )?;
                    self.active = None;
                    are_new = true;
                }
                Some(known) if known.part.is_none() => {
                    let Some(sealed) = known.sealed() else { continue };
                    let part = reopen_part(&self.disk, &self.catalog, entry, sealed, Rebuilt::InMemory)?;
                    self.catalog.put_segment(Arc::new(part));
                    self.unindexed.retain(|segment| segment.start != entry.start);
                    are_new = true;
                }
                _ => {}
            }
        }
        Ok(are_new)
    }

    pub(super) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Goes as far as this mark, and then as far as the frames themselves say that they are durable.
    fn open_through(&mut self, durable: SyncedMark) -> Result<Option<Damage>, Failure> {
        let (mut next, mut mended) = (Some(durable), 0);
        while let Some(mark) = next {
            let further = match self.advance(mark, Wait::Allowed) {
                Ok(Some(damage)) => return Ok(Some(damage)),
                Ok(None) => self.watermark(),
                Err(failure) => Err(failure),
            };
            match further {
                Ok(further) => next = further,
                Err(failure) if mended == MOST_MENDED => return Err(failure),
                Err(failure) => match self.mend(&failure) {
                    Ok(Mended::Nothing) => return Err(failure),
                    Ok(Mended::Parts) => {}
                    Ok(Mended::Indexes) => mended += 1,
                    Err(Failure::Damaged(damage)) => return Ok(Some(damage)),
                    Err(failure) => return Err(failure),
                },
            }
        }
        Ok(None)
    }

    /// Takes up what is new up to a mark, and shows it. Damage on the way ends it there for good: what lies before is
    /// shown.
    pub(super) fn advance(&mut self, through: SyncedMark, wait: Wait) -> Result<Option<Damage>, Failure> {
        let advanced = self.take_up_through(through, wait);
        if wait == Wait::Allowed {
            self.take_indexes();
        }
        self.publish();
        match advanced {
            Ok(()) => Ok(None),
            Err(Failure::Damaged(damage)) => Ok(Some(damage)),
            Err(failure) => Err(failure),
        }
    }

    fn take_up_through(&mut self, through: SyncedMark, wait: Wait) -> Result<(), Failure> {
        loop {
            let Some(active) = &mut self.active else {
                if self.last_sealed() >= Some(through.segment) {
                    return Ok(());
                }
                if wait == Wait::Never {
                    return Err(Failure::WouldWait);
                }
                self.begin_next(through)?;
                continue;
            };
            if active.segment.start > through.segment {
                return Ok(());
            }
            let is_last = active.segment.start == through.segment;
            if !is_last && wait == Wait::Never {
                return Err(Failure::WouldWait);
            }
            let bound = if is_last { through.offset } else { active.segment.length()? };
            active.scan(&self.catalog, bound, wait)?;
            match active.end.fault {
                None => {
                    self.seal();
                    if is_last {
                        return Ok(());
                    }
                }
                Some(_) if is_last && active.end.offset >= bound => return Ok(()),
                Some(fault) => return Err(active.damaged(fault, bound, is_last).into()),
            }
        }
    }

    /// Opens the segment behind the last one that was gone through to its end.
    fn begin_next(&mut self, through: SyncedMark) -> Result<(), Failure> {
        let start = self.before.next();
        if start > through.segment {
            return Err(self.missing(through.segment));
        }
        let name = start.file_name();
        let described = self.disk.describe(&name);
        let file = match self.disk.open(&name, Open::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // It may have been archived since.
                let before = self.before.next();
                self.take_parts()?;
                return if self.before.next() > before { Ok(()) } else { Err(self.missing(start)) };
            }
            Err(error) => return Err(Failure::io(|| format!("cannot open {described}"))(error)),
        };
        let store = self.catalog.store;
        let index = Arc::new(ActiveIndex::new(store.as_bytes(), start));
        let segment = Segment::new(store, start, file, described, index.clone());
        let (header, checksum) = read_segment_header(&segment, store)?;
        self.before.check_link(&segment, header.previous, header.previous_checksum)?;
        if start < through.segment
            && let Some(put_off) = self.open_sealed(&segment)?
        {
            self.catalog.add_segment(Arc::new(segment));
            self.catalog.note(start, put_off);
            return Ok(());
        }
        let closed = self.closed.filter(|closed| {
            closed.segment == start && (start < through.segment || closed.offset <= through.offset)
        });
        let left = closed
            .map(|closed| load_closed(&*self.disk, &self.catalog, &segment, closed))
            .transpose()?
            .flatten();
        let (index, end, put_off) = match closed.zip(left) {
            Some((CleanClose { offset, head, .. }, Left { index, begun, checksum, recorded_at })) => {
                let put_off = self.catalog.take_up_streams(&segment, &*index, begun, TakeUp::Later)?;
                segment.replace_index(index.clone());
                let end = ScanEnd {
                    offset,
                    checksum,
                    head,
                    recorded_at,
                    synced: offset,
                    is_marked: true,
                    fault: Some(FrameFault::Empty),
                };
                (Index::Beside(index), end, put_off)
            }
            None => {
                (Index::InMemory(index), ScanEnd::at_the_beginning(&segment, checksum), PutOff::default())
            }
        };
        let segment = Arc::new(segment);
        self.catalog.add_segment(Arc::clone(&segment));
        self.catalog.note(start, put_off);
        self.active = Some(Active { segment, index, end });
        Ok(())
    }

    /// Whether a segment that has another behind it can be read by the index beside it, and what of it is put off. Where it cannot,
    /// it is gone through, which finds the place of any damage.
    fn open_sealed(&mut self, segment: &Segment) -> Result<Option<PutOff>, Failure> {
        let length = segment.length()?;
        let Seal { at, last_position, checksum, recorded_at } = match read_seal(segment, length) {
            Ok(seal) => seal,
            Err(Failure::Damaged(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let Some(LoadedIndex { index, put_off }) =
            load_sidecar(&*self.disk, &self.catalog, segment, (at, last_position), TakeUp::Later)?
        else {
            return Ok(None);
        };
        self.before.recorded_at = recorded_at;
        segment.replace_index(index);
        self.before.seal(segment, at, Link { start: segment.start, checksum, last_position });
        Ok(Some(put_off))
    }

    /// The segment that was followed has been gone through to its end.
    fn seal(&mut self) {
        let Some(Active { segment, end, .. }) = self.active.take() else { return };
        self.before.recorded_at = end.recorded_at;
        let link = Link { start: segment.start, checksum: end.checksum, last_position: end.head };
        self.before.seal(&segment, end.offset, link);
        self.unindexed.push(segment);
    }

    /// Lets go of indexes in memory that lie beside their segments by now.
    fn take_indexes(&mut self) {
        let (disk, store) = (&*self.disk, self.catalog.store.as_bytes());
        self.unindexed.retain(|segment| {
            let Some(sealed) = segment.sealed() else { return true };
            let sidecar = Sidecar::open(disk, store, segment.start, segment.index_of())
                .ok()
                .filter(|sidecar| sidecar.fits(sealed.end, sealed.last_position) && sidecar.begun().is_ok());
            match sidecar {
                Some(sidecar) => segment.replace_index(Arc::new(sidecar)),
                None => return true,
            }
            false
        });
    }

    /// After something has failed for files that have gone or are damaged: sees what there is instead.
    pub(super) fn mend(&mut self, failure: &Failure) -> Result<Mended, Failure> {
        if !can_be_mended(failure) {
            return Ok(Mended::Nothing);
        }
        // A segment goes when a part has taken its place; the next one may go meanwhile.
        if is_missing_file(failure) {
            match self.take_parts() {
                Ok(true) => return Ok(Mended::Parts),
                // What they lead to may be damaged.
                Err(failure) if !can_be_mended(&failure) => return Err(failure),
                _ => {}
            }
        }
        match self.replace_damaged_indexes() {
            Err(failure) if !is_missing_file(&failure) => Err(failure),
            _ => Ok(Mended::Indexes),
        }
    }

    /// Makes the indexes anew that are damaged, in memory: no byte of the log is lost with them.
    fn replace_damaged_indexes(&mut self) -> Result<(), Failure> {
        replace_damaged_indexes(&*self.disk, &self.catalog, Rebuilt::InMemory)?;
        self.active.as_mut().map_or(Ok(()), |active| active.replace_damaged_index(&self.catalog))
    }

    /// How far the frames behind what is taken up say that the log is durable; `None` if that is no farther.
    fn watermark(&self) -> Result<Option<SyncedMark>, Failure> {
        let Some(Active { segment, end, .. }) = &self.active else {
            // All of the last segment is taken up; if there is one behind it, that is so for a reason.
            let next = self.before.link.map(|_| self.before.next());
            let next = next.filter(|next| self.disk.open(&next.file_name(), Open::Read).is_ok());
            return Ok(next.map(beginning_of));
        };
        let mut ahead = *end;
        let length = segment.length()?;
        scan_on(segment, &mut ahead, length, Wait::Allowed, |_| Ok(()))?;
        let behind = match ahead.fault {
            None => 0,
            Some(_) => look_behind(segment, ahead.offset, length)?.synced,
        };
        let offset = ahead.synced.max(behind);
        if ahead.fault.is_none() {
            // To take up the frame that seals it shows nothing more, and leads to the next segment.
            let offset = ahead.offset + FRAME_HEADER_BYTES as u64;
            return Ok(Some(SyncedMark { segment: segment.start, offset, head: ahead.head }));
        }
        let mark = SyncedMark { segment: segment.start, offset, head: ahead.head };
        Ok(Some(mark).filter(|mark| mark.offset > end.offset))
    }

    /// How many events stand whole behind those that are shown.
    pub(super) fn unproven(&self) -> Result<u64, Failure> {
        let Some(Active { segment, end, .. }) = &self.active else { return Ok(0) };
        let mut ahead = *end;
        scan_on(segment, &mut ahead, segment.length()?, Wait::Allowed, |_| Ok(()))?;
        Ok(ahead.head.saturating_sub(end.head))
    }

    fn publish(&self) {
        let (segment, offset, head) = match (&self.active, self.before.link) {
            (Some(active), _) => (active.segment.start, active.end.offset, active.end.head),
            (None, Some(Link { start, last_position, .. })) => {
                let sealed = self.catalog.segment(start).and_then(|segment| segment.sealed());
                (start, sealed.map_or(0, |sealed| sealed.end), last_position)
            }
            (None, None) => return,
        };
        let streams = self.catalog.heads.len();
        self.catalog.publish(Published { segment, offset, head, streams, closed: false });
    }

    fn last_sealed(&self) -> Option<SegmentStart> {
        self.before.link.map(|link| link.start)
    }

    fn missing(&self, start: SegmentStart) -> Failure {
        lost(&*self.disk, &start.file_name(), "the segment is missing").into()
    }
}

/// Whether something has failed for a file that has gone, or an index that is damaged.
pub(super) fn can_be_mended(failure: &Failure) -> bool {
    is_missing_file(failure) || is_damaged_index(failure)
}

/// Everything before a segment is durable.
fn beginning_of(segment: SegmentStart) -> SyncedMark {
    SyncedMark { segment, offset: SEGMENT_HEADER_BYTES as u64, head: segment.get().saturating_sub(1) }
}

/// There is a directory, but no store in it.
pub(crate) fn no_store(disk: &dyn Disk) -> Failure {
    if let Err(other @ Failure::OtherStore(_)) = other_store::check(disk) {
        return other;
    }
    let manifest = disk.describe(MANIFEST_NAME);
    Failure::io(|| format!("there is no event store here: {manifest} is missing"))(
        io::ErrorKind::NotFound.into(),
    )
}
