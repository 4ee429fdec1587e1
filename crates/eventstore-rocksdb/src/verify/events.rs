use std::collections::HashMap;

use eventstore_api::{EventId, EventType, GlobalPosition, Result, Timestamp};
use eventstore_codec::Names;

use crate::{
    database::{Caching, Database},
    layout::{
        entry, family, keys,
        record::{Malformed, Record},
    },
};

/// What was seen of the events.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) events: u64,
    pub(super) head: GlobalPosition,
    /// Tags, those of each event counted.
    pub(super) tags: u64,
    /// Blocks of positions with events of a type, counted for each type.
    pub(super) blocks: u64,
    pub(super) greatest_id: Option<EventId>,
    pub(super) recorded_at: Timestamp,
}

/// After how many events it is told how many there were: it costs nothing beside them.
const TOLD_EVERY: u64 = 1_024;

/// Goes through all events in their order, and looks for each in every index. Tells how many it has looked at, now and then and at
/// the end.
pub(super) fn check_events(database: &Database, mut tell: impl FnMut(u64)) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut names = Names::new();
    let mut last_blocks: HashMap<EventType, u64> = HashMap::new();
    let mut events = database.iter(family::EVENTS, Caching::Spared)?;
    events.seek_to_first();
    while let Some((key, value)) = database.item(&events)? {
        let position = GlobalPosition::new(seen.head.get() + 1);
        if keys::position(key) != Some(position) {
            return Err(database.corrupted(format!("the event at position {position} is missing")));
        }
        let unreadable = |error: Malformed| {
            database.corrupted(format!("what is stored at position {position} is no event: {error}"))
        };
        let record = Record::read(value, &mut names).map_err(unreadable)?;
        let (event_type, tags) = record.type_and_tags(&mut names).map_err(unreadable)?;
        let (stream, version, id) = (record.stream.clone(), record.version, record.id());
        if seen.head > GlobalPosition::START && record.recorded_at < seen.recorded_at {
            return Err(
                database.corrupted(format!("the event at position {position} is older than the one before"))
            );
        }
        seen.recorded_at = record.recorded_at;
        // The rest of it: metadata, and what can be wrong with a payload.
        record.into_recorded(position, &mut names).map_err(unreadable)?;

        let expect = |family: &'static str, key: &[u8], wanted: &[u8], index: &str| {
            let found = database.get(family, key)?;
            if found.as_deref() == Some(wanted) {
                return Ok(());
            }
            Err(database
                .corrupted(format!("the index of {index} does not lead to the event at position {position}")))
        };
        let place = entry::write(position, value.len());
        expect(family::STREAMS, &keys::stream(&stream, version), &place, "streams")?;
        expect(family::IDS, &keys::id(id, &stream), &keys::event(position), "ids")?;
        for tag in &tags {
            expect(family::POSTINGS, &keys::tag(tag, position), &[], "tags")?;
            seen.tags += 1;
        }
        let block = keys::block(position);
        if last_blocks.get(&event_type) != Some(&block) {
            expect(family::POSTINGS, &keys::event_type(&event_type, block), &[], "types")?;
            last_blocks.insert(event_type, block);
            seen.blocks += 1;
        }
        seen.greatest_id = seen.greatest_id.max(Some(id));
        seen.events += 1;
        seen.head = position;
        if seen.events.is_multiple_of(TOLD_EVERY) {
            tell(seen.events);
        }
        events.next();
    }
    tell(seen.events);
    Ok(seen)
}
