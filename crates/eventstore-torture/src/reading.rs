//! Whether what a store shows is what it should.

use eventstore_api::{
    Direction, EventFilter, GlobalPosition, ReadAll, RecordedEvent, Result, StreamId, StreamRange, Tag, Tags,
};
use eventstore_wal::log::Log;

use crate::{
    chance::Chance,
    model::{Model, UNSEEN},
    violation::{Trouble, Violation, ensure},
};

/// How much of a store is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// All events in their order, and some other way of reading by chance.
    Quick,
    /// Every way of reading.
    Whole,
}

/// Checks that the store shows as many events of the model as it says it has, and all of them right; returns how many.
///
/// # Errors
///
/// What is wrong, or why the store cannot tell.
pub fn check_log(log: &Log, model: &Model, look: Look, chance: &mut Chance) -> Result<usize, Trouble> {
    let found = read_all(log, &ReadAll::forward())?;
    check_prefix(&found, model)?;
    let events = found.len();
    let head = GlobalPosition::new(events as u64);
    ensure(log.head() == head, || format!("the head is {}, and {events} events are there", log.head()))?;
    ensure(found.is_sorted_by_key(|event| event.recorded_at), || "recorded_at runs backwards".to_owned())?;
    let whole = look == Look::Whole;
    if whole || chance.one_in(4) {
        let mut streams: Vec<&StreamId> = found.iter().map(|event| &event.stream).collect();
        streams.sort();
        streams.dedup();
        ensure(log.streams() == streams.len() as u64, || {
            format!("there are {} streams, and the log counts {}", streams.len(), log.streams())
        })?;
        for stream in streams.iter().filter(|_| whole || chance.one_in(3)) {
            check_stream(log, stream, &found)?;
        }
    }
    if whole || chance.one_in(4) {
        let mut tags: Vec<&Tag> = found.iter().flat_map(|event| event.tags.iter()).collect();
        tags.sort();
        tags.dedup();
        for tag in tags.into_iter().filter(|_| whole || chance.one_in(2)) {
            check_filter(log, &EventFilter::tagged(Tags::new([tag.clone()]).unwrap_or(Tags::NONE)), &found)?;
        }
        if let Some(event) = found.last() {
            check_filter(log, &EventFilter::types([event.event_type.clone()]), &found)?;
            check_filter(log, &EventFilter::stream(event.stream.clone()), &found)?;
        }
        check_filter(log, &EventFilter::all(), &found)?;
    }
    Ok(events)
}

/// Checks that these are the first events of the model, ending where a batch ends.
///
/// # Errors
///
/// What is wrong.
pub fn check_prefix(found: &[RecordedEvent], model: &Model) -> Result<(), Violation> {
    ensure(found.len() <= model.len(), || {
        format!("there are {} events, and only {} were ever submitted", found.len(), model.len())
    })?;
    for (event, expected) in found.iter().zip(model.events()) {
        if !is_same(event, expected) {
            return Err(Violation::new(format!(
                "at position {} there should be {expected:?}, and there is {event:?}",
                expected.position
            )));
        }
    }
    ensure(model.is_border(found.len()), || {
        format!("the events end after position {}, in the middle of a batch", found.len())
    })
}

/// Every page of a read.
///
/// # Errors
///
/// What the store answers.
pub fn read_all(log: &Log, query: &ReadAll) -> Result<Vec<RecordedEvent>, Trouble> {
    let mut query = query.clone();
    let mut events = Vec::new();
    loop {
        let page = log.read_all(&query)?;
        events.extend_from_slice(&page.events);
        if page.end_reached {
            return Ok(events);
        }
        ensure(page.next != query.after, || "a page gets nowhere".to_owned())?;
        query = query.next_page(&page);
    }
}

fn check_stream(log: &Log, stream: &StreamId, all: &[RecordedEvent]) -> Result<(), Trouble> {
    let expected: Vec<&RecordedEvent> = all.iter().filter(|event| event.stream == *stream).collect();
    for range in [StreamRange::all(), StreamRange::backward(), StreamRange::all().max_bytes(600)] {
        let mut range = range;
        let mut found = Vec::new();
        loop {
            let page = log.read_stream(stream, range)?;
            found.extend_from_slice(&page.events);
            if page.end_reached {
                break;
            }
            ensure(!page.events.is_empty(), || format!("a page of stream {stream} is empty"))?;
            range = range.next_page(&page);
        }
        if range.direction == Direction::Backward {
            found.reverse();
        }
        ensure(found.iter().eq(expected.iter().copied()), || {
            format!(
                "stream {stream}, read {:?}: {} events of {}, or others",
                range.direction,
                found.len(),
                expected.len()
            )
        })?;
    }
    Ok(())
}

fn check_filter(log: &Log, filter: &EventFilter, all: &[RecordedEvent]) -> Result<(), Trouble> {
    let expected: Vec<&RecordedEvent> = all.iter().filter(|event| filter.matches(event)).collect();
    for query in [ReadAll::forward().limit(3), ReadAll::backward()] {
        let direction = query.direction;
        let mut found = read_all(log, &query.filter(filter.clone()))?;
        if direction == Direction::Backward {
            found.reverse();
        }
        ensure(found.iter().eq(expected.iter().copied()), || {
            format!("{filter:?}, read {direction:?}: {} events of {}, or others", found.len(), expected.len())
        })?;
    }
    Ok(())
}

fn is_same(found: &RecordedEvent, expected: &RecordedEvent) -> bool {
    if expected.recorded_at == UNSEEN {
        let mut expected = expected.clone();
        expected.recorded_at = found.recorded_at;
        return *found == expected;
    }
    found == expected
}
