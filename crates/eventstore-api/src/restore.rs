use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
};

use crate::{
    AppendBatch, ExpectedVersion, GlobalPosition, InvalidInput, NewEvent, RecordedEvent, StreamAppend,
    StreamId, Timestamp, Version,
    limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS},
};

/// Events that are [restored](crate::EventStoreBackend::restore), as the append that stores them: what was recorded at one
/// moment, each stream once, under the version that it has before. For backends.
///
/// A backend appends it as any other batch, but refuses it where it is not what comes next ([`RestoredPlace::follows`]), and
/// where its events are stored elsewhere ([`InvalidInput::StoredElsewhere`]). What it records is of the time of the place.
///
/// ```
/// use eventstore_api::{EventType, GlobalPosition, NewEvent, Placement, RestoredBatch, StreamId, Timestamp, Version};
///
/// let event = |number: u64| {
///     NewEvent::new(EventType::new("Deposited").unwrap(), "5").record(Placement {
///         stream: StreamId::new("account-7").unwrap(),
///         version: Version::new(number),
///         position: GlobalPosition::new(number),
///         recorded_at: Timestamp::from_micros(7),
///     })
/// };
/// let batches = RestoredBatch::of(vec![event(1), event(2)])?;
/// assert_eq!(batches.len(), 1);
/// assert_eq!(batches[0].batch.event_count(), 2);
///
/// let place = batches[0].place;
/// assert!(place.follows(GlobalPosition::START, Timestamp::from_micros(7)).is_ok());
/// assert!(place.follows(GlobalPosition::new(1), Timestamp::from_micros(7)).is_err());
/// assert!(RestoredBatch::of(vec![event(2), event(1)]).is_err());
/// assert!(RestoredBatch::of(vec![event(1), event(3)]).is_err());      // what is between them in the stream is missing
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoredBatch {
    /// What is stored: [valid](AppendBatch::validate), each append under the guard of its first event's version.
    pub batch: AppendBatch,
    /// Where it stood.
    pub place: RestoredPlace,
}

/// Where a [`RestoredBatch`] stood in the store that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoredPlace {
    /// The position of the first event. The others have those that follow.
    pub first_position: GlobalPosition,
    /// When all of it was recorded.
    pub recorded_at: Timestamp,
}

impl RestoredBatch {
    /// What restores these events, in their order, in as few batches as keep it, in a store that ends at `head`.
    ///
    /// For backends that take several batches one after the other without stopping at the first that is refused: where that was
    /// the first of all, because its events are there, the next could be just what follows.
    ///
    /// # Errors
    ///
    /// As [`RestoredBatch::of`], and [`InvalidInput::PositionNotNext`] when the first event is not the next one behind `head`. That
    /// is for stores whose positions have no hole.
    pub fn behind(head: GlobalPosition, events: Vec<RecordedEvent>) -> Result<Vec<Self>, InvalidInput> {
        let next = GlobalPosition::new(head.get().saturating_add(1));
        match events.first().map(|first| first.position) {
            Some(position) if position != next => Err(InvalidInput::PositionNotNext { position, next }),
            _ => Self::of(events),
        }
    }

    /// What restores these events, in their order, in as few batches as keep it.
    ///
    /// # Errors
    ///
    /// [`InvalidInput::PositionNotNext`], [`InvalidInput::VersionNotNext`] or [`InvalidInput::TimeRunsBackwards`] when the
    /// events do not follow on one another, and [`InvalidInput`] when one of them passes a [limit](crate::limits).
    pub fn of(events: Vec<RecordedEvent>) -> Result<Vec<Self>, InvalidInput> {
        let mut batches = Vec::new();
        let Some(first) = events.first() else { return Ok(batches) };
        let mut building = Building::at(first.position, first.recorded_at);
        let mut seen: HashMap<StreamId, Seen> = HashMap::new();
        for event in events {
            let next = building.next_position();
            if event.position < next {
                return Err(InvalidInput::PositionNotNext { position: event.position, next });
            }
            if event.recorded_at < building.place.recorded_at {
                let (position, last) = (event.position, building.place.recorded_at);
                return Err(InvalidInput::TimeRunsBackwards {
                    position,
                    recorded_at: event.recorded_at,
                    last,
                });
            }
            let before = match event.version.get().checked_sub(1) {
                Some(before) => Version::new(before),
                None => return Err(version_not_next(&event, Version::new(1))),
            };
            // Looked up once for each event: that is most of what this takes.
            let entry = seen.entry(event.stream.clone());
            let is_in_batch = match &entry {
                Entry::Occupied(known) if known.get().version != before => {
                    return Err(version_not_next(&event, known.get().version.next()));
                }
                Entry::Occupied(known) => known.get().batch == batches.len(),
                Entry::Vacant(_) => false,
            };
            if !building.takes(&event, is_in_batch) {
                let next = Building::at(event.position, event.recorded_at);
                batches.push(mem::replace(&mut building, next).finish()?);
            }
            entry.insert_entry(Seen { version: event.version, batch: batches.len() });
            building.push(event, before);
        }
        batches.push(building.finish()?);
        Ok(batches)
    }
}

impl RestoredPlace {
    /// Whether this is what comes next in a store whose last event is at `head`, and was recorded at `last`. For stores whose
    /// positions have no hole.
    ///
    /// # Errors
    ///
    /// [`InvalidInput::PositionNotNext`] or [`InvalidInput::TimeRunsBackwards`] when it is not.
    pub fn follows(&self, head: GlobalPosition, last: Timestamp) -> Result<(), InvalidInput> {
        let next = GlobalPosition::new(head.get().saturating_add(1));
        let Self { first_position: position, recorded_at } = *self;
        if position != next {
            return Err(InvalidInput::PositionNotNext { position, next });
        }
        if head > GlobalPosition::START && recorded_at < last {
            return Err(InvalidInput::TimeRunsBackwards { position, recorded_at, last });
        }
        Ok(())
    }
}

fn version_not_next(event: &RecordedEvent, next: Version) -> InvalidInput {
    InvalidInput::VersionNotNext { stream: event.stream.clone(), version: event.version, next }
}

/// A stream, as it was met last.
struct Seen {
    version: Version,
    /// How many batches were before that.
    batch: usize,
}

/// A batch that is filled.
struct Building {
    appends: Vec<StreamAppend>,
    place: RestoredPlace,
    events: usize,
    bytes: usize,
}

impl Building {
    fn at(first_position: GlobalPosition, recorded_at: Timestamp) -> Self {
        let place = RestoredPlace { first_position, recorded_at };
        Self { appends: Vec::new(), place, events: 0, bytes: 0 }
    }

    fn next_position(&self) -> GlobalPosition {
        GlobalPosition::new(self.place.first_position.get().saturating_add(self.events as u64))
    }

    /// Whether the event can stand in this batch behind the others: a stream's events are next to each other in one.
    fn takes(&self, event: &RecordedEvent, has_its_stream: bool) -> bool {
        let goes_on = !has_its_stream || self.appends.last().is_some_and(|last| last.stream == event.stream);
        goes_on
            && event.position == self.next_position()
            && event.recorded_at == self.place.recorded_at
            && self.events < MAX_BATCH_EVENTS
            && self.bytes.saturating_add(event.size()) <= MAX_BATCH_BYTES
    }

    fn push(&mut self, event: RecordedEvent, before: Version) {
        self.events += 1;
        self.bytes = self.bytes.saturating_add(event.size());
        let (stream, event) = event.into_new();
        match self.appends.last_mut() {
            Some(last) if last.stream == stream => last.events.push(event),
            _ => {
                let expected = ExpectedVersion::Exact(before);
                self.appends.push(StreamAppend { stream, expected, events: vec![event] });
            }
        }
    }

    fn finish(self) -> Result<RestoredBatch, InvalidInput> {
        let Self { appends, place, .. } = self;
        let mut batch = AppendBatch::new();
        batch.appends = appends;
        // It has no guard and no condition, and no stream twice.
        batch.validate_appends()?;
        Ok(RestoredBatch { batch, place })
    }
}

impl RecordedEvent {
    /// The event as it is appended, and the stream that it goes to: without the place that a store has given it.
    ///
    /// ```
    /// # use eventstore_api::{EventType, GlobalPosition, NewEvent, Placement, StreamId, Timestamp, Version};
    /// let event = NewEvent::new(EventType::new("SeatBooked")?, "12A");
    /// let recorded = event.clone().record(Placement {
    ///     stream: StreamId::new("flight-UA1545")?,
    ///     version: Version::new(1),
    ///     position: GlobalPosition::new(1),
    ///     recorded_at: Timestamp::now(),
    /// });
    /// assert_eq!(recorded.into_new(), (StreamId::new("flight-UA1545")?, event));
    /// # Ok::<(), eventstore_api::InvalidInput>(())
    /// ```
    #[must_use]
    pub fn into_new(self) -> (StreamId, NewEvent) {
        let Self { stream, id, event_type, schema_version, encoding, payload, metadata, tags, .. } = self;
        (stream, NewEvent { id, event_type, schema_version, encoding, payload, metadata, tags })
    }

    /// What it takes, about, in bytes: its names, its payload, its metadata and its tags.
    #[must_use]
    pub fn size(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len()).sum();
        let names = self.stream.as_str().len() + self.event_type.as_str().len();
        names + self.payload.len() + self.metadata.size() + tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventType, Placement, limits::MAX_PAYLOAD_BYTES};
    use bytes::Bytes;

    /// One event for each letter, in the stream of that name, at one time for each digit before it.
    fn events(described: &str) -> Vec<RecordedEvent> {
        let mut versions: HashMap<char, u64> = HashMap::new();
        let mut time = 0;
        let mut events = Vec::new();
        for character in described.chars() {
            if let Some(digit) = character.to_digit(10) {
                time = i64::from(digit);
                continue;
            }
            let version = versions.entry(character).or_default();
            *version += 1;
            events.push(NewEvent::new(EventType::new("T").unwrap(), "").record(Placement {
                stream: StreamId::new(character.to_string()).unwrap(),
                version: Version::new(*version),
                position: GlobalPosition::new(events.len() as u64 + 1),
                recorded_at: Timestamp::from_micros(time),
            }));
        }
        events
    }

    /// The streams of each batch, with the position of its first event before and its time behind.
    fn batches(text: &str) -> Vec<String> {
        let described = |restored: RestoredBatch| {
            let streams = restored.batch.appends.iter();
            let streams = streams.map(|append| append.stream.as_str().repeat(append.events.len()));
            let (position, time) = (restored.place.first_position, restored.place.recorded_at.as_micros());
            format!("{position}:{}@{time}", streams.collect::<String>())
        };
        RestoredBatch::of(events(text)).unwrap().into_iter().map(described).collect()
    }

    #[test]
    fn a_batch_ends_with_its_time_and_where_a_stream_comes_back() {
        assert_eq!(batches("0abc"), ["1:abc@0"]);
        assert_eq!(batches("0aab"), ["1:aab@0"]);
        assert_eq!(batches("0aba"), ["1:ab@0", "3:a@0"]);
        // What came back in the batch before is not in this one yet.
        assert_eq!(batches("0abab"), ["1:ab@0", "3:ab@0"]);
        assert_eq!(batches("0aba1b"), ["1:ab@0", "3:a@0", "4:b@1"]);
        assert_eq!(batches("0a1b1c2c"), ["1:a@0", "2:bc@1", "4:c@2"]);
        assert!(RestoredBatch::of(Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn a_batch_ends_where_positions_have_a_hole() {
        let mut events = events("0abc");
        events.remove(1);
        let batches = RestoredBatch::of(events).unwrap();
        let [first, second] = &batches[..] else { panic!("{batches:?}") };
        assert_eq!([first.place, second.place].map(|place| place.first_position.get()), [1, 3]);
        // A store without holes takes the first, and not the second.
        let (head, time) = (GlobalPosition::new(1), Timestamp::from_micros(0));
        assert!(first.place.follows(GlobalPosition::START, time).is_ok());
        assert!(matches!(second.place.follows(head, time), Err(InvalidInput::PositionNotNext { .. })));
    }

    #[test]
    fn each_append_is_under_the_version_before_it() {
        let batches = RestoredBatch::of(events("0aba")).unwrap();
        let guards = batches.iter().flat_map(|it| &it.batch.appends).map(|append| append.expected);
        let exact = |version| ExpectedVersion::Exact(Version::new(version));
        assert_eq!(guards.collect::<Vec<_>>(), [exact(0), exact(0), exact(1)]);
    }

    #[test]
    fn events_that_do_not_follow_on_one_another_are_refused() {
        let without = |index: usize, described| {
            let mut events = events(described);
            events.remove(index);
            RestoredBatch::of(events).unwrap_err()
        };
        assert!(matches!(without(1, "0aaa"), InvalidInput::VersionNotNext { .. }));
        let mut swapped = events("0ab");
        swapped.swap(0, 1);
        assert!(matches!(RestoredBatch::of(swapped), Err(InvalidInput::PositionNotNext { .. })));
        let mut hole = events("0aab");
        hole[1].version = Version::new(3);
        assert!(matches!(RestoredBatch::of(hole), Err(InvalidInput::VersionNotNext { .. })));
        let mut zero = events("0a");
        zero[0].version = Version::NONE;
        assert!(matches!(RestoredBatch::of(zero), Err(InvalidInput::VersionNotNext { .. })));
        let mut backwards = events("5ab");
        backwards[1].recorded_at = Timestamp::from_micros(4);
        assert!(matches!(RestoredBatch::of(backwards), Err(InvalidInput::TimeRunsBackwards { .. })));
    }

    #[test]
    fn a_batch_that_would_pass_its_limits_is_divided() {
        let many: Vec<_> = events(&"a".repeat(MAX_BATCH_EVENTS + 1));
        let counts: Vec<_> =
            RestoredBatch::of(many).unwrap().iter().map(|restored| restored.batch.event_count()).collect();
        assert_eq!(counts, [MAX_BATCH_EVENTS, 1]);
        let mut large = events(&"a".repeat(15));
        let payload = Bytes::from(vec![0; MAX_PAYLOAD_BYTES]);
        large.iter_mut().for_each(|event| event.payload = payload.clone());
        let counts: Vec<_> =
            RestoredBatch::of(large).unwrap().iter().map(|restored| restored.batch.event_count()).collect();
        // Names take a little, too.
        assert_eq!(counts, [7, 7, 1]);
    }

    /// In the order in which they stand in batches that each are one to append.
    fn put_together(batches: Vec<RestoredBatch>) -> Vec<RecordedEvent> {
        let mut events = Vec::new();
        for RestoredBatch { batch, place } in batches {
            batch.validate().unwrap();
            let mut position = place.first_position.get();
            for append in batch.appends {
                let ExpectedVersion::Exact(mut version) = append.expected else { panic!("{append:?}") };
                for event in append.events {
                    version = version.next();
                    events.push(event.record(Placement {
                        stream: append.stream.clone(),
                        version,
                        position: GlobalPosition::new(position),
                        recorded_at: place.recorded_at,
                    }));
                    position += 1;
                }
            }
        }
        events
    }

    #[test]
    fn however_streams_and_times_take_turns_nothing_changes_its_place() {
        // All texts of these, up to so many.
        let mut texts = vec![String::new()];
        for length in 0..8 {
            let longer = texts.iter().filter(|text| text.len() == length);
            let longer: Vec<_> =
                longer.flat_map(|text| ["a", "b", "1"].map(|next| format!("{text}{next}"))).collect();
            texts.extend(longer);
        }
        for text in texts {
            let events = events(&text);
            assert_eq!(put_together(RestoredBatch::of(events.clone()).unwrap()), events, "{text}");
        }
    }
}
