//! The columns, in their order.

use arrow2::{
    array::{Array, PrimitiveArray},
    datatypes::{DataType, Field, Schema, TimeUnit},
    io::parquet::write::Encoding,
};

/// One column: its name, what it holds, and how that is laid out.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    is_nullable: bool,
    data_type: fn() -> DataType,
    encoding: Encoding,
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
    column("position", || DataType::UInt64, Encoding::DeltaBinaryPacked),
    column("stream", || DataType::Utf8, Encoding::Plain),
    column("version", || DataType::UInt64, Encoding::DeltaBinaryPacked),
    column("recorded_at", timestamp, Encoding::DeltaBinaryPacked),
    column("id", || DataType::FixedSizeBinary(ID_BYTES), Encoding::Plain),
    column("event_type", || DataType::Utf8, Encoding::Plain),
    column("schema_version", || DataType::UInt32, Encoding::DeltaBinaryPacked),
    column("encoding", || DataType::UInt8, Encoding::DeltaBinaryPacked),
    nullable("data", || DataType::Utf8),
    nullable("data_binary", || DataType::Binary),
    nullable("metadata", || DataType::Utf8),
    column("tags", tags, Encoding::Plain),
];

const fn column(name: &'static str, data_type: fn() -> DataType, encoding: Encoding) -> Column {
    Column { name, is_nullable: false, data_type, encoding }
}

const fn nullable(name: &'static str, data_type: fn() -> DataType) -> Column {
    Column { name, is_nullable: true, data_type, encoding: Encoding::Plain }
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

impl Column {
    /// How these values of the column are laid out.
    pub(crate) fn encoding_of(&self, values: &dyn Array) -> Encoding {
        match self.encoding {
            Encoding::DeltaBinaryPacked if !is_smooth(values) => Encoding::Plain,
            encoding => encoding,
        }
    }
}

/// Whether no number is so far from the one before it that the encoder of differences would overflow.
fn is_smooth(values: &dyn Array) -> bool {
    const FAR: u64 = 1 << 61;
    let values = values.as_any();
    let steps = |mut pairs: std::slice::Windows<'_, i64>| {
        pairs.all(|pair| matches!(pair, [one, next] if one.abs_diff(*next) < FAR))
    };
    if let Some(values) = values.downcast_ref::<PrimitiveArray<i64>>() {
        return steps(values.values().windows(2));
    }
    if let Some(values) = values.downcast_ref::<PrimitiveArray<u64>>() {
        // As the encoder sees them.
        let values: Vec<i64> = values.values().iter().map(|&value| value.cast_signed()).collect();
        return steps(values.windows(2));
    }
    true
}

pub(crate) fn data_type(column: usize) -> DataType {
    COLUMNS.get(column).map_or(DataType::Null, |column| (column.data_type)())
}
