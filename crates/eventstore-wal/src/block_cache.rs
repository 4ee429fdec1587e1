use quick_cache::{Weighter, sync::Cache};

use crate::{
    block::Block,
    damage::Failure,
    index::{FrameOffset, IndexOf, SegmentStart},
    segment::Segment,
};

/// Frames and rows that were lately read for a stream: reading the stream again takes no call of the system, and no checksum.
///
/// What can be seen never changes, so that nothing here is ever out of date. What is read of all streams in their order goes
/// past it.
#[derive(Debug)]
pub(crate) struct BlockCache {
    /// `None` when there is no room for any.
    blocks: Option<Cache<Place, Block, ByBytes>>,
}

/// In a part, an offset means something else than in the segment before.
type Place = (SegmentStart, IndexOf, FrameOffset);

impl BlockCache {
    /// A cache that takes about so many bytes of memory once it is full.
    pub(crate) fn new(bytes: usize) -> Self {
        let blocks = (bytes > 0).then(|| Cache::with_weighter(bytes / USUAL_BYTES, bytes as u64, ByBytes));
        Self { blocks }
    }

    /// The frame or the row at this place, which `read` finds if it is not here.
    pub(crate) fn get(
        &self,
        segment: &Segment,
        offset: FrameOffset,
        read: impl FnOnce() -> Result<Block, Failure>,
    ) -> Result<Block, Failure> {
        let Some(blocks) = &self.blocks else { return read() };
        let place = (segment.start, segment.index_of(), offset);
        if let Some(block) = blocks.get(&place) {
            return Ok(block);
        }
        let block = read()?;
        if matches!(&block, Block::Frame(frame) if u64::from(frame.header.body_bytes) > MOST_BYTES) {
            return Ok(block);
        }
        // It came with its neighbours, who are not to stay in memory with it.
        let block = block.detached().map_err(|malformed| segment.damage(offset.bytes(), malformed))?;
        if block.bytes() <= MOST_BYTES {
            blocks.insert(place, block.clone());
        }
        Ok(block)
    }
}

/// What a block in the cache usually takes.
const USUAL_BYTES: usize = 512;
/// A longer one is worth its calls of the system.
const MOST_BYTES: u64 = 64 << 10;
/// What a block takes beyond its events.
const OVERHEAD_BYTES: u64 = 256;

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Place, Block> for ByBytes {
    fn weight(&self, _: &Place, block: &Block) -> u64 {
        block.bytes() + OVERHEAD_BYTES
    }
}
