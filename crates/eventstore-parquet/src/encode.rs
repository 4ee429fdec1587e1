//! From events to the values of a page: of the encodings of Parquet the few that suit events.

use eventstore_api::{Encoding, RecordedEvent};
use parquet_format_safe::Encoding as Layout;

use crate::{
    error::ParquetError,
    levels,
    numbers::{Width, are_near, encode_deltas, encode_plain},
    schema::{COLUMN_COUNT, ID_BYTES},
    texts,
};

/// What a page of one column holds.
pub(crate) struct Values {
    pub(crate) layout: Layout,
    /// How many there are, with those that are null.
    pub(crate) count: usize,
    pub(crate) nulls: usize,
    pub(crate) repetition_levels: Vec<u8>,
    pub(crate) definition_levels: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// Of each column over these events, which fill a page.
pub(crate) fn columns(events: &[RecordedEvent]) -> Result<[Values; COLUMN_COUNT], ParquetError> {
    let metadata = events.iter().map(metadata).collect::<Result<Vec<_>, _>>()?;
    let data_binary = |event| match text_of(event) {
        Some(_) => None,
        None => Some(&event.payload[..]),
    };
    Ok([
        numbers(events, Width::Eight, |event| event.position.get().cast_signed()),
        texts(events, |event| event.stream.as_str())?,
        numbers(events, Width::Eight, |event| event.version.get().cast_signed()),
        numbers(events, Width::Eight, |event| event.recorded_at.as_micros()),
        ids(events),
        texts(events, |event| event.event_type.as_str())?,
        numbers(events, Width::Four, |event| event.schema_version.cast_signed().into()),
        numbers(events, Width::Four, |event| event.encoding.get().into()),
        optional(events.iter().map(|event| text_of(event).map(str::as_bytes)))?,
        optional(events.iter().map(data_binary))?,
        optional(metadata.iter().map(|it| it.as_deref().map(str::as_bytes)))?,
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

fn numbers(events: &[RecordedEvent], width: Width, number: impl Fn(&RecordedEvent) -> i64) -> Values {
    let numbers: Vec<i64> = events.iter().map(number).collect();
    let (layout, bytes) = if are_near(&numbers, width) {
        (Layout::DELTA_BINARY_PACKED, encode_deltas(&numbers))
    } else {
        (Layout::PLAIN, encode_plain(&numbers, width))
    };
    Values { layout, ..Values::of_all(numbers.len(), bytes) }
}

fn texts<'e>(
    events: &'e [RecordedEvent],
    text: impl Fn(&'e RecordedEvent) -> &'e str,
) -> Result<Values, ParquetError> {
    let mut bytes = Vec::new();
    for event in events {
        texts::put(text(event).as_bytes(), &mut bytes)?;
    }
    Ok(Values::of_all(events.len(), bytes))
}

fn ids(events: &[RecordedEvent]) -> Values {
    let mut bytes = Vec::with_capacity(events.len() * ID_BYTES);
    for event in events {
        bytes.extend_from_slice(event.id.as_bytes());
    }
    Values::of_all(events.len(), bytes)
}

/// One for each row that has one.
fn optional<'e>(values: impl Iterator<Item = Option<&'e [u8]>>) -> Result<Values, ParquetError> {
    let (mut is_there, mut bytes) = (Vec::new(), Vec::new());
    for value in values {
        is_there.push(value.is_some());
        if let Some(value) = value {
            texts::put(value, &mut bytes)?;
        }
    }
    Ok(Values::of_some(&is_there, bytes))
}

/// A list for each row; an empty one is a value that is not there.
fn tags(events: &[RecordedEvent]) -> Result<Values, ParquetError> {
    let (mut goes_on, mut is_there, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        if event.tags.is_empty() {
            goes_on.push(false);
            is_there.push(false);
        }
        for (number, tag) in event.tags.iter().enumerate() {
            goes_on.push(number > 0);
            is_there.push(true);
            texts::put(tag.as_str().as_bytes(), &mut bytes)?;
        }
    }
    Ok(Values { repetition_levels: levels::encode(&goes_on), ..Values::of_some(&is_there, bytes) })
}

impl Values {
    /// One for every row.
    const fn of_all(count: usize, bytes: Vec<u8>) -> Self {
        Self {
            layout: Layout::PLAIN,
            count,
            nulls: 0,
            repetition_levels: Vec::new(),
            definition_levels: Vec::new(),
            bytes,
        }
    }

    fn of_some(is_there: &[bool], bytes: Vec<u8>) -> Self {
        let nulls = is_there.iter().filter(|it| !**it).count();
        Self { nulls, definition_levels: levels::encode(is_there), ..Self::of_all(is_there.len(), bytes) }
    }
}
