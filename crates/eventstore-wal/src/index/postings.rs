use std::{collections::HashMap, ops::RangeInclusive};

use eventstore_api::Direction;
use foldhash::fast::RandomState;
use parking_lot::RwLock;

use super::FrameOffset;

/// In which frames a hash was met. One writer adds, in the order of frames.
///
/// Split by the hash's leading bits, so that a writer and a reader seldom meet, and so that a table that grows moves only
/// its own share while the writer waits.
pub(super) struct Postings {
    shards: Box<[RwLock<Shard>]>,
}

const SHARD_BITS: u32 = 6;

/// Most hashes are met once: they take 8 bytes.
#[derive(Default)]
struct Shard {
    first: HashMap<u32, FrameOffset, RandomState>,
    /// Those after the first, of hashes that were met again.
    more: HashMap<u32, Vec<FrameOffset>, RandomState>,
}

impl Postings {
    pub(super) fn new() -> Self {
        Self { shards: (0..1 << SHARD_BITS).map(|_| RwLock::default()).collect() }
    }

    /// Notes that a hash was met in a frame, which is none before one that was noted.
    pub(super) fn add(&self, hash: u32, frame: FrameOffset) {
        if let Some(shard) = self.shard(hash) {
            shard.write().add(hash, frame);
        }
    }

    /// The first frames of a hash in this direction, at most this many.
    pub(super) fn frames(
        &self,
        hash: u32,
        within: &RangeInclusive<FrameOffset>,
        direction: Direction,
        most: usize,
    ) -> Vec<FrameOffset> {
        let Some(shard) = self.shard(hash) else { return Vec::new() };
        let shard = shard.read();
        let Some(first) = shard.first.get(&hash) else { return Vec::new() };
        let more = shard.more.get(&hash).map(Vec::as_slice).unwrap_or_default();
        let more_begin = more.partition_point(|frame| frame < within.start());
        let more_end = more.partition_point(|frame| frame <= within.end());
        let more = more.get(more_begin..more_end).unwrap_or_default();
        let frames = within.contains(first).then_some(first).into_iter().chain(more).copied();
        match direction {
            Direction::Forward => frames.take(most).collect(),
            Direction::Backward => frames.rev().take(most).collect(),
        }
    }

    /// All there is, as the sidecar keeps it: the hash, then the frame, in rising order.
    pub(super) fn sorted_keys(&self) -> Vec<u64> {
        let mut keys = Vec::new();
        for shard in &self.shards {
            let shard = shard.read();
            keys.extend(shard.first.iter().map(|(&hash, &frame)| key(hash, frame.units())));
            for (&hash, frames) in &shard.more {
                keys.extend(frames.iter().map(|frame| key(hash, frame.units())));
            }
        }
        keys.sort_unstable();
        keys
    }

    fn shard(&self, hash: u32) -> Option<&RwLock<Shard>> {
        self.shards.get((hash >> (u32::BITS - SHARD_BITS)) as usize)
    }
}

impl Shard {
    fn add(&mut self, hash: u32, frame: FrameOffset) {
        let first = *self.first.entry(hash).or_insert(frame);
        if first == frame {
            return;
        }
        let more = self.more.entry(hash).or_default();
        if more.last() != Some(&frame) {
            more.push(frame);
        }
    }
}

/// Two numbers as one that sorts by the first, then by the second.
pub(super) const fn key(high: u32, low: u32) -> u64 {
    (high as u64) << u32::BITS | low as u64
}

/// The second of the two numbers.
#[expect(clippy::cast_possible_truncation, reason = "the upper half is the other number")]
pub(super) const fn low(key: u64) -> u32 {
    key as u32
}

/// The first of the two numbers.
pub(super) const fn high(key: u64) -> u32 {
    (key >> u32::BITS) as u32
}
