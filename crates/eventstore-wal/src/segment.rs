use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use eventstore_api::EventId;
use parking_lot::RwLock;

use crate::{
    damage::{Damage, Failure},
    disk::{DiskFile, read_up_to},
    format::{FrameSeed, StoreId},
    index::{SegmentIndex, SegmentStart, Wait},
};

/// Copying more than this, and what becomes of it then, holds others up, wherever it comes from.
const MOST_AT_ONCE: usize = 1 << 20;

/// One file of the log, and where the events in it are.
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
}

/// How a segment ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    /// Where the frame stands that sealed it, in bytes.
    pub(crate) end: u64,
    /// The position of the last event.
    pub(crate) last_position: u64,
    /// The greatest event id here and in every segment before.
    pub(crate) max_id_so_far: Option<EventId>,
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
        Self { start, file, seed, described, index: RwLock::new(index), sealed: OnceLock::new() }
    }

    pub(crate) fn file(&self) -> Arc<dyn DiskFile> {
        Arc::clone(&self.file.read())
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
