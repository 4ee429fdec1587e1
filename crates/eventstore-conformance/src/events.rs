//! What the cases append: events and names made in one line.

use std::sync::atomic::{AtomicU64, Ordering};

use eventstore_api::{
    AppendBatch, AppendCondition, Encoding, EventFilter, EventId, EventType, ExpectedVersion, GlobalPosition,
    Metadata, NewEvent, RecordedEvent, StreamId, Tags, Version,
};

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::try_from(name).expect("the case names a legal stream")
}

pub(crate) fn event_type(name: &str) -> EventType {
    EventType::try_from(name).expect("the case names a legal event type")
}

pub(crate) fn tags(tags: &[&str]) -> Tags {
    Tags::parse(tags.iter().map(|tag| (*tag).to_owned())).expect("the case names legal tags")
}

/// An event that no other equals.
pub(crate) fn event() -> NewEvent {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    NewEvent::new(event_type("Happened"), format!("payload {count}"))
}

/// As many events that no other equals.
pub(crate) fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event()).collect()
}

/// Events with payloads of these lengths.
pub(crate) fn sized(lengths: impl IntoIterator<Item = usize>) -> Vec<NewEvent> {
    lengths.into_iter().map(|length| NewEvent::new(event_type("Happened"), vec![b'x'; length])).collect()
}

pub(crate) fn typed(name: &str) -> NewEvent {
    NewEvent::new(event_type(name), format!("a {name}"))
}

pub(crate) fn tagged(labels: &[&str]) -> NewEvent {
    event().with_tags(tags(labels))
}

/// An event of which nothing is left at its default.
pub(crate) fn rich_event() -> NewEvent {
    NewEvent::new(event_type("Ereignis \u{1f680} geschehen"), &b"\x00\xffnot text\x00"[..])
        .with_schema_version(7)
        .with_encoding(Encoding::new(200))
        .with_metadata(
            Metadata::new()
                .with_correlation_id("request-9")
                .with_causation_id("command-3")
                .with("user", "ann o'neill \"the first\"\n\t\u{1f44d}")
                .with("nothing", ""),
        )
        .with_tags(tags(&["course:rust-101", "student:ann", "empty:", "colons:a:b:c"]))
}

pub(crate) fn exact(version: u64) -> ExpectedVersion {
    ExpectedVersion::Exact(Version::new(version))
}

pub(crate) fn with_tag(tag: &str) -> EventFilter {
    EventFilter::tagged(tags(&[tag]))
}

pub(crate) fn with_type(name: &str) -> EventFilter {
    EventFilter::types([event_type(name)])
}

/// A batch of one event to one stream, unless something is stored that passes the filter.
pub(crate) fn unless(filter: EventFilter, target: &StreamId, event: NewEvent) -> AppendBatch {
    unless_after(filter, GlobalPosition::START, target, event)
}

pub(crate) fn unless_after(
    filter: EventFilter,
    after: GlobalPosition,
    target: &StreamId,
    event: NewEvent,
) -> AppendBatch {
    AppendBatch::single(target.clone(), ExpectedVersion::Any, vec![event])
        .condition(AppendCondition::none_after(filter, after))
}

pub(crate) fn ids(events: &[RecordedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

pub(crate) fn new_ids(events: &[NewEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

pub(crate) fn versions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.get()).collect()
}

pub(crate) fn positions(events: &[RecordedEvent]) -> Vec<GlobalPosition> {
    events.iter().map(|event| event.position).collect()
}
