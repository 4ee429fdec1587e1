//! From columns to events.

use std::{collections::BTreeMap, fmt};

use arrow2::{
    array::{
        Array, BinaryArray, DictionaryArray, FixedSizeBinaryArray, ListArray, PrimitiveArray, Utf8Array,
    },
    buffer::Buffer,
};
use bytes::Bytes;
use eventstore_api::{
    Encoding, EventId, EventType, GlobalPosition, Metadata, NewEvent, Placement, RecordedEvent, StreamId,
    Tags, Timestamp, Version,
};
use eventstore_codec::{DecodeError, Names};
use uuid::Uuid;

use crate::{
    error::ParquetError,
    schema::{COLUMNS, column},
};

/// Makes events of columns, and remembers names from one row group to the next.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    names: Names,
}

impl Decoder {
    pub(crate) fn events(&mut self, columns: &[Box<dyn Array>]) -> Result<Vec<RecordedEvent>, ParquetError> {
        let columns = Columns::of(columns, &mut self.names)?;
        (0..columns.rows).map(|row| columns.event(row)).collect()
    }
}

/// The columns of a row group, as what they are.
struct Columns<'c> {
    rows: usize,
    positions: &'c PrimitiveArray<u64>,
    streams: Dictionary<'c, StreamId>,
    versions: &'c PrimitiveArray<u64>,
    times: &'c PrimitiveArray<i64>,
    ids: &'c FixedSizeBinaryArray,
    event_types: Dictionary<'c, EventType>,
    schema_versions: &'c PrimitiveArray<u32>,
    encodings: &'c PrimitiveArray<u8>,
    data: &'c Utf8Array<i32>,
    data_bytes: Bytes,
    data_binary: &'c BinaryArray<i32>,
    data_binary_bytes: Bytes,
    metadata: &'c Utf8Array<i32>,
    tags: &'c ListArray<i32>,
    tag_texts: &'c Utf8Array<i32>,
}

impl<'c> Columns<'c> {
    fn of(columns: &'c [Box<dyn Array>], names: &mut Names) -> Result<Self, ParquetError> {
        let rows = columns.first().map_or(0, |column| column.len());
        for (column, expected) in columns.iter().zip(&COLUMNS) {
            let name = expected.name;
            if column.len() != rows {
                return Err(ParquetError::damaged(format!(
                    "column `{name}` has {} rows of {rows}",
                    column.len()
                )));
            }
            if !expected.is_nullable && column.null_count() > 0 {
                return Err(ParquetError::damaged(format!("column `{name}` has rows without a value")));
            }
        }
        let data: &Utf8Array<i32> = typed(columns, column::DATA)?;
        let data_binary: &BinaryArray<i32> = typed(columns, column::DATA_BINARY)?;
        let tags: &ListArray<i32> = typed(columns, column::TAGS)?;
        let tag_texts = tags.values().as_any().downcast_ref();
        Ok(Self {
            rows,
            positions: typed(columns, column::POSITION)?,
            streams: Dictionary::of(columns, column::STREAM, |name| names.stream(name))?,
            versions: typed(columns, column::VERSION)?,
            times: typed(columns, column::RECORDED_AT)?,
            ids: typed(columns, column::ID)?,
            event_types: Dictionary::of(columns, column::EVENT_TYPE, |name| names.event_type(name))?,
            schema_versions: typed(columns, column::SCHEMA_VERSION)?,
            encodings: typed(columns, column::ENCODING)?,
            data,
            data_bytes: shared(data.values()),
            data_binary,
            data_binary_bytes: shared(data_binary.values()),
            metadata: typed(columns, column::METADATA)?,
            tags,
            tag_texts: tag_texts.ok_or_else(|| ParquetError::damaged("column `tags` holds no texts"))?,
        })
    }

    fn event(&self, row: usize) -> Result<RecordedEvent, ParquetError> {
        let illegal = |what: &str, why: &dyn fmt::Display| {
            ParquetError::damaged(format!("{what} of row {row} of a row group: {why}"))
        };
        let name = |what| illegal(what, &"it is in no dictionary");
        let placement = Placement {
            stream: self.streams.value(row).ok_or_else(|| name("the stream"))?,
            version: Version::new(self.versions.value(row)),
            position: GlobalPosition::new(self.positions.value(row)),
            recorded_at: Timestamp::from_micros(self.times.value(row)),
        };
        let event_type = self.event_types.value(row).ok_or_else(|| name("the type"))?;
        let id: [u8; 16] = self.ids.value(row).try_into().map_err(|why| illegal("the id", &why))?;
        let payload = self.payload(row);
        let payload = payload.ok_or_else(|| illegal("the payload", &"there is none, or there are two"))?;
        let metadata = self.metadata(row).map_err(|why| illegal("the metadata", &why))?;
        let tags = self.tags(row).map_err(|why| illegal("the tags", &why))?;
        let event = NewEvent::identified(EventId::from_uuid(Uuid::from_bytes(id)), event_type, payload)
            .with_schema_version(self.schema_versions.value(row))
            .with_encoding(Encoding::new(self.encodings.value(row)))
            .with_metadata(metadata)
            .with_tags(tags);
        Ok(event.record(placement))
    }

    /// A part of the column, without a copy.
    fn payload(&self, row: usize) -> Option<Bytes> {
        let range = |offsets: &[i32]| {
            let (from, to) = (*offsets.get(row)?, *offsets.get(row + 1)?);
            Some(usize::try_from(from).ok()?..usize::try_from(to).ok()?)
        };
        match (self.data.is_valid(row), self.data_binary.is_valid(row)) {
            (true, false) => Some(self.data_bytes.slice(range(self.data.offsets().buffer())?)),
            (false, true) => Some(self.data_binary_bytes.slice(range(self.data_binary.offsets().buffer())?)),
            _ => None,
        }
    }

    fn metadata(&self, row: usize) -> Result<Metadata, String> {
        if !self.metadata.is_valid(row) {
            return Ok(Metadata::new());
        }
        let entries: BTreeMap<String, String> =
            serde_json::from_str(self.metadata.value(row)).map_err(|error| error.to_string())?;
        let entries = entries.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Metadata::from_stored(entries).map_err(|error| error.to_string())
    }

    fn tags(&self, row: usize) -> Result<Tags, String> {
        let (start, end) = self.tags.offsets().start_end(row);
        if start == end {
            return Ok(Tags::default());
        }
        Tags::parse((start..end).map(|at| self.tag_texts.value(at).to_owned()))
            .map_err(|error| error.to_string())
    }
}

/// A column of names, each of which was made once.
struct Dictionary<'c, T> {
    keys: &'c PrimitiveArray<u32>,
    names: Vec<T>,
}

impl<'c, T: Clone> Dictionary<'c, T> {
    fn of(
        columns: &'c [Box<dyn Array>],
        number: usize,
        name: impl FnMut(&str) -> Result<T, DecodeError>,
    ) -> Result<Self, ParquetError> {
        let column: &DictionaryArray<u32> = typed(columns, number)?;
        let texts: Option<&Utf8Array<i32>> = column.values().as_any().downcast_ref();
        let texts = texts.ok_or_else(|| ParquetError::damaged("a dictionary holds no texts"))?;
        let names = texts.values_iter().map(name).collect::<Result<_, _>>().map_err(ParquetError::damaged)?;
        Ok(Self { keys: column.keys(), names })
    }

    fn value(&self, row: usize) -> Option<T> {
        self.names.get(self.keys.value(row) as usize).cloned()
    }
}

fn typed<A: Array + 'static>(columns: &[Box<dyn Array>], number: usize) -> Result<&A, ParquetError> {
    let found = columns.get(number).and_then(|column| column.as_any().downcast_ref());
    found.ok_or_else(|| {
        let name = COLUMNS.get(number).map_or("", |column| column.name);
        ParquetError::damaged(format!("column `{name}` is not of its type"))
    })
}

/// The same memory, to take parts of.
fn shared(buffer: &Buffer<u8>) -> Bytes {
    struct Owner(Buffer<u8>);
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    Bytes::from_owner(Owner(buffer.clone()))
}
