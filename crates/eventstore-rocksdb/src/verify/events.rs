use eventstore_api::{EventId, GlobalPosition, RecordedEvent, Result, Timestamp};
use eventstore_codec::Names;

use super::{
    entries::{Asked, EntrySums},
    sum::EntryHash,
};
use crate::{
    database::{Caching, Database},
    layout::{
        family, keys,
        record::{Malformed, Record},
    },
};

/// What was seen of the events.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) events: u64,
    pub(super) head: GlobalPosition,
    pub(super) greatest_id: Option<EventId>,
    pub(super) recorded_at: Timestamp,
}

/// After how many events it is told how many there were: it costs nothing beside them.
const TOLD_EVERY: u64 = 1_024;

/// Goes through all events, as [`each_event`] does, and sums up the entries that they ask for, without looking them up.
pub(super) fn check_events(
    database: &Database,
    hash: &EntryHash,
    tell: impl FnMut(u64),
) -> Result<(Seen, EntrySums)> {
    let (mut asked, mut sums) = (Asked::default(), EntrySums::default());
    let seen = each_event(database, tell, |event, length| {
        asked.by(event, length, |index, key, value| {
            sums.add(index, hash, key, value);
            Ok(())
        })
    })?;
    Ok((seen, sums))
}

/// Goes through all events in their order, looks at what can be wrong with each by itself or with its place, and shows it and how
/// many bytes its record has. Tells how many it has looked at, now and then and at the end.
pub(super) fn each_event(
    database: &Database,
    mut tell: impl FnMut(u64),
    mut look: impl FnMut(&RecordedEvent, usize) -> Result<()>,
) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut names = Names::new();
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
        let event = record.into_recorded(position, &mut names).map_err(unreadable)?;
        if seen.head > GlobalPosition::START && event.recorded_at < seen.recorded_at {
            return Err(
                database.corrupted(format!("the event at position {position} is older than the one before"))
            );
        }
        look(&event, value.len())?;
        seen.recorded_at = event.recorded_at;
        seen.greatest_id = seen.greatest_id.max(Some(event.id));
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
