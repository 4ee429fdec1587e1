use bytes::Bytes;
use eventstore_api::RecordedEvent;

use crate::{block::Block, frames::Chunk};

/// Keeps a page from holding on to much more memory than it shows.
///
/// A payload is a part of what was read at once, without a copy, and keeps all of that in memory. Where a page takes little
/// of it, the payloads are copied out.
#[derive(Debug, Default)]
pub(super) struct Retained {
    /// What the last events of the page are parts of.
    chunk: Option<Chunk>,
    /// From which event of the page on.
    first: usize,
    /// How many bytes of payloads these have.
    taken: usize,
}

/// How many times as much as it shows a page may keep in memory.
const MOST_TIMES: usize = 4;

impl Retained {
    /// Notes that the events from this one on were taken out of a frame.
    pub(super) fn note(&mut self, events: &mut [RecordedEvent], first: usize, frame: &Block) {
        if self.chunk != Some(frame.chunk()) {
            self.settle(events, first);
            self.chunk = Some(frame.chunk());
        }
        self.taken += events.iter().skip(first).map(|event| event.payload.len()).sum::<usize>();
    }

    /// Copies out what holds on to too much, when no more comes from the same memory. The events from `end` on are from
    /// elsewhere.
    pub(super) fn settle(&mut self, events: &mut [RecordedEvent], end: usize) {
        let keeps = self.chunk.map_or(0, |chunk| chunk.bytes);
        if keeps > self.taken.saturating_mul(MOST_TIMES) {
            for event in events.iter_mut().take(end).skip(self.first) {
                event.payload = Bytes::copy_from_slice(&event.payload);
            }
        }
        *self = Self { chunk: None, first: end, taken: 0 };
    }
}
