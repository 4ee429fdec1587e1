use std::collections::HashMap;

use eventstore_api::{EventId, EventType, Result, StreamId, Version};
use foldhash::fast::RandomState;
use quick_cache::unsync::Cache;

use crate::{database::Database, read::last_version};

/// Of how many event types it is known in which block they last were. Where it is forgotten, the same posting is written
/// again.
const MOST_TYPES: usize = 4_096;

/// Where a stream ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: Version,
    /// No event of the stream has a greater one: none of those that are appended with greater ones is there already.
    pub(super) greatest_id: Option<EventId>,
}

/// What the writer knows by heart, of what is written and acknowledged: it is bounded, and the rest is looked up.
pub(super) struct Memory {
    heads: Cache<StreamId, Head>,
    blocks: HashMap<EventType, u64, RandomState>,
}

impl Memory {
    pub(super) fn new(streams: usize) -> Self {
        Self { heads: Cache::new(streams.max(1)), blocks: HashMap::default() }
    }

    /// Where a stream ends. In the whole store no id is greater than `greatest_id`.
    pub(super) fn head(
        &mut self,
        stream: &StreamId,
        database: &Database,
        greatest_id: Option<EventId>,
    ) -> Result<Head> {
        if let Some(head) = self.heads.get(stream) {
            return Ok(*head);
        }
        let version = last_version(database, stream)?;
        if version == Version::NONE {
            return Ok(Head::default());
        }
        // Which one its greatest is, is not looked up: from the next append on it is known well enough.
        let head = Head { version, greatest_id };
        self.heads.insert(stream.clone(), head);
        Ok(head)
    }

    pub(super) fn set_head(&mut self, stream: &StreamId, head: Head) {
        self.heads.insert(stream.clone(), head);
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
        self.heads.clear();
        self.blocks.clear();
    }
}
