use eventstore_api::Timestamp;

use super::sealed::{holds_up_to, take_heads, unreadable_index};
use crate::{
    catalog::Catalog,
    damage::Failure,
    disk::Disk,
    format::{CleanClose, FRAME_HEADER_BYTES, FrameHeader, FrameKind, SEGMENT_HEADER_BYTES},
    index::{ActiveIndex, IndexOf, Sidecar, Wait},
    segment::Segment,
};

/// What a clean close left of the segment that was written.
pub(crate) struct Left {
    pub(crate) index: ActiveIndex,
    /// Of the header of the last frame, which is a mark.
    pub(crate) checksum: u32,
    pub(crate) recorded_at: Timestamp,
}

/// What a clean close left, if it is all there and fits: the log then ended with a mark.
pub(crate) fn load_closed(
    disk: &dyn Disk,
    catalog: &Catalog,
    segment: &Segment,
    closed: CleanClose,
) -> Result<Option<Left>, Failure> {
    let CleanClose { offset, head, .. } = closed;
    if head == 0 && offset == SEGMENT_HEADER_BYTES as u64 {
        // Nothing was ever written, not even a mark.
        return Ok(None);
    }
    let Some(mark_at) = offset.checked_sub(FRAME_HEADER_BYTES as u64) else { return Ok(None) };
    let bytes = segment.read(mark_at, FRAME_HEADER_BYTES, Wait::Allowed)?;
    let Ok((mark, checksum)) = FrameHeader::decode(&bytes, segment.seed, mark_at) else { return Ok(None) };
    let fits = mark.first_position - 1 == head && holds_up_to(segment.start, mark.first_position, offset);
    if mark.kind != FrameKind::Mark || !fits {
        return Ok(None);
    }
    let open = || {
        let sidecar = Sidecar::open(disk, catalog.store.as_bytes(), segment.start, IndexOf::Segment).ok();
        sidecar.filter(|it| it.covers() == offset && it.last_position() == head)
    };
    // Opened twice, between which another process may have put one in its place that knows more.
    let (Some(sidecar), Some(heads)) = (open(), open()) else { return Ok(None) };
    // Sound as a whole, or the segment is gone through instead.
    let mut streams = 0;
    if heads.streams(|_, _| streams += 1).is_err() {
        return Ok(None);
    }
    let Ok(index) = sidecar.into_active(streams) else { return Ok(None) };
    take_heads(catalog, &heads, segment.start).map_err(unreadable_index(segment))?;
    Ok(Some(Left { index, checksum, recorded_at: mark.recorded_at }))
}
