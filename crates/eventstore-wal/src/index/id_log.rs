use parking_lot::RwLock;

use super::{
    FrameOffset,
    postings::{key, low},
};

/// In which frames the ids of events were met. One writer adds, in the order of frames.
///
/// Made for adding: every event adds its id, and hardly any is looked for, as new ids are greater than all before. So an id
/// is put behind those whose hashes begin alike, some hundreds in a full segment, and looking goes through these: adding
/// touches memory that was touched just before, where a hash table would not.
pub(super) struct IdLog {
    shards: Box<[RwLock<Vec<u64>>]>,
}

const SHARD_BITS: u32 = 10;

impl IdLog {
    pub(super) fn new() -> Self {
        Self { shards: (0..1 << SHARD_BITS).map(|_| RwLock::default()).collect() }
    }

    /// Notes that an id with this hash was met in a frame, which is none before one that was noted.
    pub(super) fn add(&self, hash: u32, frame: FrameOffset) {
        if let Some(shard) = self.shard(hash) {
            shard.write().push(key(hash, frame.units()));
        }
    }

    /// The frames of a hash.
    pub(super) fn frames(&self, hash: u32) -> Vec<FrameOffset> {
        let Some(shard) = self.shard(hash) else { return Vec::new() };
        let mut frames: Vec<_> = shard
            .read()
            .iter()
            .filter(|&&entry| (entry >> u32::BITS) == u64::from(hash))
            .map(|&entry| FrameOffset::from_units(low(entry)))
            .collect();
        frames.dedup();
        frames
    }

    /// All there is, as the sidecar keeps it: the hash, then the frame, in rising order.
    pub(super) fn sorted_keys(&self) -> Vec<u64> {
        let mut keys = Vec::new();
        for shard in &self.shards {
            let begin = keys.len();
            keys.extend_from_slice(&shard.read());
            // Shards follow one another as their hashes do.
            keys.get_mut(begin..).unwrap_or_default().sort_unstable();
        }
        keys.dedup();
        keys
    }

    fn shard(&self, hash: u32) -> Option<&RwLock<Vec<u64>>> {
        self.shards.get((hash >> (u32::BITS - SHARD_BITS)) as usize)
    }
}
