use bytes::Bytes;

use crate::{
    damage::Failure,
    format::{FRAME_HEADER_BYTES, FrameHeader},
    index::Wait,
    segment::Segment,
};

/// Frames begin at multiples of this, in bytes.
const ALIGNMENT: u64 = 8;
/// How much is looked through at once, in bytes.
const AT_ONCE: usize = 1 << 20;

/// Where the next frame begins at or behind this offset, by the checksum of its header; `None` if there is none.
pub(super) fn next_frame(segment: &Segment, from: u64, length: u64) -> Result<Option<u64>, Failure> {
    let mut offset = from.next_multiple_of(ALIGNMENT);
    while offset < length {
        let bytes = segment.read(offset, AT_ONCE, Wait::Allowed)?;
        if let Some(found) = frame_in(segment, &bytes, offset) {
            return Ok(Some(found));
        }
        if bytes.len() < AT_ONCE {
            break;
        }
        // A header may lie across the border.
        offset += AT_ONCE as u64 - (FRAME_HEADER_BYTES as u64).next_multiple_of(ALIGNMENT);
    }
    Ok(None)
}

fn frame_in(segment: &Segment, bytes: &Bytes, offset: u64) -> Option<u64> {
    let step = usize::try_from(ALIGNMENT).ok()?;
    (0..bytes.len()).step_by(step).find_map(|at| {
        let header = bytes.get(at..).filter(|header| header.starts_with(b"EF"))?;
        let found = offset + at as u64;
        FrameHeader::decode(header, segment.seed, found).is_ok().then_some(found)
    })
}
