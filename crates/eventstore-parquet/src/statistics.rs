//! The least and the greatest value of a column in a row group, by which tools pass over what cannot match.

use eventstore_api::RecordedEvent;
use parquet_format_safe::Statistics;

use crate::schema::column;

/// Of a column over these events; `None` where it has none, or there are no events.
///
/// Made here, since arrow2 takes numbers beyond 2^63 for negative ones.
pub(crate) fn of(column: usize, events: &[RecordedEvent]) -> Option<Statistics> {
    let (least, greatest) = match column {
        column::POSITION => number(events, |event| event.position.get())?,
        column::VERSION => number(events, |event| event.version.get())?,
        column::STREAM => text(events, |event| event.stream.as_str())?,
        column::EVENT_TYPE => text(events, |event| event.event_type.as_str())?,
        column::RECORDED_AT => {
            let (least, greatest) = bounds(events.iter().map(|event| event.recorded_at.as_micros()))?;
            (least.to_le_bytes().to_vec(), greatest.to_le_bytes().to_vec())
        }
        column::SCHEMA_VERSION => small_number(events, |event| event.schema_version)?,
        column::ENCODING => small_number(events, |event| u32::from(event.encoding.get()))?,
        _ => return None,
    };
    Some(Statistics {
        min_value: Some(least),
        max_value: Some(greatest),
        null_count: Some(0),
        distinct_count: None,
        // By signed order, which is not that of most columns.
        min: None,
        max: None,
    })
}

type Bounds = (Vec<u8>, Vec<u8>);

fn number(events: &[RecordedEvent], number: impl Fn(&RecordedEvent) -> u64) -> Option<Bounds> {
    let (least, greatest) = bounds(events.iter().map(number))?;
    Some((least.to_le_bytes().to_vec(), greatest.to_le_bytes().to_vec()))
}

fn small_number(events: &[RecordedEvent], number: impl Fn(&RecordedEvent) -> u32) -> Option<Bounds> {
    let (least, greatest) = bounds(events.iter().map(number))?;
    Some((least.to_le_bytes().to_vec(), greatest.to_le_bytes().to_vec()))
}

fn text<'e>(events: &'e [RecordedEvent], text: impl Fn(&'e RecordedEvent) -> &'e str) -> Option<Bounds> {
    let (least, greatest) = bounds(events.iter().map(text))?;
    Some((least.as_bytes().to_vec(), greatest.as_bytes().to_vec()))
}

fn bounds<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<(T, T)> {
    values.fold(None, |bounds, value| {
        let (least, greatest) = bounds.unwrap_or((value, value));
        Some((value.min(least), value.max(greatest)))
    })
}
