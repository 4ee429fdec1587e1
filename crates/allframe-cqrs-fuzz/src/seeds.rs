//! Inputs to begin with, and what they are made of.

use eventstore_api::{
    AppendBatch, Encoding, EventId, EventType, ExpectedVersion, GlobalPosition, Metadata, NewEvent,
    Placement, RecordedEvent, Snapshot, StreamAppend, StreamId, Tags, Timestamp, Version,
};

use crate::{
    codec, earlier_events, input::Input, json_command, parquet, records, schemas, tables, texts, workers,
};
#[cfg(not(test))]
use crate::{jsonl, postgres_rows, rocksdb_layout};

/// Inputs to begin with, as (target, name, input).
#[must_use]
pub fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let all = [
        ("codec", codec::seeds()),
        ("texts", texts::seeds()),
        ("parquet", parquet::seeds()),
        ("parquet_events", events()),
        ("json_command", json_command::seeds()),
        #[cfg(not(test))]
        ("jsonl", jsonl::seeds()),
        #[cfg(not(test))]
        ("postgres_rows", postgres_rows::seeds()),
        #[cfg(not(test))]
        ("rocksdb_layout", rocksdb_layout::seeds()),
        ("earlier_events", earlier_events::seeds()),
        ("tables", tables::seeds()),
        ("schemas", schemas::seeds()),
        ("records", records::seeds()),
        ("workers", workers::seeds()),
    ];
    let each = |(target, seeds): (&'static str, Vec<(&'static str, Vec<u8>)>)| {
        seeds.into_iter().map(move |(name, input)| (target, name, input))
    };
    all.into_iter().flat_map(each).collect()
}

fn events() -> Vec<(&'static str, Vec<u8>)> {
    let one: &[u8] = &[
        1, 1, 3, b'a', b'-', b'1', 1, b'T', 1, 2, b'{', b'}', 1, 1, b'k', 1, b'v', 1, 3, b'a', b':', b'b', 9,
    ];
    vec![("one", [&[0], one].concat()), ("many", [&[1], one.repeat(5).as_slice()].concat())]
}

/// Events of every form, whatever a fuzzer says.
pub(crate) fn recorded(count: u8) -> Vec<RecordedEvent> {
    let text: Vec<u8> = (0..count)
        .flat_map(|number| {
            let payload = format!("{{\"n\":{number}}}");
            let mut event = vec![
                number % 3,
                number % 4,
                3,
                b'a',
                b'-',
                b'0' + number % 5,
                1,
                b'A' + number % 3,
                number % 3,
            ];
            event.push(u8::try_from(payload.len()).unwrap_or(0));
            event.extend(payload.bytes());
            event.extend([number % 2, 1, b'k', 1, b'v']);
            event.truncate(event.len() - if number % 2 == 0 { 4 } else { 0 });
            event.extend([number % 2, 3, b't', b':', b'0' + number % 2]);
            event.truncate(event.len() - if number % 2 == 0 { 4 } else { 0 });
            event.push(number);
            event
        })
        .collect();
    recorded_by(&mut Input::new(&text))
}

/// Of each event: how far its position and its version are ahead, stream, type, encoding, payload, metadata, tags, time.
pub(crate) fn recorded_by(input: &mut Input<'_>) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    let (mut position, mut time) = (0_u64, 0_i64);
    while !input.is_empty() && events.len() < 300 {
        position = position.saturating_add(u64::from(input.byte())).saturating_add(1);
        let version = Version::new(u64::from(input.byte()) + 1);
        let Ok(stream) = StreamId::new(input.text()) else { continue };
        let Ok(event_type) = EventType::new(input.text()) else { continue };
        let encoding = Encoding::new(input.byte());
        let payload = input.counted().to_vec();
        let metadata: Metadata = (0..input.byte() % 4).map(|_| (input.text(), input.text())).collect();
        let tags = Tags::parse((0..input.byte() % 4).map(|_| input.text()).collect::<Vec<_>>());
        time = time.saturating_add(i64::from(input.byte()));
        let mut id = [0; 16];
        id.iter_mut().zip(position.to_be_bytes()).for_each(|(to, from)| *to = from);
        let event = NewEvent::identified(EventId::from_uuid(uuid::Uuid::from_bytes(id)), event_type, payload)
            .with_encoding(encoding)
            .with_metadata(metadata)
            .with_tags(tags.unwrap_or_default());
        // What no store would have taken is in no file.
        let append = AppendBatch::single(stream.clone(), ExpectedVersion::Any, vec![event.clone()]);
        if append.validate().is_err() {
            continue;
        }
        events.push(event.record(Placement {
            stream,
            version,
            position: GlobalPosition::new(position),
            recorded_at: Timestamp::from_micros(time),
        }));
    }
    events
}

pub(crate) fn appends() -> Vec<StreamAppend> {
    let mut appends: Vec<StreamAppend> = Vec::new();
    for event in recorded(6) {
        let RecordedEvent { stream, id, event_type, encoding, payload, metadata, tags, .. } = event;
        let new = NewEvent::identified(id, event_type, payload)
            .with_encoding(encoding)
            .with_metadata(metadata)
            .with_tags(tags);
        match appends.iter_mut().find(|append| append.stream == stream) {
            Some(append) => append.events.push(new),
            None => appends.push(StreamAppend { stream, expected: ExpectedVersion::Any, events: vec![new] }),
        }
    }
    appends
}

pub(crate) fn snapshot() -> Option<Snapshot> {
    let (stream, state_type) = (StreamId::new("account-7").ok()?, EventType::new("Account").ok()?);
    Some(
        Snapshot::new(stream, Version::new(300), state_type, b"{\"balance\":7}".to_vec())
            .with_encoding(Encoding::JSON),
    )
}
