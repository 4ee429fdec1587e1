//! From events to columns.

use arrow2::{
    array::{Array, BinaryArray, FixedSizeBinaryArray, ListArray, PrimitiveArray, Utf8Array},
    offset::OffsetsBuffer,
};
use eventstore_api::{Encoding, RecordedEvent, Tag};

use crate::{
    error::ParquetError,
    schema::{self, ID_BYTES, column},
};

/// The columns of some events.
pub(crate) fn columns(events: &[RecordedEvent]) -> Result<Vec<Box<dyn Array>>, ParquetError> {
    let metadata = events.iter().map(metadata).collect::<Result<Vec<_>, _>>()?;
    let data = events.iter().map(text_of);
    let data_binary = events.iter().map(|event| match text_of(event) {
        Some(_) => None,
        None => Some(&event.payload[..]),
    });
    let times: Vec<i64> = events.iter().map(|event| event.recorded_at.as_micros()).collect();
    Ok(vec![
        numbers(events, |event| event.position.get()),
        names(events, |event| event.stream.as_str()),
        numbers(events, |event| event.version.get()),
        PrimitiveArray::from_vec(times).to(schema::data_type(column::RECORDED_AT)).boxed(),
        ids(events)?,
        names(events, |event| event.event_type.as_str()),
        PrimitiveArray::<u32>::from_values(events.iter().map(|event| event.schema_version)).boxed(),
        PrimitiveArray::<u8>::from_values(events.iter().map(|event| event.encoding.get())).boxed(),
        Utf8Array::<i32>::from_iter(data).boxed(),
        BinaryArray::<i32>::from_iter(data_binary).boxed(),
        Utf8Array::<i32>::from_iter(metadata).boxed(),
        tags(events)?,
    ])
}

/// A payload that tools can look into.
fn text_of(event: &RecordedEvent) -> Option<&str> {
    match event.encoding {
        Encoding::JSON => std::str::from_utf8(&event.payload).ok(),
        _ => None,
    }
}

/// As one JSON object, whose values are texts.
fn metadata(event: &RecordedEvent) -> Result<Option<String>, ParquetError> {
    if event.metadata.is_empty() {
        return Ok(None);
    }
    let object: serde_json::Map<String, serde_json::Value> =
        event.metadata.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    serde_json::to_string(&object).map(Some).map_err(ParquetError::not_written)
}

fn numbers(events: &[RecordedEvent], number: impl Fn(&RecordedEvent) -> u64) -> Box<dyn Array> {
    PrimitiveArray::<u64>::from_values(events.iter().map(number)).boxed()
}

fn names<'e>(events: &'e [RecordedEvent], name: impl Fn(&'e RecordedEvent) -> &'e str) -> Box<dyn Array> {
    Utf8Array::<i32>::from_iter_values(events.iter().map(name)).boxed()
}

fn ids(events: &[RecordedEvent]) -> Result<Box<dyn Array>, ParquetError> {
    let mut bytes = Vec::with_capacity(events.len() * ID_BYTES);
    for event in events {
        bytes.extend_from_slice(event.id.as_bytes());
    }
    let ids = FixedSizeBinaryArray::try_new(schema::data_type(column::ID), bytes.into(), None);
    ids.map(FixedSizeBinaryArray::boxed).map_err(ParquetError::not_written)
}

fn tags(events: &[RecordedEvent]) -> Result<Box<dyn Array>, ParquetError> {
    let lengths = events.iter().map(|event| event.tags.len());
    let offsets =
        arrow2::offset::Offsets::<i32>::try_from_lengths(lengths).map_err(ParquetError::not_written)?;
    let tags: Vec<&str> = events.iter().flat_map(|event| &event.tags).map(Tag::as_str).collect();
    let tags = Utf8Array::<i32>::from_slice(&tags);
    let list =
        ListArray::try_new(schema::data_type(column::TAGS), OffsetsBuffer::from(offsets), tags.boxed(), None);
    list.map(ListArray::boxed).map_err(ParquetError::not_written)
}
