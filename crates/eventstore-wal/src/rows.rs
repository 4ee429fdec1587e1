//! Events of the archive, as far as readers know of it: the rows of a part. What a part is made of is known in
//! [`archive`](crate::archive) alone.

use std::{fmt, ops::Range, sync::Arc};

use eventstore_api::{EventFilter, RecordedEvent, Version};
use eventstore_codec::Names;

use crate::{damage::Failure, frames::Malformed, index::Wait};

/// Rows are read in blocks of so many: to begin anywhere else costs as much.
pub(crate) const ROWS_TOGETHER: u64 = 512;

/// What has taken the place of a segment: its events in their order, one a row. The first is row 0.
pub(crate) trait Part: fmt::Debug + Send + Sync {
    /// Rows from the first of these on, as many of them as are read at once. They lie in the part, and are not none.
    fn read(&self, rows: Range<u64>, wait: Wait) -> Result<Arc<dyn Rows>, Failure>;

    /// The rows that are read with this one, and checked with it: what is wrong with one of them keeps all. Others may be whole.
    fn page(&self, row: u64) -> Result<Range<u64>, Failure>;

    /// The rows around this one that are known to hold nothing that passes; `None` where nothing is known.
    fn barren(&self, row: u64, filter: &EventFilter, wait: Wait) -> Option<Range<u64>>;

    /// Reads everything, and holds it against what was written.
    fn verify(&self) -> Result<(), Failure>;
}

/// Rows in memory, from which events are made one at a time.
pub(crate) trait Rows: fmt::Debug + Send + Sync {
    /// Which they are.
    fn range(&self) -> Range<u64>;

    /// How much memory stays taken as long as an event of them is there, in bytes.
    fn bytes(&self) -> usize;

    /// The stream and the version of an event.
    fn place(&self, row: u64) -> Option<(&str, Version)>;

    /// The event of a row.
    fn event(&self, row: u64, names: &mut Names) -> Result<RecordedEvent, Malformed>;
}

/// What a short text takes in memory beyond itself, about.
const ENTRY_BYTES: usize = 32;

/// One row by itself, apart from what it was read with.
#[derive(Debug)]
pub(crate) struct OneRow {
    pub(crate) row: u64,
    pub(crate) event: RecordedEvent,
}

impl Rows for OneRow {
    fn range(&self) -> Range<u64> {
        self.row..self.row + 1
    }

    fn bytes(&self) -> usize {
        let RecordedEvent { stream, event_type, payload, metadata, tags, .. } = &self.event;
        let entries = metadata.iter().map(|(name, value)| name.len() + value.len() + ENTRY_BYTES);
        let tags = tags.iter().map(|tag| tag.as_str().len() + ENTRY_BYTES);
        stream.as_str().len()
            + event_type.as_str().len()
            + payload.len()
            + entries.sum::<usize>()
            + tags.sum::<usize>()
    }

    fn place(&self, row: u64) -> Option<(&str, Version)> {
        (row == self.row).then(|| (self.event.stream.as_str(), self.event.version))
    }

    fn event(&self, row: u64, _: &mut Names) -> Result<RecordedEvent, Malformed> {
        if row == self.row { Ok(self.event.clone()) } else { Err(Malformed::Counts) }
    }
}
