use std::collections::HashMap;

use eventstore_api::{EventType, Result, StreamId, Version};
use foldhash::fast::RandomState;
use quick_cache::unsync::Cache;

use crate::{database::Database, read::last_version};

/// Of how many event types it is known in which block they last were. Where it is forgotten, the same posting is written
/// again.
const MOST_TYPES: usize = 4_096;

/// What the writer knows by heart, of what is written and acknowledged: it is bounded, and the rest is looked up.
pub(super) struct Memory {
    versions: Cache<StreamId, Version>,
    blocks: HashMap<EventType, u64, RandomState>,
}

impl Memory {
    pub(super) fn new(streams: usize) -> Self {
        Self { versions: Cache::new(streams.max(1)), blocks: HashMap::default() }
    }

    /// The version of a stream's last event.
    pub(super) fn version(&mut self, stream: &StreamId, database: &Database) -> Result<Version> {
        if let Some(version) = self.versions.get(stream) {
            return Ok(*version);
        }
        let version = last_version(database, stream)?;
        if version != Version::NONE {
            self.versions.insert(stream.clone(), version);
        }
        Ok(version)
    }

    pub(super) fn set_version(&mut self, stream: &StreamId, version: Version) {
        self.versions.insert(stream.clone(), version);
    }

    /// Whether no event of this type is known to be in this block.
    pub(super) fn is_first_in_block(&mut self, event_type: &EventType, block: u64) -> bool {
        match self.blocks.get_mut(event_type) {
            Some(last) => std::mem::replace(last, block) != block,
            None => {
                if self.blocks.len() >= MOST_TYPES {
                    self.blocks.clear();
                }
                self.blocks.insert(event_type.clone(), block);
                true
            }
        }
    }

    /// Forgets everything, when what was to be written has not been.
    pub(super) fn forget(&mut self) {
        self.versions.clear();
        self.blocks.clear();
    }
}
