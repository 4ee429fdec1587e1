//! Pages of events.

use eventstore_api::{
    Direction, GlobalPosition, Page, PageRoom, ReadAll, Result, StreamId, StreamPage, StreamRange,
};
use futures_util::future::BoxFuture;
use tokio_postgres::{Row, types::ToSql};

use crate::{
    columns::{number, signed},
    error::of_read,
    filter::FilteredPage,
    question::{Answer, Columns, Question},
    store::Store,
};

/// How many events a page holds at most, whatever is asked for.
const MOST_EVENTS: usize = 65_536;

/// From so many events on a page of the order of all events is planned anew each time. What the server keeps for a statement it plans for a tenth of the log as it was
/// then: asked for more than that of a log that grows, it would read and sort all of it for each page.
const PLANNED_ANEW: usize = 1_024;

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
        direction: range.direction,
        seen: GlobalPosition::START,
        room: PageRoom::new(limit.min(MOST_EVENTS), range.max_bytes),
        columns: Columns::Event,
    };
    page(store, &question, |answer| {
        let shown = answer.last_position();
        let Answer { events, is_cut, .. } = answer;
        // What is beyond the limit was not asked for.
        let is_partial = is_cut && events.len() < limit;
        (if is_partial { StreamPage::partial(events) } else { StreamPage::last(events) }, shown)
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
        is_common: limit < PLANNED_ANEW,
        direction: query.direction,
        seen: seen_by(query),
        room,
        columns: Columns::Event,
    };
    page(store, &question, |answer| {
        let shown = answer.last_position();
        let Answer { events, is_cut, .. } = answer;
        let last = events.last().map_or(query.after, |last| last.position);
        let page = match (is_cut, query.direction) {
            (true, _) => Page::partial(events, last),
            (false, Direction::Forward) => Page::last(events, last),
            (false, Direction::Backward) => Page::last(events, GlobalPosition::START),
        };
        (page, shown)
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
        is_common: filtered.is_common && query.limit < PLANNED_ANEW,
        direction: query.direction,
        seen: seen_by(query),
        room,
        columns: Columns::EventAndLooked,
    };
    page(store, &question, |answer| {
        let shown = answer.last_position();
        let Answer { events, is_cut, looked } = answer;
        let (through, there_is_more) = looked.unwrap_or((query.after, false));
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
        (page, shown)
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

/// The page that an answer makes, from a replica where that can be; `read` says also what the last position is that it shows.
async fn page<P>(
    store: &Store,
    question: &Question<'_>,
    read: impl Fn(Answer) -> (P, GlobalPosition),
) -> Result<P> {
    if let Some(replica) = &store.replica
        && let Some(answer) = replica.answer(store, question).await
    {
        let (page, shown) = read(answer?);
        // The primary may not show yet what a replica has replayed already. What this page shows is not to be gone in the
        // next one.
        if shown <= store.head.known() || shown <= look(store).await? {
            store.head.note_shown(shown);
            store.reads.count_replica();
            return Ok(page);
        }
    }
    let (page, shown) = read(primary_answers(store, question).await?);
    store.head.raise_to(shown);
    store.head.note_shown(shown);
    store.reads.count_primary();
    Ok(page)
}

/// The answer of the server that takes appends.
// Boxed and not inlined: see `requests`.
#[inline(never)]
fn primary_answers<'a>(store: &'a Store, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer>> {
    Box::pin(async move {
        // Where nobody here knows how far callers have seen, replicas cannot serve them before somebody asks.
        if store.replica.is_some() && store.head.needed(question.seen).is_none() {
            look(store).await?;
        }
        // He may come from another process, and read something else next.
        if question.seen <= store.head.known() {
            store.head.note_shown(question.seen);
        }
        let connection = store.connections.get().await?;
        let answer = async {
            let prepared = question.prepared_on(&connection).await?;
            question.ask(&connection, &prepared).await
        };
        connection.within(answer).await.map_err(of_read)?
    })
}

/// The position of the last event.
pub(crate) async fn head(store: &Store) -> Result<GlobalPosition> {
    let head = look(store).await?;
    store.head.note_shown(head);
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
// Boxed and not inlined: see `requests`.
#[inline(never)]
pub(crate) fn query<'a>(
    store: &'a Store,
    sql: &'a str,
    arguments: &'a [&'a (dyn ToSql + Sync)],
) -> BoxFuture<'a, Result<Vec<Row>>> {
    Box::pin(async move {
        let connection = store.connections.get().await?;
        connection.kept_rows(sql, arguments).await.map_err(of_read)
    })
}
