//! How connections are made: what the URL says, and what is configured.

use std::time::Duration;

use deadpool_postgres::Connect;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    Client, Config, Connection, Error, Socket,
    config::{Host, SslMode, TargetSessionAttrs},
    tls::MakeTlsConnect,
};

use crate::{
    PostgresConfig, PostgresError,
    tls::{self, Connector},
};

/// To compile a plan takes longer than to run any of ours; appends see what others have appended; and nothing that somebody has
/// made in another schema, as a function of a name that is used here, is ever found.
const OPTIONS: &str =
    r"-c jit=off -c default_transaction_isolation=read\ committed -c search_path=pg_catalog,pg_temp";
/// How long a connection over which nothing comes is believed in.
const SILENCE: Duration = Duration::from_secs(30);
/// What the client has where nothing is said.
const USUAL_KEEPALIVE: Duration = Duration::from_secs(2 * 60 * 60);

/// What a connection of a store takes to be made.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) tls: Connector,
    /// For all hosts together, up to the moment at which statements are taken.
    pub(crate) connect_timeout: Duration,
}

/// The two ends of a connection, which lives as long as somebody drives the second.
pub(crate) type Connected = (Client, Connection<Socket, <Connector as MakeTlsConnect<Socket>>::Stream>);

impl Settings {
    /// Connections to the server that takes appends.
    ///
    /// # Errors
    ///
    /// As [`Settings::of`].
    pub(crate) fn of_primary(url: &str, config: &PostgresConfig) -> Result<Self, PostgresError> {
        let mut settings = Self::of(url, config)?;
        let servers = &mut settings.config;
        // Of several, the one that answers first may be a replica, on which the log seems to go back.
        if servers.get_hosts().len() > 1 && servers.get_target_session_attrs() == TargetSessionAttrs::Any {
            servers.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Ok(settings)
    }

    /// # Errors
    ///
    /// [`PostgresError::Url`], and what [`tls::connector`] says of certificates.
    pub(crate) fn of(url: &str, config: &PostgresConfig) -> Result<Self, PostgresError> {
        let mut settings: Config = url.parse().map_err(|source| PostgresError::Url { source })?;
        if settings.get_connect_timeout().is_none() {
            settings.connect_timeout(config.connect_timeout);
        }
        if settings.get_tcp_user_timeout().is_none() {
            settings.tcp_user_timeout(SILENCE);
        }
        if settings.get_keepalives_idle() == USUAL_KEEPALIVE {
            settings.keepalives_idle(SILENCE);
        }
        if settings.get_application_name().is_none() {
            settings.application_name("eventstore");
        }
        // In front: of two that set the same, the last one counts, and
        // that is the URL's.
        let mut options = OPTIONS.to_owned();
        if let Some(longest) = config.statement_timeout {
            options.push_str(&format!(" -c statement_timeout={}", in_millis(longest)));
        }
        if let Some(given) = settings.get_options() {
            options = format!("{options} {given}");
        }
        settings.options(options);
        name_the_hosts(&mut settings);
        let tls = tls::connector(&mut settings, &config.tls)?;
        let connect_timeout = config.connect_timeout.saturating_mul(hosts(&settings));
        Ok(Self { config: settings, tls, connect_timeout })
    }

    /// A connection beside those of the pool.
    ///
    /// # Errors
    ///
    /// Why there is none, also when it took too long.
    pub(crate) async fn connect(&self) -> Result<Connected, PostgresError> {
        // The client's own limit is for the socket alone; a server that hangs takes that, and then says nothing.
        match timeout(self.connect_timeout, self.open_connection()).await {
            Ok(connected) => connected.map_err(|source| PostgresError::Connect { source }),
            Err(_) => Err(PostgresError::ConnectTimeout { waited: self.connect_timeout }),
        }
    }

    /// Boxed, so that the pool and whoever connects beside it share its code.
    #[inline(never)]
    fn open_connection(&self) -> BoxFuture<'_, Result<Connected, Error>> {
        self.config.connect(self.tls.clone()).boxed()
    }
}

/// For the pool, which hands in what it was made with: it is `self.config`.
impl Connect for Settings {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        Box::pin(async move {
            let (client, connection) = self.open_connection().await?;
            let driver = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    // As the pool says it of connections that it makes by itself.
                    tracing::warn!(target: "deadpool.postgres", "Connection error: {error}");
                }
            });
            Ok((client, driver))
        })
    }
}

/// For the server 0 is no limit, which is not what a very short one means.
fn in_millis(longest: Duration) -> u128 {
    // A number of 32 bits, for the server.
    if longest.is_zero() { 0 } else { longest.as_millis().clamp(1, 0x7fff_ffff) }
}

/// With TLS a host has to have a name. Where the URL gives addresses alone, those are the names.
fn name_the_hosts(settings: &mut Config) {
    if settings.get_hosts().is_empty() && settings.get_ssl_mode() != SslMode::Disable {
        let addresses: Vec<String> = settings.get_hostaddrs().iter().map(ToString::to_string).collect();
        for address in addresses {
            settings.host(address);
        }
    }
}

fn hosts(settings: &Config) -> u32 {
    let hosts: &[Host] = settings.get_hosts();
    u32::try_from(hosts.len().max(settings.get_hostaddrs().len()).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

    use super::*;

    fn of(url: &str, config: &PostgresConfig) -> Config {
        Settings::of(url, config).unwrap().config
    }

    #[test]
    fn what_the_url_says_counts_before_what_is_configured() {
        let url = "postgresql://h/db?connect_timeout=7&application_name=mine&keepalives_idle=9\
            &options=-c%20statement_timeout%3D1s";
        let settings = of(url, &PostgresConfig::default());
        assert_eq!(settings.get_connect_timeout(), Some(&Duration::from_secs(7)));
        assert_eq!(settings.get_application_name(), Some("mine"));
        assert_eq!(settings.get_keepalives_idle(), Duration::from_secs(9));
        // Of two settings of one name, the server takes the last.
        assert_eq!(
            settings.get_options(),
            Some(format!("{OPTIONS} -c statement_timeout=30000 -c statement_timeout=1s").as_str())
        );
    }

    #[test]
    fn a_limit_of_less_than_a_millisecond_is_not_no_limit() {
        let limit = |limit| PostgresConfig { statement_timeout: limit, ..PostgresConfig::default() };
        let options = |limit| of("postgresql://h", &limit).get_options().map(str::to_owned);
        let short = options(limit(Some(Duration::from_micros(1))));
        assert_eq!(short, Some(format!("{OPTIONS} -c statement_timeout=1")));
        assert_eq!(
            options(limit(Some(Duration::ZERO))).as_deref(),
            Some(format!("{OPTIONS} -c statement_timeout=0").as_str())
        );
        assert_eq!(options(limit(None)).as_deref(), Some(OPTIONS));
    }

    #[test]
    fn of_several_hosts_the_one_that_takes_appends_is_the_primary() {
        let of = |url: &str| {
            let settings = Settings::of_primary(url, &PostgresConfig::default()).unwrap();
            settings.config.get_target_session_attrs()
        };
        assert_eq!(of("postgresql://a,b/db"), TargetSessionAttrs::ReadWrite);
        assert_eq!(of("postgresql://a,b/db?target_session_attrs=read-only"), TargetSessionAttrs::ReadOnly);
        assert_eq!(of("postgresql://a/db"), TargetSessionAttrs::Any, "one is asked nothing");
    }

    #[test]
    fn each_host_has_its_time_to_answer() {
        let settings = Settings::of("postgresql://a,b,c/db", &PostgresConfig::default()).unwrap();
        assert_eq!(settings.connect_timeout, Duration::from_secs(15));
    }

    #[test]
    fn a_host_that_is_an_address_alone_has_a_name() {
        let settings = of("hostaddr=127.0.0.1 user=u", &PostgresConfig::default());
        assert_eq!(settings.get_hosts(), [Host::Tcp("127.0.0.1".to_owned())]);
    }

    #[test]
    fn a_password_is_not_shown() {
        let settings = Settings::of("postgresql://u:secret@h/db", &PostgresConfig::default()).unwrap();
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
