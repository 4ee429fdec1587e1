//! From rows to what their columns hold.

use eventstore_api::{RecordedEvent, Result, StoreError, Timestamp};
use eventstore_codec::Names;
use tokio_postgres::{
    Row,
    types::{FromSql, Type, accepts},
};

use crate::{PostgresError, stored_event::StoredEvent};

/// The columns of an event, of `event_log e` and `stream_names s`, in the order in which [`event`] takes them.
pub(crate) const EVENT: &str = "e.position, s.name, e.version, e.recorded_at, e.event_id, e.schema_version, e.encoding, \
    e.event_type, e.data::text, e.payload, e.metadata::text, e.tags";

/// How many columns that are.
pub(crate) const COUNT: usize = 12;

/// The event of a row that begins with the columns of [`EVENT`].
pub(crate) fn event(row: &Row, names: &mut Names) -> Result<RecordedEvent> {
    let position = number(row, 0)?;
    let stream: Option<&str> = get(row, 1)?;
    let stored = StoredEvent {
        position,
        stream: stream.ok_or_else(|| StoreError::Corrupted {
            place: format!("event_log, position {position}"),
            detail: "its stream has no name".to_owned(),
        })?,
        version: number(row, 2)?,
        recorded_at: moment(row, 3)?,
        id: get(row, 4)?,
        schema_version: number(row, 5)?,
        encoding: get(row, 6)?,
        event_type: get(row, 7)?,
        data: get(row, 8)?,
        payload: get(row, 9)?,
        metadata: get(row, 10)?,
        tags: get(row, 11)?,
    };
    stored.read(names)
}

pub(crate) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    // A column of another type than was asked for.
    row.try_get(column).map_err(|source| PostgresError::Server { source }.into())
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
