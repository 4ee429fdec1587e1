//! What stands in the database of the store on RocksDB, without RocksDB, which takes minutes to be compiled.

// The module of the store itself.
#[allow(dead_code, unreachable_pub, unused_imports, reason = "a part of it is called here")]
#[path = "../../eventstore-rocksdb/src/layout/mod.rs"]
mod of_the_store;

use eventstore_api::{
    EventFilter, GlobalPosition, NewEvent, RecordedEvent, StreamId, Tags, Timestamp, Version,
};
use eventstore_codec::{Names, encode_event};
use of_the_store::{
    entry, keys,
    record::{Malformed, Record, place},
    state::State,
    synced::Synced,
};

use crate::{
    input::Input,
    target::{Finding, Outcome, ensure, must},
};

/// The input: what it is (1 byte), then a key, a value or a file.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let mut input = Input::new(data);
    match input.byte() % 5 {
        0 => read_record(input.rest()),
        1 => read_entry(input.rest()),
        2 => read_state(input.rest()),
        3 => read_key(input.rest()),
        _ => read_synced(input.rest()),
    }
}

fn read_record(value: &[u8]) -> Result<Outcome, Finding> {
    let Ok(event) = record(value) else { return Ok(Outcome::Refused) };
    let RecordedEvent { stream, version, recorded_at, .. } = &event;
    let mut again = place(*version, *recorded_at).to_vec();
    encode_event(stream, &new(&event), &mut again);
    let read = must("what was written of what was read", record(&again))?;
    ensure(read == event, || format!("{event:?} is read again as {read:?}"))?;
    Ok(Outcome::Read)
}

/// In each way in which it is read.
fn record(value: &[u8]) -> Result<RecordedEvent, Malformed> {
    let mut names = Names::new();
    let record = Record::read(value, &mut names)?;
    let _ = record.payload_bytes();
    record.passes(&EventFilter::stream_prefix("flight-"), &mut names)?;
    record.into_recorded(GlobalPosition::new(1), &mut names)
}

fn new(event: &RecordedEvent) -> NewEvent {
    NewEvent::identified(event.id, event.event_type.clone(), event.payload.clone())
        .with_schema_version(event.schema_version)
        .with_encoding(event.encoding)
        .with_metadata(event.metadata.clone())
        .with_tags(event.tags.clone())
}

fn read_entry(value: &[u8]) -> Result<Outcome, Finding> {
    let Some((position, length)) = entry::read(value) else { return Ok(Outcome::Refused) };
    let again = entry::write(position, length as usize);
    ensure(again == value, || format!("{position}, {length} is written as {again:?}"))?;
    Ok(Outcome::Read)
}

fn read_state(value: &[u8]) -> Result<Outcome, Finding> {
    let Some(state) = State::from_bytes(value) else { return Ok(Outcome::Refused) };
    let again = State::from_bytes(&state.to_bytes());
    ensure(again == Some(state), || format!("{state:?} is read again as {again:?}"))?;
    Ok(Outcome::Read)
}

fn read_key(key: &[u8]) -> Result<Outcome, Finding> {
    let _ = keys::position(key);
    let (name, number) = (keys::name(key), keys::number(key));
    let (Some(text), Some(number)) = (keys::stream_text(name), number) else { return Ok(Outcome::Refused) };
    let Ok(stream) = StreamId::new(text.to_owned()) else { return Ok(Outcome::Refused) };
    let again = keys::stream(&stream, Version::new(number));
    ensure(again == key, || format!("{stream}, {number} has the key {again:?}"))?;
    Ok(Outcome::Read)
}

fn read_synced(file: &[u8]) -> Result<Outcome, Finding> {
    let Some(synced) = Synced::from_bytes(file) else { return Ok(Outcome::Refused) };
    let again = synced.to_bytes();
    ensure(again == file, || format!("{synced:?} is written as {again:?}"))?;
    Ok(Outcome::Read)
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let of = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let mut seeds = vec![
        ("entry", of(1, &entry::write(GlobalPosition::new(0x0102), 0x0304))),
        ("state", of(2, &State::default().to_bytes())),
        ("synced", of(4, &Synced { head: GlobalPosition::new(7), sequence: 70 }.to_bytes())),
        ("key", of(3, b"account-7\0\0\0\0\0\0\0\0\x03")),
    ];
    let events = crate::seeds::recorded(4);
    for (name, event) in ["record", "record-with-all"].into_iter().zip(events.iter().skip(2)) {
        let mut value = place(Version::new(3), Timestamp::from_micros(-5)).to_vec();
        let tags = Tags::parse(["flight:UA1545"]).unwrap_or_default();
        encode_event(&event.stream, &new(event).with_tags(tags), &mut value);
        seeds.push((name, of(0, &value)));
    }
    seeds
}
