use std::{future::Future, time::Duration};

use deadpool_postgres::{Object, Pool, Transaction};
use tokio::time::timeout;
use tokio_postgres::IsolationLevel;

use super::failure::told_apart;
use crate::{ApplyError, OutsideError};

/// A connection for one transaction. Only where that came to a known end, it goes back to the pool.
///
/// Wherever it stops before, by an error, a panic or since nobody waits any more, the connection is closed, and with it the server
/// rolls back: no statement of it is left to run under somebody else.
pub(super) struct Turn {
    /// Taken out by `end`, or when this is dropped.
    connection: Option<Object>,
    patience: Duration,
}

impl Turn {
    pub(super) async fn of(pool: &Pool, patience: Duration) -> Result<Self, OutsideError> {
        // A pool of the application's may be one that waits for ever.
        let connection = within(patience, pool.get()).await?;
        let connection = connection.map_err(OutsideError::unavailable)?;
        Ok(Self { connection: Some(connection), patience })
    }

    /// A transaction in which the second of two that change one row sees what the first has committed, whatever the server's default.
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_>, OutsideError> {
        let patience = self.patience;
        let Some(connection) = self.connection.as_mut() else {
            return Err(OutsideError::unavailable("the connection was given back"));
        };
        let transaction = connection.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
        asked(patience, transaction.start()).await
    }

    /// Its transaction was committed or rolled back.
    pub(super) fn end(mut self) {
        drop(self.connection.take());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

/// What the server answers, if that comes in time.
pub(super) async fn asked<T, E: Into<ApplyError>>(
    patience: Duration,
    question: impl Future<Output = Result<T, E>>,
) -> Result<T, OutsideError> {
    within(patience, question).await?.map_err(|error| told_apart(error.into()))
}

async fn within<T>(patience: Duration, future: impl Future<Output = T>) -> Result<T, OutsideError> {
    timeout(patience, future)
        .await
        .map_err(|_| OutsideError::unavailable(format!("nothing came within {patience:?}")))
}
