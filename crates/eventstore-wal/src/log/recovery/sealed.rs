use std::sync::Arc;

use eventstore_api::{EventId, Timestamp};
use eventstore_codec::Names;

use super::scan::{read_segment_header, scan_segment};
use crate::{
    catalog::{Catalog, NotTakenUp, PutOff, TakeUp},
    damage::Failure,
    disk::{Disk, Open},
    format::{FRAME_HEADER_BYTES, FrameHeader, FrameKind},
    frames::Frame,
    index::{ActiveIndex, IndexOf, SegmentIndex, SegmentStart, Sidecar, Wait},
    segment::{Sealed, Segment},
};

/// What lies before a segment.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) link: Option<Link>,
    pub(crate) greatest_id: Option<EventId>,
    pub(crate) recorded_at: Timestamp,
}

/// How a segment is linked to the one behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) start: SegmentStart,
    /// Of the header of the frame that sealed it.
    pub(crate) checksum: u32,
    pub(crate) last_position: u64,
}

/// Nothing.
impl Default for Before {
    fn default() -> Self {
        // What was restored may be older than 1970.
        Self { link: None, greatest_id: None, recorded_at: Timestamp::MIN }
    }
}

impl Before {
    /// That a segment follows the one before.
    pub(crate) fn check_link(
        &self,
        segment: &Segment,
        previous: Option<SegmentStart>,
        checksum: u32,
    ) -> Result<(), Failure> {
        let follows = match self.link {
            None => previous.is_none() && checksum == 0,
            Some(link) => previous == Some(link.start) && checksum == link.checksum,
        };
        if follows && segment.start == self.next() {
            return Ok(());
        }
        Err(segment.damage(0, "the segment does not follow the one before it; one may be missing").into())
    }

    /// With which position the segment begins that comes next.
    pub(crate) fn next(&self) -> SegmentStart {
        SegmentStart::new(self.link.map_or(0, |link| link.last_position) + 1)
    }

    /// Says how a segment ended, whose index is known, and that it comes before what is next.
    pub(crate) fn seal(&mut self, segment: &Segment, end: u64, link: Link) {
        self.greatest_id = self.greatest_id.max(segment.index().greatest_id());
        self.link = Some(link);
        segment.seal(Sealed {
            end,
            last_position: link.last_position,
            max_id_so_far: self.greatest_id,
            recorded_at: self.recorded_at,
            checksum: link.checksum,
        });
    }
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
) -> Result<LoadedSealed, Failure> {
    let name = start.file_name();
    let described = disk.describe(&name);
    let file = disk.open(&name, Open::Read).map_err(Failure::io(|| format!("cannot open {described}")))?;
    let length = file.length().map_err(Failure::io(|| format!("cannot read {described}")))?;
    let placeholder = Arc::new(ActiveIndex::new(catalog.store.as_bytes(), start));
    let segment = Segment::new(catalog.store, start, file, described, placeholder);
    let (header, _) = read_segment_header(&segment, catalog.store)?;
    before.check_link(&segment, header.previous, header.previous_checksum)?;

    let Seal { at: end, last_position, checksum, recorded_at } = read_seal(&segment, length)?;
    let ends = (end, last_position);
    let (index, was_rebuilt) = match load_sidecar(&**disk, catalog, &segment, ends, TakeUp::Now)? {
        Some(LoadedIndex { index, .. }) => (index, false),
        None => {
            let index = build_index(catalog, &segment, |index, frame, names| {
                catalog.take_up(start, index, frame, names)
            })?;
            tracing::warn!(segment = %segment.described, "its index was missing or damaged, and was built anew");
            let index = keep(&**disk, catalog, (start, IndexOf::Segment), end, last_position, index);
            (index, true)
        }
    };
    before.recorded_at = before.recorded_at.max(recorded_at);
    segment.replace_index(index);
    before.seal(&segment, end, Link { start, checksum, last_position });
    catalog.add_segment(Arc::new(segment));
    Ok(LoadedSealed { rebuilt: was_rebuilt })
}

/// The frame that ends a sealed segment.
pub(crate) struct Seal {
    /// Where it stands, in bytes.
    pub(crate) at: u64,
    /// The position of the last event before it.
    pub(crate) last_position: u64,
    /// Of its header.
    pub(crate) checksum: u32,
    pub(crate) recorded_at: Timestamp,
}

/// The frame that ends a segment whose file is so long.
pub(crate) fn read_seal(segment: &Segment, length: u64) -> Result<Seal, Failure> {
    let at = length.saturating_sub(FRAME_HEADER_BYTES as u64);
    let bytes = segment.read(at, FRAME_HEADER_BYTES, Wait::Allowed)?;
    match FrameHeader::decode(&bytes, segment.seed, at) {
        Ok((seal, checksum)) if seal.kind == FrameKind::Seal => {
            if !holds_up_to(segment.start, seal.first_position, at) {
                return Err(segment.damage(at, "the segment is too short for its events").into());
            }
            Ok(Seal { at, last_position: seal.first_position - 1, checksum, recorded_at: seal.recorded_at })
        }
        Ok(_) => Err(segment.damage(at, "the segment does not end as a sealed one does").into()),
        Err(fault) => Err(segment.damage(at, format!("the end of the segment: {fault}")).into()),
    }
}

/// Whether so many bytes of a segment can hold the events before this position. Whoever adds to a position that passes never
/// comes near the greatest there is.
pub(super) fn holds_up_to(start: SegmentStart, next_position: u64, bytes: u64) -> bool {
    // An event takes more than its id alone, which has 16 bytes.
    next_position.checked_sub(start.get()).is_some_and(|events| events <= bytes / 16)
}

/// An index that lay beside its segment.
pub(crate) struct LoadedIndex {
    pub(crate) index: Arc<dyn SegmentIndex>,
    pub(crate) put_off: PutOff,
}

/// The index beside a segment, after its streams were taken up or [put off](Catalog::take_up_streams); `None` if it is not to be used.
pub(crate) fn load_sidecar(
    disk: &dyn Disk,
    catalog: &Catalog,
    segment: &Segment,
    (end, last_position): (u64, u64),
    when: TakeUp,
) -> Result<Option<LoadedIndex>, Failure> {
    let sidecar = Sidecar::open(disk, catalog.store.as_bytes(), segment.start, segment.index_of()).ok();
    let sidecar = sidecar.filter(|it| it.fits(end, last_position));
    // Sound as a whole, before any of it is believed.
    let Some((sidecar, begun)) = sidecar.and_then(|it| it.begun().ok().map(|begun| (it, begun))) else {
        return Ok(None);
    };
    let put_off = catalog.take_up_streams(segment, &sidecar, begun, when)?;
    Ok(Some(LoadedIndex { index: Arc::new(sidecar), put_off }))
}

/// The index of a sealed segment, made from its frames: `take_up` enters each of them.
pub(crate) fn build_index(
    catalog: &Catalog,
    segment: &Segment,
    take_up: impl Fn(&ActiveIndex, &Frame, &mut Names) -> Result<(), NotTakenUp>,
) -> Result<ActiveIndex, Failure> {
    let length = segment.length()?;
    let (_, checksum) = read_segment_header(segment, catalog.store)?;
    let index = ActiveIndex::new(catalog.store.as_bytes(), segment.start);
    let mut names = Names::new();
    let end = scan_segment(segment, length, checksum, |frame| {
        take_up(&index, frame, &mut names).map_err(|why| segment.damage(frame.offset, why).into())
    })?;
    match end.fault {
        None => Ok(index),
        Some(fault) => Err(segment.damage(end.offset, fault).into()),
    }
}

/// Writes an index that was built anew beside its segment again; where that fails, it stays in memory.
pub(crate) fn keep(
    disk: &dyn Disk,
    catalog: &Catalog,
    (start, of): (SegmentStart, IndexOf),
    end: u64,
    last_position: u64,
    index: ActiveIndex,
) -> Arc<dyn SegmentIndex> {
    let store = catalog.store.as_bytes();
    let sidecar = Sidecar::write(disk, store, (start, of), end, last_position, &index)
        .ok()
        .and_then(|()| Sidecar::open(disk, store, start, of).ok());
    match sidecar {
        Some(sidecar) => Arc::new(sidecar),
        None => {
            tracing::warn!(segment = %start, "the index of a sealed segment stays in memory");
            Arc::new(index)
        }
    }
}
