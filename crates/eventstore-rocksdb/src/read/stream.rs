use eventstore_api::{
    Direction, GlobalPosition, RecordedEvent, Result, StreamId, StreamPage, StreamRange, Version,
};
use eventstore_codec::Names;

use super::{name_walk::NameWalk, search::malformed};
use crate::{
    database::Database,
    layout::{entry, family, keys, record::Record},
};

/// At most how many events a page holds: of events without payloads, any number would fit by bytes.
const MOST: usize = 16_384;
/// How many events, and of how many bytes together, are fetched at once.
const AT_ONCE: usize = 256;
const BYTES_AT_ONCE: u64 = 1 << 20;

/// The version of the last event of a stream, whether it is shown yet or not.
pub(crate) fn last_version(database: &Database, stream: &StreamId) -> Result<Version> {
    let mut walk = NameWalk::new(database, family::STREAMS, keys::stream(stream, Version::NONE))?;
    let last = walk.seek(u64::MAX, Direction::Backward)?;
    Ok(last.map_or(Version::NONE, |(version, _)| Version::new(version)))
}

/// A page of a stream, of what lies up to `head`.
pub(crate) fn read_stream(
    database: &Database,
    stream: &StreamId,
    range: StreamRange,
    head: GlobalPosition,
) -> Result<StreamPage> {
    let limit = range.limit.unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(StreamPage::last(Vec::new()));
    }
    let mut entries = Entries::new(database, stream, range, head)?;
    let mut room = range.limit(limit.min(MOST)).room();
    let mut events = Vec::new();
    let mut names = Names::new();
    loop {
        let places = entries.next(room.events_left().min(AT_ONCE))?;
        let count = places.len();
        for event in fetch(database, stream, &places, &mut names)? {
            if !room.take(event.payload.len()) {
                return Ok(StreamPage::partial(events));
            }
            events.push(event);
        }
        if events.len() == limit || !entries.has_more() {
            return Ok(StreamPage::last(events));
        }
        if count == 0 || room.events_left() == 0 {
            return Ok(StreamPage::partial(events));
        }
    }
}

/// The place of an event, as the index of its stream has it.
#[derive(Clone, Copy, Debug)]
struct Place {
    version: Version,
    position: GlobalPosition,
}

/// The entries of a stream, from the first of a range on.
struct Entries<'d> {
    database: &'d Database,
    walk: NameWalk<'d>,
    direction: Direction,
    head: GlobalPosition,
    /// The entry that comes next.
    ahead: Option<(Place, u32)>,
}

impl<'d> Entries<'d> {
    fn new(
        database: &'d Database,
        stream: &StreamId,
        range: StreamRange,
        head: GlobalPosition,
    ) -> Result<Self> {
        let walk = NameWalk::new(database, family::STREAMS, keys::stream(stream, Version::NONE))?;
        let mut entries = Self { database, walk, direction: range.direction, head, ahead: None };
        let after = range.after.get();
        let first = match range.direction {
            Direction::Forward => after.checked_add(1),
            Direction::Backward => after.checked_sub(1),
        };
        let Some(first) = first else { return Ok(entries) };
        let found = entries.walk.seek(first, range.direction)?;
        entries.ahead = ahead(database, found)?;
        if let Some((place, _)) = entries.ahead
            && range.direction == Direction::Forward
            && place.version.get() != first
        {
            let detail =
                format!("version {first} of stream `{stream}` is missing, and {} is there", place.version);
            return Err(database.corrupted(detail));
        }
        entries.pass_over_what_is_not_shown()?;
        Ok(entries)
    }

    /// The places of the next events, at most so many, and not much more than are worth fetching at once.
    fn next(&mut self, most: usize) -> Result<Vec<Place>> {
        let mut places: Vec<Place> = Vec::new();
        let mut bytes = 0;
        while let Some((place, length)) = self.ahead {
            bytes += u64::from(length);
            if places.len() >= most || (!places.is_empty() && bytes > BYTES_AT_ONCE) {
                break;
            }
            places.push(place);
            let found = self.walk.step(self.direction)?;
            self.ahead = ahead(self.database, found)?;
            self.pass_over_what_is_not_shown()?;
            if let (Some((next, _)), Some(last)) = (self.ahead, places.last())
                && next.version.get().abs_diff(last.version.get()) != 1
            {
                return Err(self.database.corrupted(format!(
                    "the index of a stream goes from version {} to {}",
                    last.version, next.version
                )));
            }
        }
        Ok(places)
    }

    fn has_more(&self) -> bool {
        self.ahead.is_some()
    }

    /// What is beyond the head is at the end of the stream: forward nothing follows it, backward it comes first.
    fn pass_over_what_is_not_shown(&mut self) -> Result<()> {
        while self.ahead.is_some_and(|(place, _)| place.position > self.head) {
            self.ahead = match self.direction {
                Direction::Forward => None,
                Direction::Backward => {
                    let found = self.walk.step(Direction::Backward)?;
                    ahead(self.database, found)?
                }
            };
        }
        Ok(())
    }
}

fn ahead(database: &Database, found: Option<(u64, &[u8])>) -> Result<Option<(Place, u32)>> {
    let Some((version, value)) = found else { return Ok(None) };
    let Some((position, length)) = entry::read(value) else {
        return Err(
            database.corrupted(format!("the entry of version {version} in the index of a stream is none"))
        );
    };
    Ok(Some((Place { version: Version::new(version), position }, length)))
}

/// The events at these places.
fn fetch(
    database: &Database,
    stream: &StreamId,
    places: &[Place],
    names: &mut Names,
) -> Result<Vec<RecordedEvent>> {
    let mut rising: Vec<Place> = places.to_vec();
    let is_backward = rising.first().map(|it| it.position) > rising.last().map(|it| it.position);
    if is_backward {
        rising.reverse();
    }
    let keys: Vec<_> = rising.iter().map(|place| keys::event(place.position)).collect();
    let values = database.get_many(family::EVENTS, &keys)?;
    let mut events = Vec::with_capacity(rising.len());
    for (Place { version, position }, value) in rising.into_iter().zip(values) {
        let value = value
            .ok_or_else(|| database.corrupted(format!("the event at position {position} is missing")))?;
        let record = Record::read(&value, names).map_err(|error| malformed(database, position, error))?;
        if record.version != version || record.stream != *stream {
            return Err(database.corrupted(format!(
                "version {version} of stream `{stream}` should be at position {position}, where version {} of `{}` is",
                record.version, record.stream
            )));
        }
        events.push(
            record.into_recorded(position, names).map_err(|error| malformed(database, position, error))?,
        );
    }
    if is_backward {
        events.reverse();
    }
    Ok(events)
}
