//! From the pages of columns to events.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use eventstore_api::{
    Encoding, EventId, GlobalPosition, Metadata, NewEvent, Placement, RecordedEvent, Timestamp, Version,
};
use eventstore_codec::Names;
use parquet_format_safe::Encoding as Layout;
use uuid::Uuid;

use crate::{
    checksum::EventsChecksum,
    error::ParquetError,
    levels, names,
    numbers::{Width, decode_deltas, decode_plain},
    page::{Decompression, Page},
    schema::{ID_BYTES, column},
    texts::{Lists, Texts},
};

/// The rows of one page of every column.
#[derive(Default)]
pub(crate) struct PageRows {
    /// The number of the first row over the whole file.
    first: u64,
    count: usize,
    positions: Vec<i64>,
    streams: Texts,
    versions: Vec<i64>,
    times: Vec<i64>,
    ids: Vec<u8>,
    event_types: Texts,
    schema_versions: Vec<i64>,
    encodings: Vec<i64>,
    data: Texts,
    data_binary: Texts,
    metadata: Texts,
    tags: Lists,
}

impl PageRows {
    /// So many rows from this one on, whose columns are still to be added.
    pub(crate) fn new(first: u64, count: usize) -> Self {
        Self { first, count, ..Self::default() }
    }

    /// Adds a column; `None` when its page makes no sense.
    pub(crate) fn add(
        &mut self,
        number: usize,
        page: &Page<'_>,
        decompression: &mut Decompression,
    ) -> Result<Option<()>, ParquetError> {
        let rows = self.count;
        if number != column::TAGS && page.count != rows {
            return Ok(None);
        }
        Ok(match number {
            column::POSITION => numbers(page, Width::Eight, decompression)?.map(|it| self.positions = it),
            column::STREAM => texts(page, decompression)?.map(|it| self.streams = it),
            column::VERSION => numbers(page, Width::Eight, decompression)?.map(|it| self.versions = it),
            column::RECORDED_AT => numbers(page, Width::Eight, decompression)?.map(|it| self.times = it),
            column::ID => {
                self.ids = decompression.lasting(page)?;
                (self.ids.len() == rows * ID_BYTES).then_some(())
            }
            column::EVENT_TYPE => texts(page, decompression)?.map(|it| self.event_types = it),
            column::SCHEMA_VERSION => {
                numbers(page, Width::Four, decompression)?.map(|it| self.schema_versions = it)
            }
            column::ENCODING => numbers(page, Width::Four, decompression)?.map(|it| self.encodings = it),
            column::DATA => texts(page, decompression)?.map(|it| self.data = it),
            column::DATA_BINARY => texts(page, decompression)?.map(|it| self.data_binary = it),
            column::METADATA => texts(page, decompression)?.map(|it| self.metadata = it),
            _ => lists(page, rows, decompression)?.map(|it| self.tags = it),
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn payload_bytes(&self) -> usize {
        self.data.size() + self.data_binary.size()
    }

    pub(crate) fn stream(&self, row: usize) -> Option<&str> {
        std::str::from_utf8(self.streams.get(row)?).ok()
    }

    pub(crate) fn version(&self, row: usize) -> Option<Version> {
        self.versions.get(row).map(|version| Version::new(version.cast_unsigned()))
    }

    pub(crate) fn position(&self, row: usize) -> Option<GlobalPosition> {
        self.positions.get(row).map(|position| GlobalPosition::new(position.cast_unsigned()))
    }

    /// The event of a row, which is numbered in the page.
    pub(crate) fn event(&self, row: usize, names: &mut Names) -> Result<RecordedEvent, ParquetError> {
        let illegal = |what, why: &dyn fmt::Display| self.illegal(row, what, why);
        let found = self.row(row)?;
        let placement = Placement {
            stream: names::stream(names, found.stream).map_err(|why| illegal("the stream", &why))?,
            version: found.version,
            position: found.position,
            recorded_at: found.recorded_at,
        };
        let event_type =
            names::event_type(names, found.event_type).map_err(|why| illegal("the type", &why))?;
        let tags = names::tags(&self.tags, row).map_err(|why| illegal("the tags", &why))?;
        let payload = self.payload(row);
        let payload = payload.ok_or_else(|| illegal("the payload", &"there is none, or there are two"))?;
        let mut event =
            NewEvent::identified(EventId::from_uuid(Uuid::from_bytes(*found.id)), event_type, payload)
                .with_schema_version(found.schema_version)
                .with_encoding(found.encoding);
        event.tags = tags;
        event.metadata = self.metadata(row)?;
        Ok(event.record(placement))
    }

    /// Adds a row to a checksum, as its event would be: names and payloads are looked at where they are, and none is made.
    pub(crate) fn sum(&self, row: usize, checksum: &mut EventsChecksum) -> Result<(), ParquetError> {
        let found = self.row(row)?;
        let ((Some(payload), None) | (None, Some(payload))) = (self.data.get(row), self.data_binary.get(row))
        else {
            return Err(self.illegal(row, "the payload", &"there is none, or there are two"));
        };
        let tags = self.tags.get(row);
        checksum.row(&found, payload, &self.metadata(row)?, tags.map(Option::unwrap_or_default));
        Ok(())
    }

    /// What of a row takes no memory of its own.
    fn row(&self, row: usize) -> Result<Row<'_>, ParquetError> {
        let none = |what| self.illegal(row, what, &"there is none");
        let (ids, _) = self.ids.as_chunks::<ID_BYTES>();
        let schema_version = self.schema_versions.get(row).and_then(|it| number_of_32_bits(*it));
        let encoding = self.encodings.get(row).and_then(|it| u8::try_from(*it).ok());
        Ok(Row {
            stream: self.streams.get(row).ok_or_else(|| none("the stream"))?,
            event_type: self.event_types.get(row).ok_or_else(|| none("the type"))?,
            version: self.version(row).ok_or_else(|| none("the version"))?,
            position: self.position(row).ok_or_else(|| none("the position"))?,
            recorded_at: Timestamp::from_micros(*self.times.get(row).ok_or_else(|| none("the time"))?),
            id: ids.get(row).ok_or_else(|| none("the id"))?,
            schema_version: schema_version.ok_or_else(|| none("the version of the schema"))?,
            encoding: Encoding::new(encoding.ok_or_else(|| none("the encoding"))?),
        })
    }

    fn metadata(&self, row: usize) -> Result<Metadata, ParquetError> {
        let entries = self.metadata.get(row).map(metadata).transpose();
        Ok(entries.map_err(|why| self.illegal(row, "the metadata", &why))?.unwrap_or_default())
    }

    fn illegal(&self, row: usize, what: &str, why: &dyn fmt::Display) -> ParquetError {
        let row = self.first + row as u64;
        ParquetError::damaged(format!("{what} of row {row}: {why}"))
    }

    /// A part of the page, without a copy.
    fn payload(&self, row: usize) -> Option<Bytes> {
        match (self.data.share(row), self.data_binary.has(row)) {
            (Some(text), false) => Some(text),
            (None, true) => self.data_binary.share(row),
            _ => None,
        }
    }
}

/// One row, as far as it is numbers and names.
pub(crate) struct Row<'p> {
    pub(crate) stream: &'p [u8],
    pub(crate) event_type: &'p [u8],
    pub(crate) version: Version,
    pub(crate) position: GlobalPosition,
    pub(crate) recorded_at: Timestamp,
    pub(crate) id: &'p [u8; ID_BYTES],
    pub(crate) schema_version: u32,
    pub(crate) encoding: Encoding,
}

fn metadata(entries: &[u8]) -> Result<Metadata, String> {
    let entries: BTreeMap<String, String> =
        serde_json::from_slice(entries).map_err(|error| error.to_string())?;
    let entries = entries.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Metadata::from_stored(entries).map_err(|error| error.to_string())
}

/// Parquet has them with a sign.
fn number_of_32_bits(number: i64) -> Option<u32> {
    i32::try_from(number).map(i32::cast_unsigned).or_else(|_| u32::try_from(number)).ok()
}

fn numbers(
    page: &Page<'_>,
    width: Width,
    decompression: &mut Decompression,
) -> Result<Option<Vec<i64>>, ParquetError> {
    let values = decompression.passing(page)?;
    Ok(match page.encoding {
        Layout::DELTA_BINARY_PACKED => decode_deltas(values, page.count),
        Layout::PLAIN => decode_plain(values, page.count, width),
        _ => None,
    })
}

fn texts(page: &Page<'_>, decompression: &mut Decompression) -> Result<Option<Texts>, ParquetError> {
    if page.encoding != Layout::PLAIN {
        return Ok(None);
    }
    let bytes = Bytes::from(decompression.lasting(page)?);
    Ok(match page.nulls {
        0 => Texts::of_all(bytes, page.count),
        nulls if nulls == page.count => bytes.is_empty().then(Texts::default),
        _ => levels::decode(page.definition_levels, page.count)
            .and_then(|is_text| Texts::of_some(bytes, &is_text)),
    })
}

fn lists(
    page: &Page<'_>,
    rows: usize,
    decompression: &mut Decompression,
) -> Result<Option<Lists>, ParquetError> {
    if page.encoding != Layout::PLAIN {
        return Ok(None);
    }
    let bytes = Bytes::from(decompression.lasting(page)?);
    let goes_on = levels::decode(page.repetition_levels, page.count);
    let is_text = levels::decode(page.definition_levels, page.count);
    Ok(goes_on.zip(is_text).and_then(|(goes_on, is_text)| Lists::of(bytes, &goes_on, &is_text, rows)))
}
