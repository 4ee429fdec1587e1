use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use eventstore_api::{EventId, Timestamp};
use parking_lot::RwLock;

use crate::{
    damage::{Damage, Failure},
    disk::{DiskFile, read_up_to},
    format::{FRAME_HEADER_BYTES, FrameSeed, SEGMENT_HEADER_BYTES, StoreId},
    index::{FrameOffset, IndexOf, SegmentIndex, SegmentStart, Wait},
    rows::Part,
};

/// Copying more than this, and what becomes of it then, holds others up, wherever it comes from.
const MOST_AT_ONCE: usize = 1 << 20;

/// One file of the log, and where the events in it are: a segment, made of frames, or the part that has taken its place.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) start: SegmentStart,
    /// Of the segment that is written, the one it is written through.
    file: RwLock<Arc<dyn DiskFile>>,
    pub(crate) seed: FrameSeed,
    /// What to call the file in messages.
    pub(crate) described: String,
    /// In memory as long as events are added, then from the file beside it.
    index: RwLock<Arc<dyn SegmentIndex>>,
    sealed: OnceLock<Sealed>,
    /// The rows in its place, which have taken that of its frames.
    pub(crate) part: Option<Arc<dyn Part>>,
}

/// How a segment ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    /// Where the frame stands that sealed it, in bytes; of a part, where its last row ends.
    pub(crate) end: u64,
    /// The position of the last event.
    pub(crate) last_position: u64,
    /// The greatest event id here and in every segment before.
    pub(crate) max_id_so_far: Option<EventId>,
    /// No later event has an earlier time.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code, reason = "it is for the archive"))]
    pub(crate) recorded_at: Timestamp,
    /// Of the header of the frame that sealed it.
    pub(crate) checksum: u32,
}

impl Segment {
    pub(crate) fn new(
        store: StoreId,
        start: SegmentStart,
        file: Arc<dyn DiskFile>,
        described: String,
        index: Arc<dyn SegmentIndex>,
    ) -> Self {
        let seed = FrameSeed::new(store, start);
        let file = RwLock::new(file);
        Self { start, file, seed, described, index: RwLock::new(index), sealed: OnceLock::new(), part: None }
    }

    /// The same place in the log, with a part in it.
    pub(crate) fn archived(self, part: Arc<dyn Part>) -> Self {
        Self { part: Some(part), ..self }
    }

    /// Where the first frame or row stands, in bytes.
    pub(crate) fn first_offset(&self) -> u64 {
        if self.part.is_some() { 0 } else { SEGMENT_HEADER_BYTES as u64 }
    }

    /// The farthest that the last frame or row can begin which ends at this offset, in bytes; `None` if there is none.
    pub(crate) fn last_offset(&self, bound: u64) -> Option<u64> {
        let least =
            if self.part.is_some() { FrameOffset::bytes_of_row(1) } else { FRAME_HEADER_BYTES as u64 };
        bound.checked_sub(least).filter(|last| *last >= self.first_offset())
    }

    /// What its index is called.
    pub(crate) fn index_of(&self) -> IndexOf {
        if self.part.is_some() { IndexOf::Part } else { IndexOf::Segment }
    }

    pub(crate) fn file(&self) -> Arc<dyn DiskFile> {
        Arc::clone(&self.file.read())
    }

    /// How long its file is, in bytes.
    pub(crate) fn length(&self) -> Result<u64, Failure> {
        self.file().length().map_err(Failure::io(|| format!("cannot read {}", self.described)))
    }

    pub(crate) fn replace_file(&self, file: Arc<dyn DiskFile>) {
        *self.file.write() = file;
    }

    pub(crate) fn index(&self) -> Arc<dyn SegmentIndex> {
        Arc::clone(&self.index.read())
    }

    pub(crate) fn replace_index(&self, index: Arc<dyn SegmentIndex>) {
        *self.index.write() = index;
    }

    pub(crate) fn sealed(&self) -> Option<Sealed> {
        self.sealed.get().copied()
    }

    /// Says how the segment ended; the first word stands.
    pub(crate) fn seal(&self, sealed: Sealed) {
        let _ = self.sealed.set(sealed);
    }

    pub(crate) fn damage(&self, offset: u64, detail: impl ToString) -> Damage {
        Damage { file: self.described.clone(), offset, detail: detail.to_string() }
    }

    /// So many bytes from an offset on, fewer where the file ends.
    pub(crate) fn read(&self, offset: u64, length: usize, wait: Wait) -> Result<Bytes, Failure> {
        if wait == Wait::Never && length > MOST_AT_ONCE {
            return Err(Failure::WouldWait);
        }
        let mut bytes = vec![0; length];
        let read = match wait {
            Wait::Allowed => read_up_to(&*self.file(), &mut bytes, offset),
            Wait::Never => match self.file().read_at_if_cached(&mut bytes, offset) {
                // Cut short by what is not cached, or by the end of the file: only waiting tells.
                Ok(Some(read)) if read == length => Ok(read),
                Ok(_) => return Err(Failure::WouldWait),
                Err(error) => Err(error),
            },
        };
        let read = read.map_err(Failure::io(|| format!("cannot read {}", self.described)))?;
        bytes.truncate(read);
        Ok(bytes.into())
    }
}
