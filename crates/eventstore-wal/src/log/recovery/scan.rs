use bytes::Bytes;
use eventstore_api::Timestamp;

use crate::{
    damage::Failure,
    format::{FrameFault, FrameKind, SEGMENT_HEADER_BYTES, SegmentHeader, StoreId},
    frames::{Frame, FrameReader},
    index::Wait,
    segment::Segment,
};

/// How much is read at once, in bytes.
const AT_ONCE: usize = 1 << 20;

/// Where a scan of a segment came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanEnd {
    /// Behind the last whole frame, in bytes. Of a sealed segment: where the frame stands that sealed it.
    pub(crate) offset: u64,
    /// The checksum of the last frame's header.
    pub(crate) checksum: u32,
    /// The position of the last event.
    pub(crate) head: u64,
    pub(crate) recorded_at: Timestamp,
    /// Up to where the frames themselves say that the segment was durable, in bytes.
    pub(crate) synced: u64,
    /// Whether the last frame is a mark.
    pub(crate) is_marked: bool,
    /// None when the segment is sealed; else what stands where the next frame would.
    pub(crate) fault: Option<FrameFault>,
}

/// The header of a segment, held against the store and the file's name; and its checksum.
pub(crate) fn read_segment_header(
    segment: &Segment,
    store: StoreId,
) -> Result<(SegmentHeader, u32), Failure> {
    let bytes = segment.read(0, SEGMENT_HEADER_BYTES, Wait::Allowed)?;
    let (header, checksum) = SegmentHeader::decode(&bytes).map_err(|detail| segment.damage(0, detail))?;
    if header.store != store {
        return Err(segment.damage(0, "the segment belongs to another store").into());
    }
    if header.start != segment.start {
        return Err(segment.damage(0, format!("the segment begins at position {}", header.start)).into());
    }
    Ok((header, checksum))
}

/// Goes through the frames of a segment from the first, as long as each follows the one before, and shows those that hold
/// events. `length` is that of the file, `checksum` that of the segment header.
pub(crate) fn scan_segment(
    segment: &Segment,
    length: u64,
    checksum: u32,
    show: impl FnMut(&Frame) -> Result<(), Failure>,
) -> Result<ScanEnd, Failure> {
    let mut end = ScanEnd::at_the_beginning(segment, checksum);
    scan_on(segment, &mut end, length, Wait::Allowed, show)?;
    Ok(end)
}

impl ScanEnd {
    /// Before the first frame of a segment, whose header has this checksum.
    pub(crate) fn at_the_beginning(segment: &Segment, checksum: u32) -> Self {
        Self {
            offset: SEGMENT_HEADER_BYTES as u64,
            checksum,
            head: segment.start.get() - 1,
            recorded_at: Timestamp::MIN,
            synced: SEGMENT_HEADER_BYTES as u64,
            is_marked: false,
            fault: Some(FrameFault::Empty),
        }
    }
}

/// Goes on with a scan that came this far, up to `bound`. `end` moves with every frame, so that a scan that fails can be
/// taken up again.
pub(crate) fn scan_on(
    segment: &Segment,
    end: &mut ScanEnd,
    bound: u64,
    wait: Wait,
    mut show: impl FnMut(&Frame) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let read = |segment: &Segment, offset, length| segment.read(offset, length, wait);
    let mut reader = FrameReader::new(segment, bound, read);
    loop {
        let frame = match reader.try_at(end.offset, AT_ONCE)? {
            Ok(frame) if follows(&frame, end) => frame,
            Ok(_) => {
                end.fault = Some(FrameFault::OutOfLine);
                return Ok(());
            }
            Err(fault) => {
                end.fault = Some(fault);
                return Ok(());
            }
        };
        if frame.header.kind == FrameKind::Append {
            show(&frame)?;
            end.head = frame.last_position();
        }
        end.synced = end.synced.max(frame.header.synced_through);
        end.checksum = frame.checksum;
        end.recorded_at = frame.header.recorded_at;
        end.is_marked = frame.header.kind == FrameKind::Mark;
        if frame.header.kind == FrameKind::Seal {
            end.fault = None;
            return Ok(());
        }
        end.offset = frame.end();
    }
}

fn follows(frame: &Frame, end: &ScanEnd) -> bool {
    frame.header.previous_checksum == end.checksum && frame.header.first_position == end.head + 1
}

/// What stands behind the last whole frame of a segment.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// Where the last byte that is not zero ends; zero if there is none.
    pub(crate) end: u64,
    /// The farthest that a whole frame header there says the segment was durable.
    pub(crate) synced: u64,
}

/// Looks at what stands behind the last whole frame: whether there is anything, and whether a frame there knows more.
pub(crate) fn look_behind(segment: &Segment, from: u64, length: u64) -> Result<Rest, Failure> {
    let mut rest = Rest::default();
    let mut offset = from;
    while offset < length {
        let bytes = segment.read(offset, AT_ONCE, Wait::Allowed)?;
        if bytes.is_empty() {
            break;
        }
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            rest.end = offset + last as u64 + 1;
            rest.synced = rest.synced.max(synced_by_frames(segment, &bytes, offset));
        }
        // The file ends there, also where it was longer a moment ago: a writer has cut it off.
        if bytes.len() < AT_ONCE {
            break;
        }
        // A header may lie across the border: look at its beginning again.
        offset += AT_ONCE as u64 - HEADER_OVERLAP;
    }
    Ok(rest)
}

/// More than a header, and a multiple of the alignment.
const HEADER_OVERLAP: u64 = 64;

fn synced_by_frames(segment: &Segment, bytes: &Bytes, offset: u64) -> u64 {
    let mut synced = 0;
    for (number, eight) in (0_u64..).zip(bytes.chunks_exact(8)) {
        if eight.starts_with(b"EF") {
            let at = number * 8;
            let header = bytes.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default();
            if let Ok((header, _)) = crate::format::FrameHeader::decode(header, segment.seed, offset + at) {
                synced = synced.max(header.synced_through);
            }
        }
    }
    synced
}
