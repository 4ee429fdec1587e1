use std::{io, sync::Arc};

use bytes::Bytes;

use super::space::Space;
use crate::{
    damage::Failure,
    disk::write_all,
    format::{FRAME_HEADER_BYTES, FrameHeader, FrameKind, SEGMENT_HEADER_BYTES},
    index::{ActiveIndex, Wait},
    segment::Segment,
};

/// The end of the log, where frames are added: the segment that is written, and what is not written yet.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) segment: Arc<Segment>,
    pub(super) index: Arc<ActiveIndex>,
    pub(super) space: Arc<Space>,
    /// Frames that are not in the file yet. Kept from one batch to the next for its room.
    buffer: Vec<u8>,
    /// Where the buffer belongs in the file, in bytes.
    written: u64,
    /// Everything before this offset is durable, in bytes.
    synced: u64,
    /// The checksum of the last frame's header.
    previous_checksum: u32,
    /// The position of the last event, written or not.
    head: u64,
    /// Whether the last frame is a mark that says so much.
    is_marked: bool,
    /// A bug, for the crash tests to find: frames do not say how far the segment is durable.
    #[cfg(feature = "torture")]
    pub(super) forgets_watermark: bool,
}

/// Room that is kept for the frame that seals the segment, in bytes.
pub(super) const SEAL_BYTES: u64 = FRAME_HEADER_BYTES as u64;

impl Tail {
    /// The tail of a segment of which everything before this offset is durable.
    pub(super) fn new(
        segment: Arc<Segment>,
        index: Arc<ActiveIndex>,
        space: Arc<Space>,
        end: TailEnd,
    ) -> Self {
        let TailEnd { offset, checksum, head, is_marked } = end;
        Self {
            segment,
            index,
            space,
            buffer: Vec::new(),
            written: offset,
            synced: offset,
            previous_checksum: checksum,
            head,
            is_marked,
            #[cfg(feature = "torture")]
            forgets_watermark: false,
        }
    }

    /// Where the next frame goes, in bytes.
    pub(super) fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Whether nothing stands in the segment yet.
    pub(super) fn is_at_the_beginning(&self) -> bool {
        self.end() == SEGMENT_HEADER_BYTES as u64
    }

    /// The position of the last event, written or not.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    pub(super) fn previous_checksum(&self) -> u32 {
        self.previous_checksum
    }

    /// Where what is in the file ends, in bytes.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn synced(&self) -> u64 {
        self.synced
    }

    /// Whether the last frame says that everything before it is durable.
    pub(super) fn is_marked(&self) -> bool {
        self.is_marked
    }

    /// Adds a frame, the body of which is made of these parts. Nothing is in the file yet.
    pub(super) fn add(&mut self, header: FrameHeader, body: &[&[u8]]) {
        let header = FrameHeader {
            synced_through: self.watermark(),
            previous_checksum: self.previous_checksum,
            ..header
        };
        let offset = self.end();
        let (bytes, checksum) = header.encode(self.segment.seed, offset);
        self.buffer.reserve(usize::try_from(header.frame_bytes()).unwrap_or(0));
        self.buffer.extend_from_slice(&bytes);
        for part in body {
            self.buffer.extend_from_slice(part);
        }
        // Written only in multiples of the alignment, so that its length alone says how much is missing.
        self.buffer.resize(self.buffer.len().next_multiple_of(8), 0);
        self.previous_checksum = checksum;
        self.head += u64::from(header.events);
        self.is_marked = header.kind == FrameKind::Mark;
    }

    fn watermark(&self) -> u64 {
        #[cfg(feature = "torture")]
        if self.forgets_watermark {
            return 0;
        }
        self.synced
    }

    /// Puts what was added into the file; false when that was nothing.
    pub(super) fn write(&mut self) -> io::Result<bool> {
        if self.buffer.is_empty() {
            return Ok(false);
        }
        write_all(&*self.segment.file(), &self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        if self.buffer.capacity() > KEPT_ROOM {
            self.buffer = Vec::new();
        }
        Ok(true)
    }

    /// Makes what is in the file durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.segment.file().sync_data()?;
        self.synced = self.written;
        Ok(())
    }

    /// Says that what is written is durable, which it is not. A bug, for the crash tests to find.
    #[cfg(feature = "torture")]
    pub(super) fn pretend_synced(&mut self) {
        self.synced = self.written;
    }

    /// Reads from a segment, from the file or from what is not in it yet.
    pub(super) fn read(&self, segment: &Segment, offset: u64, length: usize) -> Result<Bytes, Failure> {
        if segment.start != self.segment.start {
            return segment.read(offset, length, Wait::Allowed);
        }
        match offset.checked_sub(self.written).map(usize::try_from) {
            Some(Ok(start)) => {
                let end = start.saturating_add(length).min(self.buffer.len());
                Ok(Bytes::copy_from_slice(self.buffer.get(start..end).unwrap_or_default()))
            }
            _ => {
                let in_file = usize::try_from(self.written - offset.min(self.written)).unwrap_or(usize::MAX);
                segment.read(offset, length.min(in_file), Wait::Allowed)
            }
        }
    }
}

/// How the log ends in its last segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct TailEnd {
    /// Where the next frame goes, in bytes.
    pub(super) offset: u64,
    /// The checksum of the last frame's header; where there is none, of the segment header.
    pub(super) checksum: u32,
    /// The position of the last event.
    pub(super) head: u64,
    /// Whether the last frame is a mark.
    pub(super) is_marked: bool,
}

/// A buffer that one large append has made greater than this is given back, in bytes.
const KEPT_ROOM: usize = 4 << 20;
