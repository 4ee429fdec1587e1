//! Pages of events.

use eventstore_api::{
    Direction, GlobalPosition, Page, PageRoom, ReadAll, RecordedEvent, Result, StreamId, StreamPage,
    StreamRange,
};
use eventstore_codec::Names;
use tokio_postgres::{Row, types::ToSql};

use crate::{
    columns::{self, get, number, signed},
    error::of_read,
    filter::FilteredPage,
    store::Store,
};

/// How many events a page holds at most, whatever is asked for.
const MOST_EVENTS: usize = 65_536;

/// A page of a stream.
pub(crate) async fn read_stream(store: &Store, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
    let limit = range.limit.unwrap_or(usize::MAX);
    let sql = match range.direction {
        Direction::Forward => &store.sql.stream_forward,
        Direction::Backward => &store.sql.stream_backward,
    };
    // One more, which says whether there is one.
    let asked = signed(limit.min(MOST_EVENTS) as u64 + 1);
    let (after, most_bytes) = (signed(range.after.get()), signed(range.max_bytes as u64));
    let rows = query(store, sql, &[&stream.as_str(), &after, &asked, &most_bytes]).await?;
    let (events, is_cut) = take(&rows, PageRoom::new(limit.min(MOST_EVENTS), range.max_bytes))?;
    // What is beyond the limit was not asked for.
    let is_partial = is_cut && events.len() < limit;
    Ok(if is_partial { StreamPage::partial(events) } else { StreamPage::last(events) })
}

/// A page of the order of all events.
pub(crate) async fn read_all(store: &Store, query: &ReadAll) -> Result<Page> {
    let limit = query.limit.min(MOST_EVENTS);
    let room = PageRoom::new(limit, query.max_bytes);
    match query.filter.criteria().filter(|_| !query.filter.is_all()) {
        None => read_unfiltered(store, query, limit, room).await,
        Some(criteria) => match FilteredPage::of(&store.sql.schema, query, criteria, limit + 1) {
            Some(page) => read_filtered(store, query, &page, room).await,
            None => read_nothing(store, query).await,
        },
    }
}

async fn read_unfiltered(store: &Store, query: &ReadAll, limit: usize, room: PageRoom) -> Result<Page> {
    let sql = match query.direction {
        Direction::Forward => &store.sql.all_forward,
        Direction::Backward => &store.sql.all_backward,
    };
    let (after, most_bytes) = (signed(query.after.get()), signed(query.max_bytes as u64));
    let rows = self::query(store, sql, &[&after, &signed(limit as u64 + 1), &most_bytes]).await?;
    let (events, is_cut) = take(&rows, room)?;
    let last = events.last().map_or(query.after, |last| last.position);
    Ok(match (is_cut, query.direction) {
        (true, _) => Page::partial(events, last),
        (false, Direction::Forward) => Page::last(events, last),
        (false, Direction::Backward) => Page::last(events, GlobalPosition::START),
    })
}

async fn read_filtered(store: &Store, query: &ReadAll, page: &FilteredPage, room: PageRoom) -> Result<Page> {
    let connection = store.connections.get().await?;
    let arguments: Vec<&(dyn ToSql + Sync)> =
        page.arguments.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect();
    let rows = async {
        let prepared = match page.is_common {
            true => connection.prepare_cached(&page.sql).await?,
            false => connection.prepare(&page.sql).await?,
        };
        connection.query(&prepared, &arguments).await
    };
    let rows = connection.within(rows).await.map_err(of_read)?;
    drop(connection);
    let looked = match rows.first() {
        Some(first) => (number(first, columns::COUNT)?, get::<bool>(first, columns::COUNT + 1)?),
        None => (query.after.get(), false),
    };
    let is_event = |row: &&Row| get::<Option<i64>>(row, 0).ok().flatten().is_some();
    let (events, is_cut) = take(rows.iter().filter(is_event), room)?;
    let (through, there_is_more) = looked;
    Ok(match (is_cut, query.direction) {
        (true, _) => {
            let last = events.last().map_or(query.after, |last| last.position);
            Page::partial(events, last)
        }
        (false, _) if there_is_more => Page::partial(events, GlobalPosition::new(through)),
        (false, Direction::Forward) => Page::last(events, GlobalPosition::new(through).max(query.after)),
        (false, Direction::Backward) => Page::last(events, GlobalPosition::START),
    })
}

/// Nothing can pass, however far one looks.
async fn read_nothing(store: &Store, query: &ReadAll) -> Result<Page> {
    Ok(match query.direction {
        Direction::Forward => Page::last(Vec::new(), head(store).await?.max(query.after)),
        Direction::Backward => Page::last(Vec::new(), GlobalPosition::START),
    })
}

/// The position of the last event.
pub(crate) async fn head(store: &Store) -> Result<GlobalPosition> {
    let rows = query(store, &store.sql.head, &[]).await?;
    rows.first().map_or(Ok(GlobalPosition::START), |row| Ok(GlobalPosition::new(number(row, 0)?)))
}

/// The rows of a statement that is kept prepared.
pub(crate) async fn query(store: &Store, sql: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
    let connection = store.connections.get().await?;
    let rows = async {
        let statement = connection.prepare_cached(sql).await?;
        connection.query(&statement, arguments).await
    };
    connection.within(rows).await.map_err(of_read)
}

/// The events of rows, as far as there is room; whether there was room for all.
fn take<'r>(
    rows: impl IntoIterator<Item = &'r Row>,
    mut room: PageRoom,
) -> Result<(Vec<RecordedEvent>, bool)> {
    let rows = rows.into_iter();
    let (mut events, mut names) = (Vec::with_capacity(rows.size_hint().1.unwrap_or(0)), Names::new());
    for row in rows {
        let event = columns::event(row, &mut names)?;
        if !room.take(event.payload.len()) {
            return Ok((events, true));
        }
        events.push(event);
    }
    Ok((events, false))
}
