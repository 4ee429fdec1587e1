//! What is asked of the server, on a connection or in a transaction.
//!
//! Each of these is boxed, and not inlined: a future's code is compiled again into everything that waits for it, and the client's for
//! one statement is long, since it looks up the types that it does not know. What stands above them and waits for several of them is
//! boxed for the same reason.

use bytes::Bytes;
use deadpool_postgres::Object;
use futures_util::{FutureExt, future::BoxFuture};
use tokio_postgres::{
    Client, CopyInSink, Error, Row, Statement,
    types::{ToSql, Type},
};

/// What is asked when it is first polled, and answered some time.
pub(crate) type Request<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// A statement that the connection keeps prepared.
#[inline(never)]
pub(crate) fn kept<'a>(connection: &'a Object, sql: &'a str) -> Request<'a, Statement> {
    connection.prepare_cached(sql).boxed()
}

/// A statement that is prepared until it is dropped.
#[inline(never)]
pub(crate) fn prepared<'a>(client: &'a Client, sql: &'a str) -> Request<'a, Statement> {
    client.prepare(sql).boxed()
}

/// The rows of a statement that was prepared.
#[inline(never)]
pub(crate) fn rows_of_prepared<'a>(
    client: &'a Client,
    statement: &'a Statement,
    arguments: &'a [&'a (dyn ToSql + Sync)],
) -> Request<'a, Vec<Row>> {
    client.query(statement, arguments).boxed()
}

/// The rows of a statement that is prepared for this once.
#[inline(never)]
pub(crate) fn rows_once<'a>(
    client: &'a Client,
    sql: &'a str,
    arguments: &'a [&'a (dyn ToSql + Sync)],
) -> Request<'a, Vec<Row>> {
    client.query(sql, arguments).boxed()
}

/// The row of a statement that has one, and is prepared for this once.
#[inline(never)]
pub(crate) fn row_once<'a>(
    client: &'a Client,
    sql: &'a str,
    arguments: &'a [&'a (dyn ToSql + Sync)],
) -> Request<'a, Row> {
    client.query_one(sql, arguments).boxed()
}

/// The rows of a statement that is not prepared: for connections that keep nothing.
#[inline(never)]
pub(crate) fn rows_unprepared<'a>(
    client: &'a Client,
    sql: &'a str,
    arguments: &'a [(&'a (dyn ToSql + Sync), Type)],
) -> Request<'a, Vec<Row>> {
    client.query_typed(sql, arguments).boxed()
}

/// Statements without arguments, whose rows nobody wants.
#[inline(never)]
pub(crate) fn script<'a>(client: &'a Client, sql: &'a str) -> Request<'a, ()> {
    client.batch_execute(sql).boxed()
}

/// Where the rows of a `COPY` go.
#[inline(never)]
pub(crate) fn copy<'a>(client: &'a Client, sql: &'a str) -> Request<'a, CopyInSink<Bytes>> {
    client.copy_in(sql).boxed()
}
