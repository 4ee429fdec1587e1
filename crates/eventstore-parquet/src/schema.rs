//! The columns, in their order.

use arrow2::datatypes::{DataType, Field, Schema, TimeUnit};

/// One column: its name, and what it holds.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    is_nullable: bool,
    data_type: fn() -> DataType,
}

/// The column of each field of an event.
pub(crate) mod column {
    pub(crate) const POSITION: usize = 0;
    pub(crate) const STREAM: usize = 1;
    pub(crate) const VERSION: usize = 2;
    pub(crate) const RECORDED_AT: usize = 3;
    pub(crate) const ID: usize = 4;
    pub(crate) const EVENT_TYPE: usize = 5;
    pub(crate) const SCHEMA_VERSION: usize = 6;
    pub(crate) const ENCODING: usize = 7;
    pub(crate) const DATA: usize = 8;
    pub(crate) const DATA_BINARY: usize = 9;
    pub(crate) const METADATA: usize = 10;
    pub(crate) const TAGS: usize = 11;
}

/// How many columns there are.
pub(crate) const COLUMN_COUNT: usize = 12;
/// How many bytes an event id has.
pub(crate) const ID_BYTES: usize = 16;

/// Positions, versions and times rise by little from one event to the next, and take less than a byte as differences.
/// Names repeat, but a dictionary is one for all pages of a column: whoever reads a single page would have to read it too.
pub(crate) const COLUMNS: [Column; COLUMN_COUNT] = [
    column("position", || DataType::UInt64),
    column("stream", || DataType::Utf8),
    column("version", || DataType::UInt64),
    column("recorded_at", timestamp),
    column("id", || DataType::FixedSizeBinary(ID_BYTES)),
    column("event_type", || DataType::Utf8),
    column("schema_version", || DataType::UInt32),
    column("encoding", || DataType::UInt8),
    nullable("data", || DataType::Utf8),
    nullable("data_binary", || DataType::Binary),
    nullable("metadata", || DataType::Utf8),
    column("tags", tags),
];

const fn column(name: &'static str, data_type: fn() -> DataType) -> Column {
    Column { name, is_nullable: false, data_type }
}

const fn nullable(name: &'static str, data_type: fn() -> DataType) -> Column {
    Column { name, is_nullable: true, data_type }
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".to_owned()))
}

fn tags() -> DataType {
    DataType::List(Box::new(Field::new("item", DataType::Utf8, false)))
}

pub(crate) fn schema() -> Schema {
    let field = |column: &Column| Field::new(column.name, (column.data_type)(), column.is_nullable);
    COLUMNS.iter().map(field).collect::<Vec<_>>().into()
}
