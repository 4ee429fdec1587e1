use quick_cache::{Weighter, sync::Cache};

use crate::{
    damage::Failure,
    frames::Frame,
    index::{FrameOffset, SegmentStart},
};

/// Frames that were lately read for a stream: reading the stream again takes no call of the system, and no checksum.
///
/// A frame that can be seen never changes, so that nothing here is ever out of date. What is read of all streams in their
/// order goes past it.
#[derive(Debug)]
pub(crate) struct FrameCache {
    /// `None` when there is no room for any.
    frames: Option<Cache<Place, Frame, ByBytes>>,
}

type Place = (SegmentStart, FrameOffset);

impl FrameCache {
    /// A cache that takes about so many bytes of memory once it is full.
    pub(crate) fn new(bytes: usize) -> Self {
        let frames = (bytes > 0).then(|| Cache::with_weighter(bytes / USUAL_BYTES, bytes as u64, ByBytes));
        Self { frames }
    }

    /// The frame at this place, which `read` finds if it is not here.
    pub(crate) fn get(
        &self,
        segment: SegmentStart,
        offset: FrameOffset,
        read: impl FnOnce() -> Result<Frame, Failure>,
    ) -> Result<Frame, Failure> {
        let Some(frames) = &self.frames else { return read() };
        if let Some(frame) = frames.get(&(segment, offset)) {
            return Ok(frame);
        }
        let frame = read()?;
        if frame.header.body_bytes > MOST_BYTES {
            return Ok(frame);
        }
        // It came with its neighbours, who are not to stay in memory with it.
        let frame = frame.detached();
        frames.insert((segment, offset), frame.clone());
        Ok(frame)
    }
}

/// What a frame in the cache usually takes.
const USUAL_BYTES: usize = 512;
/// A longer one is worth its calls of the system.
const MOST_BYTES: u32 = 64 << 10;
/// What a frame takes beyond its body.
const OVERHEAD_BYTES: u64 = 256;

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Place, Frame> for ByBytes {
    fn weight(&self, _: &Place, frame: &Frame) -> u64 {
        u64::from(frame.header.body_bytes) + OVERHEAD_BYTES
    }
}
