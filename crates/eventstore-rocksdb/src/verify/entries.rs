use std::{collections::HashMap, fmt};

use eventstore_api::{EventType, RecordedEvent, Result};

use super::sum::{EntryHash, EntrySum};
use crate::layout::{entry, family, keys};

/// What leads to events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    Streams,
    Ids,
    Tags,
    Types,
}

impl Index {
    pub(super) const ALL: [Self; 4] = [Self::Streams, Self::Ids, Self::Tags, Self::Types];

    /// Where its entries are.
    pub(super) fn family(self) -> &'static str {
        match self {
            Self::Streams => family::STREAMS,
            Self::Ids => family::IDS,
            Self::Tags | Self::Types => family::POSTINGS,
        }
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Streams => "streams",
            Self::Ids => "ids",
            Self::Tags => "tags",
            Self::Types => "types",
        })
    }
}

/// The entries that events ask for, one event after the other from the first.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The block of positions in which an event of a type was last: it asks for one entry, and the next of them there for none.
    last_blocks: HashMap<EventType, u64>,
}

impl Asked {
    /// Shows the key and the value of each entry that this event asks for, whose record has this many bytes.
    pub(super) fn by(
        &mut self,
        event: &RecordedEvent,
        length: usize,
        mut look: impl FnMut(Index, &[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        let position = event.position;
        let place = entry::write(position, length);
        look(Index::Streams, &keys::stream(&event.stream, event.version), &place)?;
        look(Index::Ids, &keys::id(event.id, &event.stream), &keys::event(position))?;
        for tag in &event.tags {
            look(Index::Tags, &keys::tag(tag, position), &[])?;
        }
        let block = keys::block(position);
        if self.last_blocks.get(&event.event_type) != Some(&block) {
            look(Index::Types, &keys::event_type(&event.event_type, block), &[])?;
            self.last_blocks.insert(event.event_type.clone(), block);
        }
        Ok(())
    }
}

/// The sum of entries of each index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EntrySums {
    streams: EntrySum,
    ids: EntrySum,
    tags: EntrySum,
    types: EntrySum,
}

impl EntrySums {
    pub(super) fn add(&mut self, index: Index, hash: &EntryHash, key: &[u8], value: &[u8]) {
        let sum = match index {
            Index::Streams => &mut self.streams,
            Index::Ids => &mut self.ids,
            Index::Tags => &mut self.tags,
            Index::Types => &mut self.types,
        };
        sum.add(hash, key, value);
    }

    pub(super) fn of(&self, index: Index) -> EntrySum {
        match index {
            Index::Streams => self.streams,
            Index::Ids => self.ids,
            Index::Tags => self.tags,
            Index::Types => self.types,
        }
    }
}
