//! Opening whatever is in a directory, and doing with it all that one does with a store.

use std::sync::Arc;

use bytes::Bytes;
use eventstore_api::{
    AppendBatch, AppendCondition, Direction, EventFilter, EventId, EventType, ExpectedVersion,
    GlobalPosition, NewEvent, ReadAll, RecordedEvent, StreamId, StreamRange, Tag, Tags, Version,
};
use eventstore_wal::{
    disk::{Disk, Open, faulty::FaultyDisk},
    log::{Log, Request},
};
use uuid::Uuid;

use super::{Reached, forge::Files, measured::Measured};
use crate::{
    clock,
    violation::{Violation, ensure},
    workload::options,
};

/// What can be asked of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// What is shown makes sense as a whole.
    Right,
    /// Something lies and has the right checksum: there are answers, and that is all.
    Any,
}

/// Opens a store, reads it in every way, appends to it, closes it and opens it again. To be refused is fine; to panic, to
/// loop, to ask for more than there is or to show nonsense is not.
pub(super) fn exercise(files: &Files, answers: Answers) -> Result<Reached, Violation> {
    clock::reset();
    let disk = FaultyDisk::new();
    for (name, bytes) in files {
        let put = || disk.open(name, Open::Create)?.write_at(bytes, 0);
        put().map_err(|error| Violation::new(format!("cannot write {name}: {error}")))?;
    }
    let bytes = files.values().map(Vec::len).sum();
    let disk = Measured::new(disk, bytes);
    // An event takes more than its id.
    let store = Store { disk: disk.clone(), answers, most_events: bytes / 16 + 2 };
    let outcome = store.exercise();
    disk.check()?;
    outcome
}

struct Store {
    disk: Measured,
    answers: Answers,
    most_events: usize,
}

/// What a read brought before it came to its end, or was refused.
struct Found {
    events: Vec<RecordedEvent>,
    is_complete: bool,
}

impl Store {
    fn exercise(&self) -> Result<Reached, Violation> {
        let Ok((mut log, _)) = Log::open(Arc::new(self.disk.clone()), options(None)) else {
            return Ok(Reached::Refused);
        };
        let found = self.look(&log)?;
        look_at_snapshots(&log, &found.events);
        let appended = self.append(&mut log, &found)?;
        log.run_background_work();
        let before = self.look(&log)?;
        let holds = self.answers == Answers::Right && found.is_complete && appended;
        self.ensure(!holds || before.events.len() == found.events.len() + 1, || {
            "what was appended is not shown".to_owned()
        })?;
        let closed = log.close();
        if let Err(error) = closed {
            self.ensure(!holds, || format!("it does not close: {error}"))?;
            return Ok(Reached::Opened);
        }
        let (log, _) = match Log::open(Arc::new(self.disk.clone()), options(None)) {
            Ok(opened) => opened,
            Err(error) => {
                self.ensure(!holds, || {
                    format!("it was opened and closed, and does not open again: {error}")
                })?;
                return Ok(Reached::Opened);
            }
        };
        let after = self.look(&log)?;
        self.ensure(!holds || after.events == before.events, || {
            "it does not show what it showed before it was closed".to_owned()
        })?;
        look_at_snapshots(&log, &after.events);
        Ok(Reached::Reopened)
    }

    fn ensure(&self, holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
        ensure(holds || self.answers == Answers::Any, what)
    }

    /// Reads everything in every way.
    fn look(&self, log: &Log) -> Result<Found, Violation> {
        let all = self.read(log, &ReadAll::forward())?;
        for (event, position) in all.events.iter().zip(1..) {
            self.ensure(event.position.get() == position, || {
                format!("at position {position} there is {}", event.position)
            })?;
        }
        if all.is_complete {
            self.ensure(log.head().get() == all.events.len() as u64, || {
                format!("the head is {}, and {} events are there", log.head(), all.events.len())
            })?;
        }
        for query in [ReadAll::backward(), ReadAll::backward().limit(3), ReadAll::forward().max_bytes(700)] {
            self.compare(log, &query, &all)?;
        }
        let mut streams: Vec<&StreamId> = all.events.iter().map(|event| &event.stream).collect();
        streams.sort();
        streams.dedup();
        for stream in streams.into_iter().take(12) {
            self.look_at_stream(log, stream, &all)?;
            self.compare(log, &ReadAll::backward().filter(EventFilter::stream(stream.clone())), &all)?;
        }
        let mut tags: Vec<&Tag> = all.events.iter().flat_map(|event| event.tags.iter()).collect();
        tags.sort();
        tags.dedup();
        for tag in tags.into_iter().take(8) {
            let filter = EventFilter::tagged(Tags::new([tag.clone()]).unwrap_or(Tags::NONE));
            self.compare(log, &ReadAll::forward().filter(filter.clone()).limit(2), &all)?;
            self.compare(log, &ReadAll::backward().filter(filter), &all)?;
        }
        if let Some(event) = all.events.first() {
            let filter = EventFilter::types([event.event_type.clone()]);
            self.compare(log, &ReadAll::forward().filter(filter), &all)?;
        }
        Ok(all)
    }

    /// Reads page by page, and holds it against what is there.
    fn compare(&self, log: &Log, query: &ReadAll, all: &Found) -> Result<(), Violation> {
        let mut found = self.read(log, query)?;
        if query.direction == Direction::Backward {
            found.events.reverse();
        }
        if !found.is_complete || !all.is_complete {
            return Ok(());
        }
        let expected = all.events.iter().filter(|event| query.filter.matches(event));
        self.ensure(found.events.iter().eq(expected), || {
            format!("{query:?}: {} events, and not those that are there", found.events.len())
        })
    }

    fn read(&self, log: &Log, query: &ReadAll) -> Result<Found, Violation> {
        let mut query = query.clone();
        let mut events: Vec<RecordedEvent> = Vec::new();
        for _ in 0..=self.most_events {
            let Ok(page) = log.read_all(&query) else { return Ok(Found { events, is_complete: false }) };
            events.extend_from_slice(&page.events);
            if page.end_reached {
                return Ok(Found { events, is_complete: true });
            }
            let goes_on = match query.direction {
                Direction::Forward => page.next > query.after,
                Direction::Backward => page.next < query.after,
            };
            ensure(goes_on, || format!("a page gets nowhere: {query:?}"))?;
            if events.len() > self.most_events {
                break;
            }
            query = query.next_page(&page);
        }
        self.ensure(false, || format!("more events than there can be: {query:?}"))?;
        Ok(Found { events, is_complete: false })
    }

    fn look_at_stream(&self, log: &Log, stream: &StreamId, all: &Found) -> Result<(), Violation> {
        let expected: Vec<&RecordedEvent> =
            all.events.iter().filter(|event| event.stream == *stream).collect();
        for (event, version) in expected.iter().zip(1..) {
            self.ensure(event.version == Version::new(version), || {
                format!("version {} of stream {stream} is where version {version} should be", event.version)
            })?;
        }
        for range in [StreamRange::all(), StreamRange::backward(), StreamRange::all().max_bytes(600)] {
            let (mut next, mut found) = (range, Vec::new());
            let is_complete = loop {
                let Ok(page) = log.read_stream(stream, next) else { break false };
                found.extend_from_slice(&page.events);
                if page.end_reached {
                    break true;
                }
                ensure(!page.events.is_empty(), || format!("a page of stream {stream} is empty"))?;
                if found.len() > self.most_events {
                    self.ensure(false, || format!("stream {stream} has no end: {range:?}"))?;
                    break false;
                }
                next = next.next_page(&page);
            };
            if range.direction == Direction::Backward {
                found.reverse();
            }
            let compared = is_complete && all.is_complete;
            self.ensure(!compared || found.iter().eq(expected.iter().copied()), || {
                format!("stream {stream}: {} events of {}, or others", found.len(), expected.len())
            })?;
        }
        Ok(())
    }

    /// Appends an event twice, of which the second time is a retry; whether that was taken.
    fn append(&self, log: &mut Log, found: &Found) -> Result<bool, Violation> {
        let Some(batch) = batch(found) else { return Ok(false) };
        let mut answers = Vec::new();
        for _ in 0..2 {
            answers.extend(log.commit([&Request::new(batch.clone())]));
        }
        let holds = self.answers == Answers::Right && found.is_complete;
        let mut outcomes = answers.iter().filter_map(|answer| answer.as_ref().ok());
        let (Some(first), second) = (outcomes.next(), outcomes.next()) else {
            return Ok(false);
        };
        self.ensure(!holds || Some(first) == second, || {
            format!("a retry is answered otherwise: {answers:?}")
        })?;
        let position = first.first().map(|appended| appended.last_position);
        let expected = GlobalPosition::new(found.events.len() as u64 + 1);
        self.ensure(!holds || position == Some(expected), || {
            format!("what is appended gets {position:?}, and not {expected}")
        })?;
        Ok(true)
    }
}

/// An event whose id is lower than most, so that it is looked for, with a condition for which tags are looked for.
fn batch(found: &Found) -> Option<AppendBatch> {
    let stream = match found.events.last() {
        Some(event) => event.stream.clone(),
        None => StreamId::new("begun-by-the-fuzzer").ok()?,
    };
    let tags = Tags::new([Tag::new("no:such-tag").ok()?]).ok()?;
    let filter = EventFilter::tagged(tags);
    let id = EventId::from_uuid(Uuid::from_u64_pair(0, 1));
    // A type that is there: it is counted on.
    let event_type = match found.events.last() {
        Some(event) => event.event_type.clone(),
        None => EventType::new("Opened").ok()?,
    };
    let event = NewEvent::new(event_type, Bytes::from_static(b"fuzz")).with_id(id);
    let batch = AppendBatch::new()
        .append(stream, ExpectedVersion::Any, vec![event])
        .condition(AppendCondition::none_after(filter, GlobalPosition::START));
    batch.validate().ok().map(|()| batch)
}

/// Damage to them is no error, and what can be read is no matter of the log.
fn look_at_snapshots(log: &Log, events: &[RecordedEvent]) {
    let Ok(snapshots) = log.snapshots() else { return };
    for event in events.iter().take(40) {
        // Refused where the bytes are not what they were.
        let _ = snapshots.latest(&event.stream);
    }
}
