use std::sync::Arc;

use eventstore_api::Timestamp;

use super::sealed::holds_up_to;
use crate::{
    catalog::Catalog,
    damage::Failure,
    disk::Disk,
    format::{CleanClose, FRAME_HEADER_BYTES, FrameHeader, FrameKind, SEGMENT_HEADER_BYTES},
    index::{Sidecar, Wait},
    segment::Segment,
};

/// What a clean close left of the segment that was written.
pub(crate) struct Left {
    /// Sound as a whole.
    pub(crate) index: Arc<Sidecar>,
    /// How many streams begin there, if it knows.
    pub(crate) begun: Option<u64>,
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
    let sidecar = Sidecar::open_last(disk, catalog.store.as_bytes(), segment.start).ok();
    let Some(index) = sidecar.filter(|it| it.fits(offset, head)) else {
        return Ok(None);
    };
    // Or the segment is gone through instead.
    let (Ok(begun), Ok(())) = (index.begun(), index.check_sections()) else { return Ok(None) };
    Ok(Some(Left { index: Arc::new(index), begun, checksum, recorded_at: mark.recorded_at }))
}
