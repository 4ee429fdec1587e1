//! The connections of a store, and what is looked at before the first one is used.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Status, TimeoutType,
};
use eventstore_api::{Result, StoreError};
use futures_util::future::BoxFuture;
use tokio::{sync::Notify, time::timeout};

use crate::{
    PostgresConfig, PostgresError,
    error::{no_connection, of_read},
    lent::Lent,
    requests,
    settings::Settings,
};

/// The oldest version of the server that has all that is used here.
const LEAST_VERSION: u32 = 13;

/// The connections of a store.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    pool: Pool,
    /// With a pool of our own: told when a server takes no changes any more.
    moved: Option<Arc<Notify>>,
    acquire_timeout: Duration,
    connects_within: Duration,
    answers_within: Duration,
}

impl Connections {
    pub(crate) fn to(settings: &Settings, config: &PostgresConfig) -> Result<Self> {
        // A broken connection says so by itself; a query before each use would be a round trip more for each call.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(settings.config.clone(), settings.clone(), recycling);
        let pool = Pool::builder(manager)
            .max_size(config.pool_size.max(2))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(config.acquire_timeout))
            .create_timeout(Some(settings.connect_timeout))
            .recycle_timeout(Some(config.connect_timeout))
            .build()
            .map_err(StoreError::storage)?;
        let connects_within = settings.connect_timeout;
        Ok(Self { moved: Some(Arc::default()), connects_within, ..Self::of(pool, config) })
    }

    pub(crate) fn of(pool: Pool, config: &PostgresConfig) -> Self {
        let (acquire_timeout, answers_within) = (config.acquire_timeout, config.answer_timeout);
        Self { pool, moved: None, acquire_timeout, connects_within: acquire_timeout, answers_within }
    }

    /// A connection that nobody else uses meanwhile.
    ///
    /// # Errors
    ///
    /// Why there is none. Nothing was asked of the server then.
    #[inline(never)]
    pub(crate) fn get(&self) -> BoxFuture<'_, Result<Lent>> {
        Box::pin(async move {
            let connection = async {
                let connection = from_pool(self.pool.clone());
                match self.pool.status().available {
                    // A connection that is being made when its caller gives up would be thrown away, and the next made
                    // instead.
                    0 => tokio::spawn(connection).await.map_err(StoreError::unavailable),
                    _ => Ok(connection.await),
                }
            };
            // A pool that was given may wait for ever, and one of ours may take longer to try each of several hosts.
            match timeout(self.acquire_timeout, connection).await {
                Ok(Ok(Ok(connection))) => Ok(Lent::new(connection, self.answers_within, self.moved.clone())),
                Ok(Ok(Err(PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle)))) => {
                    Err(PostgresError::ConnectTimeout { waited: self.connects_within }.unavailable())
                }
                Ok(Ok(Err(PoolError::Timeout(TimeoutType::Wait)))) | Err(_) => {
                    Err(self.why_none_came().unavailable())
                }
                Ok(Ok(Err(error))) => Err(no_connection(error)),
                Ok(Err(error)) => Err(error),
            }
        })
    }

    fn why_none_came(&self) -> PostgresError {
        let (status, waited) = (self.pool.status(), self.acquire_timeout);
        match status.size < status.max_size {
            // There is room for one more, which was being made all the time.
            true => PostgresError::ConnectTimeout { waited },
            false => PostgresError::PoolExhausted { waited, size: status.max_size },
        }
    }

    pub(crate) fn pool_status(&self) -> Status {
        self.pool.status()
    }

    /// How long to wait for a connection.
    pub(crate) fn acquire_timeout(&self) -> Duration {
        self.acquire_timeout
    }

    /// How long an answer may take.
    pub(crate) fn answers_within(&self) -> Duration {
        self.answers_within
    }

    /// Told when the server that appends went to takes no changes any more: another may by now.
    pub(crate) fn moved(&self) -> Arc<Notify> {
        self.moved.clone().unwrap_or_default()
    }

    /// A pool that was given is the application's to close.
    pub(crate) fn close(&self) {
        if self.moved.is_some() {
            self.pool.close();
        }
    }
}

/// Boxed, so that the task that makes a connection and the caller who finds one share its code.
#[inline(never)]
fn from_pool(pool: Pool) -> BoxFuture<'static, Result<Object, PoolError>> {
    Box::pin(async move { pool.get().await })
}

/// That the server is one on which a store can be.
pub(crate) async fn check_server(connection: &Lent) -> Result<()> {
    const WHAT: &str = "SELECT current_setting('server_version_num'), current_setting('server_version'), \
        pg_encoding_to_char(d.encoding), current_setting('fsync'), current_setting('synchronous_commit'), \
        current_setting('default_transaction_isolation') \
        FROM pg_database d WHERE d.datname = current_database()";
    let row = connection.within(requests::row_once(connection, WHAT, &[])).await.map_err(of_read)?;
    let text = |column| row.try_get::<_, &str>(column).map_err(of_read);
    takes_a_store(text(0)?, text(1)?, text(2)?)?;
    if text(5)? != "read committed" {
        return Err(PostgresError::Isolation { level: text(5)?.to_owned() }.into());
    }
    if text(3)? == "off" || text(4)? == "off" {
        tracing::warn!(
            "the server does not wait for its disk (`fsync` or `synchronous_commit` is off): what is acknowledged may be \
             lost with it"
        );
    }
    Ok(())
}

/// Whether a server of this version can hold a store in a database of this encoding.
fn takes_a_store(number: &str, version: &str, encoding: &str) -> Result<(), PostgresError> {
    // Six digits since version 10, the first two of which are the version; before, five.
    if number.parse::<u32>().unwrap_or(0) / 10_000 < LEAST_VERSION {
        return Err(PostgresError::ServerTooOld { found: version.to_owned(), least: LEAST_VERSION });
    }
    match encoding {
        "UTF8" => Ok(()),
        other => Err(PostgresError::Encoding { encoding: other.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No server that old is at hand; this is what such servers say of themselves.
    #[test]
    fn a_server_that_is_too_old_is_refused_and_newer_ones_are_let_in() {
        for (number, version) in [("120018", "12.18 (Debian 12.18-1)"), ("90624", "9.6.24"), ("", "?")] {
            let refused = takes_a_store(number, version, "UTF8");
            assert!(
                matches!(&refused, Err(PostgresError::ServerTooOld { found, least: 13 }) if found == version),
                "{refused:?}"
            );
        }
        for (number, version) in [("130000", "13.0"), ("150014", "15.14"), ("180000", "18beta1")] {
            assert!(takes_a_store(number, version, "UTF8").is_ok(), "{version}");
        }
    }
}
