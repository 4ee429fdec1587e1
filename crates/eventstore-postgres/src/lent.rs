//! A connection from the pool. What is asked on it has an end, and one that cannot be relied on does not go back.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use deadpool_postgres::Object;
use futures_util::future::BoxFuture;
use tokio::{runtime::Handle, sync::Notify, time::timeout};
use tokio_postgres::{
    Row,
    error::{Severity, SqlState},
    types::ToSql,
};

use crate::{error::Failure, requests};

/// A connection that nobody else uses meanwhile. Dropped, it goes back to the pool, or is closed.
#[derive(Debug)]
pub(crate) struct Lent {
    /// Taken out when this is dropped, and not before.
    connection: Option<Object>,
    answers_within: Duration,
    /// Told when the server takes no changes any more. Only with a pool of our own, whose other connections lead to the same
    /// server, and are ours to close.
    moved: Option<Arc<Notify>>,
    /// How many answers are still to come.
    awaited: Arc<AtomicUsize>,
    is_spoilt: AtomicBool,
}

impl Lent {
    pub(crate) fn new(connection: Object, answers_within: Duration, moved: Option<Arc<Notify>>) -> Self {
        Self {
            connection: Some(connection),
            answers_within,
            moved,
            awaited: Arc::default(),
            is_spoilt: AtomicBool::new(false),
        }
    }

    /// What a call on this connection gives, if that comes in time.
    ///
    /// The server's own time limit ends a statement that takes too long; this one is for a server, or a network, from which
    /// nothing comes at all.
    ///
    /// # Errors
    ///
    /// What the server said, what became of the connection, or that nothing came.
    pub(crate) async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        self.awaited.fetch_add(1, Relaxed);
        let answer = in_time(self.answers_within, call).await;
        self.awaited.fetch_sub(1, Relaxed);
        answer.inspect_err(|failure| self.failed(failure))
    }

    /// The rows of a statement that is kept prepared.
    ///
    /// # Errors
    ///
    /// As [`Lent::within`].
    // Boxed and not inlined: see `requests`.
    #[inline(never)]
    pub(crate) fn kept_rows<'a>(
        &'a self,
        sql: &'a str,
        arguments: &'a [&'a (dyn ToSql + Sync)],
    ) -> BoxFuture<'a, Result<Vec<Row>, Failure>> {
        let rows = async move {
            let statement = requests::kept(self, sql).await?;
            requests::rows_of_prepared(self, &statement, arguments).await
        };
        Box::pin(self.within(rows))
    }

    /// How long the server may be silent.
    pub(crate) fn answers_within(&self) -> Duration {
        self.answers_within
    }

    /// From here on it is busy, until what is returned says otherwise: for transactions, of which nobody else may get the
    /// connection when they are dropped in the middle.
    pub(crate) fn busy(&self) -> Busy {
        self.awaited.fetch_add(1, Relaxed);
        Busy(Arc::clone(&self.awaited))
    }

    /// Whatever it was, it does not go back to the pool.
    pub(crate) fn spoil(&self) {
        self.is_spoilt.store(true, Relaxed);
    }

    /// This came of a call on it: what [`Lent::within`] sees by itself, and a transaction does not tell.
    pub(crate) fn failed(&self, failure: &Failure) {
        match failure {
            Failure::Said(error) => self.look_at(error),
            Failure::Silent { .. } => self.spoil(),
        }
    }

    fn look_at(&self, error: &tokio_postgres::Error) {
        let ends_the_session = match error.as_db_error() {
            None => true,
            Some(said) => matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic)),
        };
        // It was demoted, or never was the one that takes changes. Of several hosts, another may be by now, and a new
        // connection looks for it; all that idle lead to the same one.
        let takes_no_changes = error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
        let pool = self.connection.as_ref().and_then(Object::pool);
        if let (true, Some(moved), Some(pool)) = (takes_no_changes, &self.moved, pool) {
            pool.retain(|_, _| false);
            moved.notify_waiters();
        }
        if ends_the_session || takes_no_changes {
            self.is_spoilt.store(true, Relaxed);
        }
    }
}

/// A connection at work.
#[must_use]
pub(crate) struct Busy(Arc<AtomicUsize>);

impl Busy {
    /// It has answered all that it was asked.
    pub(crate) fn end(self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// What a call on a connection gives, if that comes in time.
///
/// # Errors
///
/// What the server said, what became of the connection, or that nothing came.
pub(crate) async fn in_time<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Failure> {
    match timeout(limit, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::Silent { waited: limit }),
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let (is_spoilt, is_busy) = (*self.is_spoilt.get_mut(), self.awaited.load(Relaxed) > 0);
        if is_spoilt {
            drop(Object::take(connection));
        } else if is_busy {
            give_back_when_idle(connection, self.answers_within);
        }
    }
}

/// Whoever called has left, and the server is still at work for him: the next caller would wait for that too, and if the
/// server says nothing more, for nothing.
fn give_back_when_idle(connection: Object, answers_within: Duration) {
    let Ok(runtime) = Handle::try_current() else { return drop(Object::take(connection)) };
    runtime.spawn(async move {
        // Answered when all before it is.
        let idle = timeout(answers_within, connection.simple_query("")).await;
        if !matches!(idle, Ok(Ok(_))) {
            drop(Object::take(connection));
        }
    });
}

const IS_THERE: &str = "a connection is taken out only when it is dropped";

impl Deref for Lent {
    type Target = Object;

    #[expect(clippy::expect_used, reason = "a connection is taken out only when it is dropped")]
    fn deref(&self) -> &Object {
        self.connection.as_ref().expect(IS_THERE)
    }
}

impl DerefMut for Lent {
    #[expect(clippy::expect_used, reason = "a connection is taken out only when it is dropped")]
    fn deref_mut(&mut self) -> &mut Object {
        self.connection.as_mut().expect(IS_THERE)
    }
}
