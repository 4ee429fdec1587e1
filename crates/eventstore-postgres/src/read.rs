//! Pages of events.

use deadpool_postgres::Object;
use eventstore_api::{
    Direction, GlobalPosition, Page, PageRoom, ReadAll, RecordedEvent, Result, StreamId, StreamPage,
    StreamRange,
};
use eventstore_codec::Names;
use tokio_postgres::{Row, Statement, types::ToSql};

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
    let question = Question {
        sql,
        arguments: &[&stream.as_str(), &after, &asked, &most_bytes],
        is_common: true,
        seen: GlobalPosition::START,
    };
    page(store, &question, |rows| {
        let (events, is_cut) = take(rows, PageRoom::new(limit.min(MOST_EVENTS), range.max_bytes))?;
        let shown = last_of(&events);
        // What is beyond the limit was not asked for.
        let is_partial = is_cut && events.len() < limit;
        Ok((if is_partial { StreamPage::partial(events) } else { StreamPage::last(events) }, shown))
    })
    .await
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
    let question = Question {
        sql,
        arguments: &[&after, &signed(limit as u64 + 1), &most_bytes],
        is_common: true,
        seen: seen_by(query),
    };
    page(store, &question, |rows| {
        let (events, is_cut) = take(rows, room.clone())?;
        let shown = last_of(&events);
        let last = events.last().map_or(query.after, |last| last.position);
        let page = match (is_cut, query.direction) {
            (true, _) => Page::partial(events, last),
            (false, Direction::Forward) => Page::last(events, last),
            (false, Direction::Backward) => Page::last(events, GlobalPosition::START),
        };
        Ok((page, shown))
    })
    .await
}

async fn read_filtered(
    store: &Store,
    query: &ReadAll,
    filtered: &FilteredPage,
    room: PageRoom,
) -> Result<Page> {
    let arguments: Vec<&(dyn ToSql + Sync)> =
        filtered.arguments.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect();
    let question = Question {
        sql: &filtered.sql,
        arguments: &arguments,
        is_common: filtered.is_common,
        seen: seen_by(query),
    };
    page(store, &question, |rows| {
        let looked = match rows.first() {
            Some(first) => (number(first, columns::COUNT)?, get::<bool>(first, columns::COUNT + 1)?),
            None => (query.after.get(), false),
        };
        let is_event = |row: &&Row| get::<Option<i64>>(row, 0).ok().flatten().is_some();
        let (events, is_cut) = take(rows.iter().filter(is_event), room.clone())?;
        let shown = last_of(&events);
        let (through, there_is_more) = (GlobalPosition::new(looked.0), looked.1);
        let page = match (is_cut, query.direction) {
            (true, _) => {
                let last = events.last().map_or(query.after, |last| last.position);
                Page::partial(events, last)
            }
            (false, _) if there_is_more => Page::partial(events, through),
            (false, Direction::Forward) => Page::last(events, through.max(query.after)),
            (false, Direction::Backward) => Page::last(events, GlobalPosition::START),
        };
        let goes_on = query.direction == Direction::Forward && page.next > query.after;
        let shown = if goes_on { shown.max(page.next) } else { shown };
        Ok((page, shown))
    })
    .await
}

/// Nothing can pass, however far one looks.
async fn read_nothing(store: &Store, query: &ReadAll) -> Result<Page> {
    Ok(match query.direction {
        Direction::Forward => Page::last(Vec::new(), head(store).await?.max(query.after)),
        Direction::Backward => Page::last(Vec::new(), GlobalPosition::START),
    })
}

/// Where the reader of a page comes from: everything up to there he has seen.
fn seen_by(query: &ReadAll) -> GlobalPosition {
    if query.direction == Direction::Forward { query.after } else { GlobalPosition::START }
}

/// The last position that a page shows.
fn last_of(events: &[RecordedEvent]) -> GlobalPosition {
    let ends = events.first().into_iter().chain(events.last());
    ends.map(|event| event.position).max().unwrap_or(GlobalPosition::START)
}

/// A page that is asked for, of whichever server may answer.
pub(crate) struct Question<'q> {
    pub(crate) sql: &'q str,
    pub(crate) arguments: &'q [&'q (dyn ToSql + Sync)],
    /// Whether to keep it prepared is worth its memory.
    pub(crate) is_common: bool,
    /// What its reader has seen, whoever showed it to him.
    pub(crate) seen: GlobalPosition,
}

impl Question<'_> {
    pub(crate) async fn prepared_on(&self, connection: &Object) -> Result<Statement, tokio_postgres::Error> {
        match self.is_common {
            true => connection.prepare_cached(self.sql).await,
            false => connection.prepare(self.sql).await,
        }
    }
}

/// The page that rows make, from a replica where that can be; `read` says also what the last position is that it shows.
async fn page<P>(
    store: &Store,
    question: &Question<'_>,
    read: impl Fn(&[Row]) -> Result<(P, GlobalPosition)>,
) -> Result<P> {
    if let Some(replica) = &store.replica
        && let Some(rows) = replica.rows(store, question).await
    {
        let (page, shown) = read(&rows)?;
        // The primary may not show yet what a replica has replayed already. What this page shows is not to be gone in the
        // next one.
        if shown <= store.head.known() || shown <= look(store).await? {
            store.head.has_shown(shown);
            store.reads.count_replica();
            return Ok(page);
        }
    }
    // Where nobody here knows how far callers have seen, replicas cannot serve them before somebody asks.
    if store.replica.is_some() && store.head.needed(question.seen).is_none() {
        look(store).await?;
    }
    // He may come from another process, and read something else next.
    if question.seen <= store.head.known() {
        store.head.has_shown(question.seen);
    }
    let connection = store.connections.get().await?;
    let rows = async {
        let prepared = question.prepared_on(&connection).await?;
        connection.query(&prepared, question.arguments).await
    };
    let rows = connection.within(rows).await.map_err(of_read)?;
    drop(connection);
    let (page, shown) = read(&rows)?;
    store.head.is_at_least(shown);
    store.head.has_shown(shown);
    store.reads.count_primary();
    Ok(page)
}

/// The position of the last event.
pub(crate) async fn head(store: &Store) -> Result<GlobalPosition> {
    let head = look(store).await?;
    store.head.has_shown(head);
    Ok(head)
}

/// Asks the server that takes appends how far the log goes, which is known from then on.
pub(crate) async fn look(store: &Store) -> Result<GlobalPosition> {
    let before = store.head.before();
    let head = position(&query(store, &store.sql.head, &[]).await?)?;
    store.head.found(before, head);
    Ok(head)
}

/// The position that the statement for the head answers.
pub(crate) fn position(rows: &[Row]) -> Result<GlobalPosition> {
    rows.first().map_or(Ok(GlobalPosition::START), |row| Ok(GlobalPosition::new(number(row, 0)?)))
}

/// The rows of a statement that is kept prepared, from the server that takes appends.
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
