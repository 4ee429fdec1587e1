use eventstore_api::{AppendBatch, Appended, RestoredBatch, RestoredPlace};
use eventstore_codec::encode_appends;

/// An append on its way to the log: what it asks for, and its binary form. Made by whoever appends, so that the writer has
/// only to put its frame together.
#[derive(Debug)]
pub struct Request {
    pub(super) batch: AppendBatch,
    pub(super) body: Vec<u8>,
    /// Of the body.
    pub(super) checksum: u32,
    pub(super) events: u32,
    pub(super) streams: u32,
    /// Where it has to come to stand, where that is not all the same: it is of another store.
    pub(super) place: Option<RestoredPlace>,
}

impl Request {
    /// The request for a batch that has been [validated](AppendBatch::validate).
    #[must_use]
    pub fn new(batch: AppendBatch) -> Self {
        let mut body = Vec::new();
        encode_appends(&batch.appends, &mut body);
        let checksum = crc32fast::hash(&body);
        // Validated: there are at most 65,536 of each.
        let events = u32::try_from(batch.event_count()).unwrap_or(u32::MAX);
        let streams = u32::try_from(batch.appends.len()).unwrap_or(u32::MAX);
        Self { batch, body, checksum, events, streams, place: None }
    }

    /// The request for what another store holds.
    #[must_use]
    pub fn restored(restored: RestoredBatch) -> Self {
        let RestoredBatch { batch, place, .. } = restored;
        Self { place: Some(place), ..Self::new(batch) }
    }

    /// How much room it takes in memory and in the log, about, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.body.len()
    }
}

/// What becomes of a request.
pub type Answer = eventstore_api::Result<Vec<Appended>>;
