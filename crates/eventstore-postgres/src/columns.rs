//! From rows to events.

use bytes::Bytes;
use eventstore_api::{
    Encoding, EventId, GlobalPosition, InvalidInput, Metadata, NewEvent, Placement, RecordedEvent, Result,
    StoreError, Tag, Tags, Timestamp, Version,
};
use eventstore_codec::Names;
use tokio_postgres::{
    Row,
    types::{FromSql, Type, accepts},
};
use uuid::Uuid;

use crate::PostgresError;

/// The columns of an event, of `event_log e` and `stream_names s`, in the order in which [`event`] takes them.
pub(crate) const EVENT: &str = "e.position, s.name, e.version, e.recorded_at, e.event_id, e.schema_version, e.encoding, \
    e.event_type, e.data::text, e.payload, e.metadata::text, e.tags";

/// How many columns that are.
pub(crate) const COUNT: usize = 12;

/// The event of a row that begins with the columns of [`EVENT`].
pub(crate) fn event(row: &Row, names: &mut Names) -> Result<RecordedEvent> {
    let position = number(row, 0)?;
    let wrong = |what: &str, why: &dyn std::fmt::Display| StoreError::Corrupted {
        place: format!("event_log, position {position}"),
        detail: format!("{what}: {why}"),
    };
    let placement = Placement {
        stream: names.stream(get(row, 1)?).map_err(|why| wrong("the stream", &why))?,
        version: Version::new(number(row, 2)?),
        position: GlobalPosition::new(position),
        recorded_at: moment(row, 3)?,
    };
    let event_type = names.event_type(get(row, 7)?).map_err(|why| wrong("the type", &why))?;
    let payload = match (get::<Option<&str>>(row, 8)?, get::<Option<&[u8]>>(row, 9)?) {
        (Some(text), None) => Bytes::copy_from_slice(text.as_bytes()),
        (None, Some(bytes)) => Bytes::copy_from_slice(bytes),
        _ => return Err(wrong("the payload", &"there is none, or there are two")),
    };
    let schema_version =
        u32::try_from(number(row, 5)?).map_err(|why| wrong("the version of the schema", &why))?;
    let encoding = u8::try_from(get::<i16>(row, 6)?).map_err(|why| wrong("the encoding", &why))?;
    let mut event = NewEvent::identified(EventId::from_uuid(get::<Uuid>(row, 4)?), event_type, payload)
        .with_schema_version(schema_version)
        .with_encoding(Encoding::new(encoding));
    if let Some(text) = get::<Option<&str>>(row, 10)? {
        event.metadata = metadata(text).map_err(|why| wrong("the metadata", &why))?;
    }
    if let Some(list) = get::<Option<Vec<&str>>>(row, 11)? {
        let tags = list.into_iter().map(Tag::try_from).collect::<std::result::Result<Vec<_>, InvalidInput>>();
        event.tags = tags.and_then(Tags::new).map_err(|why| wrong("the tags", &why))?;
    }
    Ok(event.record(placement))
}

pub(crate) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    // A column of another type than was asked for.
    row.try_get(column).map_err(|source| StoreError::storage(PostgresError::Server { source }))
}

/// A number that is never negative.
pub(crate) fn number(row: &Row, column: usize) -> Result<u64> {
    let found: i64 = get(row, column)?;
    u64::try_from(found).map_err(|_| {
        let name = row.columns().get(column).map_or("a column", |column| column.name());
        StoreError::Corrupted { place: format!("the column {name}"), detail: format!("it holds {found}") }
    })
}

/// As PostgreSQL has numbers: what is greater than its greatest is nowhere, and neither is that.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn metadata(text: &str) -> std::result::Result<Metadata, String> {
    let entries: std::collections::BTreeMap<String, String> =
        serde_json::from_str(text).map_err(|why| why.to_string())?;
    let entries = entries.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Metadata::from_stored(entries).map_err(|why| why.to_string())
}

pub(crate) fn moment(row: &Row, column: usize) -> Result<Timestamp> {
    Ok(get::<Moment>(row, column)?.0)
}

/// A moment where there is one.
pub(crate) fn optional_moment(row: &Row, column: usize) -> Result<Option<Timestamp>> {
    Ok(get::<Option<Moment>>(row, column)?.map(|moment| moment.0))
}

/// A moment as the server counts time.
pub(crate) fn server_micros(moment: Timestamp) -> i64 {
    moment.as_micros().saturating_sub(YEAR_2000)
}

/// Whether the server has such a time: since noon of 4713-01-01 BC in the Julian calendar, of which it keeps the day
/// (`MIN_TIMESTAMP` in its `datatype/timestamp.h`). Its last one lies behind all that a [`Timestamp`] can be.
pub(crate) fn server_has(moment: Timestamp) -> bool {
    const FIRST: i64 = -211_813_488_000_000_000;
    server_micros(moment) >= FIRST
}

/// A `timestamptz`, which the server counts in microseconds from the year 2000 on.
struct Moment(Timestamp);

const YEAR_2000: i64 = 946_684_800_000_000;

impl<'a> FromSql<'a> for Moment {
    fn from_sql(
        _: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp::from_micros(micros.saturating_add(YEAR_2000))))
    }

    accepts!(TIMESTAMPTZ);
}
