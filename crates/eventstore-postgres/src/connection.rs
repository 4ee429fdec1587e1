//! Connections: how they are made, and what is looked at before the first one is used.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use eventstore_api::{Result, StoreError};
use futures_util::{FutureExt, TryFutureExt};
use tokio::time::timeout;
use tokio_postgres::{Config, NoTls};

use crate::{
    PostgresConfig, PostgresError,
    error::{no_connection, of_read},
};

/// The oldest version of the server that has all that is used here.
const LEAST_VERSION: u32 = 13;

/// How long a connection over which nothing comes is believed in.
const SILENCE: Duration = Duration::from_secs(30);

/// The settings of a connection, from a URL and from what is configured.
pub(crate) fn settings(url: &str, config: &PostgresConfig) -> Result<Config, PostgresError> {
    let mut settings: Config = url.parse().map_err(|source| PostgresError::Url { source })?;
    if settings.get_connect_timeout().is_none() {
        settings.connect_timeout(config.connect_timeout);
    }
    if settings.get_tcp_user_timeout().is_none() {
        settings.tcp_user_timeout(SILENCE);
    }
    if settings.get_application_name().is_none() {
        settings.application_name("eventstore");
    }
    settings.keepalives_idle(SILENCE);
    if let Some(longest) = config.statement_timeout {
        let options = settings.get_options().map(|options| format!("{options} ")).unwrap_or_default();
        settings.options(format!("{options}-c statement_timeout={}", longest.as_millis()));
    }
    Ok(settings)
}

/// The connections of a store.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    pool: Pool,
    acquire_timeout: Duration,
}

impl Connections {
    pub(crate) fn to(settings: &Config, config: &PostgresConfig) -> Result<Self> {
        // A broken connection says so by itself; a query before each use would be a round trip more for each call.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(settings.clone(), NoTls, recycling);
        let pool = Pool::builder(manager)
            .max_size(config.pool_size.max(2))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(config.acquire_timeout))
            .create_timeout(Some(config.connect_timeout.saturating_mul(hosts(settings))))
            .recycle_timeout(Some(config.connect_timeout))
            .build()
            .map_err(StoreError::storage)?;
        Ok(Self::of(pool, config.acquire_timeout))
    }

    pub(crate) fn of(pool: Pool, acquire_timeout: Duration) -> Self {
        Self { pool, acquire_timeout }
    }

    /// A connection that nobody else uses meanwhile.
    ///
    /// # Errors
    ///
    /// Why there is none. Nothing was asked of the server then.
    pub(crate) async fn get(&self) -> Result<Object> {
        let size = self.pool.status().max_size;
        let pool = self.pool.clone();
        let connection = match self.pool.status().available {
            // A connection that is being made when its caller gives up would be thrown away, and the next made instead.
            0 => tokio::spawn(async move { pool.get().await }).map_err(StoreError::unavailable).left_future(),
            _ => async move { Ok(pool.get().await) }.right_future(),
        };
        // A pool that was given may wait for ever.
        match timeout(self.acquire_timeout, connection).await {
            Ok(connection) => connection?.map_err(|error| no_connection(error, size, self.acquire_timeout)),
            Err(_) => Err(StoreError::unavailable(PostgresError::PoolExhausted {
                waited: self.acquire_timeout,
                size,
            })),
        }
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }
}

fn hosts(settings: &Config) -> u32 {
    u32::try_from(settings.get_hosts().len().max(1)).unwrap_or(u32::MAX)
}

/// That the server is one on which a store can be.
pub(crate) async fn check_server(connection: &Object) -> Result<()> {
    const WHAT: &str = "SELECT current_setting('server_version_num'), current_setting('server_version'), \
        pg_encoding_to_char(d.encoding), current_setting('fsync'), current_setting('synchronous_commit') \
        FROM pg_database d WHERE d.datname = current_database()";
    let row = connection.query_one(WHAT, &[]).await.map_err(of_read)?;
    let text = |column| row.try_get::<_, &str>(column).map_err(of_read);
    let (number, found, encoding) = (text(0)?, text(1)?, text(2)?);
    let version: u32 = number.parse().unwrap_or(0);
    if version / 10_000 < LEAST_VERSION {
        return Err(PostgresError::ServerTooOld { found: found.to_owned(), least: LEAST_VERSION }.into());
    }
    if encoding != "UTF8" {
        return Err(PostgresError::Encoding { encoding: encoding.to_owned() }.into());
    }
    if text(3)? == "off" || text(4)? == "off" {
        tracing::warn!(
            "the server does not wait for its disk (`fsync` or `synchronous_commit` is off): what is acknowledged may be \
             lost with it"
        );
    }
    Ok(())
}
