use eventstore_api::limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS};
use serde::{Deserialize, Serialize};

/// In which order a copy writes the events of different streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CopyOrder {
    /// In the order of the source's positions, exactly. An append ends where a stream comes back after another, so that many
    /// streams which take turns make many small appends.
    #[default]
    Positions,
    /// Each stream in the order of the source's positions. Within one append, the events of a stream stand next to each other,
    /// so that of two events of different streams the later one may come first. Appends are as large as the limits
    /// allow.
    Streams,
}

/// How much is read and appended at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) events: usize,
    pub(super) bytes: usize,
    pub(super) order: CopyOrder,
}

/// How many events may be read, of which nothing is written, before the copy says how far it is.
const READ_FOR_ONE_WRITTEN: usize = 16;
/// Room in an append for what the copy says about itself.
const MARK_BYTES: usize = 64 << 10;

impl Limits {
    /// What every store takes in one append, and one record beside.
    pub(super) fn clamped(self) -> Self {
        Self {
            events: self.events.clamp(1, MAX_BATCH_EVENTS - 1),
            bytes: self.bytes.clamp(1, MAX_BATCH_BYTES - MARK_BYTES),
            order: self.order,
        }
    }

    pub(super) fn read_events(&self) -> usize {
        self.events.saturating_mul(READ_FOR_ONE_WRITTEN)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { events: 1_024, bytes: 4 << 20, order: CopyOrder::default() }
    }
}
