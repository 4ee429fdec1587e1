//! What this process is told by its environment.

use std::{env, ffi::OsString, fmt, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};

/// All of it, read once: what is wrong is told at the start, and not when it is needed first.
#[derive(Clone)]
pub(crate) struct Configuration {
    /// `SERVICE_LISTEN`, an address and a port; port 0 takes any that is free.
    pub(crate) listen: SocketAddr,
    /// `SERVICE_STORE`: `memory`, `wal:DIR` or `postgresql://..`. A password may be in it: it is not logged.
    pub(crate) store: String,
    /// `SERVICE_LOG`: what goes to standard error, as `info` or `warn,service=debug`.
    pub(crate) log: String,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where spans go to, as `http://localhost:4318`; without it, nowhere.
    pub(crate) otlp_endpoint: Option<String>,
    /// `SERVICE_READ_SECONDS`: how long the head of a request may take to come, and then its body.
    pub(crate) read: Duration,
    /// `SERVICE_DRAIN_SECONDS`: how long it says that it is not ready before it takes no more requests, so that load balancers
    /// have turned away by then.
    pub(crate) drain: Duration,
    /// `SERVICE_SHUTDOWN_SECONDS`: how long requests that are under way may take after that, and then the store to close.
    pub(crate) shutdown: Duration,
}

impl Configuration {
    pub(crate) fn from_environment() -> Result<Self> {
        Self::read(|name| env::var_os(name))
    }

    /// With what this tells of each variable.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let text = |name: &str| match variable(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text).filter(|it| !it.trim().is_empty())),
            Some(Err(_)) => bail!("{name} is not UTF-8"),
        };
        let or = |name: &str, otherwise: &str| -> Result<String> {
            Ok(text(name)?.unwrap_or_else(|| otherwise.to_owned()))
        };
        let seconds = |name: &str, otherwise: &str| -> Result<Duration> {
            let value = or(name, otherwise)?;
            // No more than what can be added to a moment.
            let seconds: u32 =
                value.parse().with_context(|| format!("{name} is no number of seconds: `{value}`"))?;
            Ok(Duration::from_secs(seconds.into()))
        };
        let listen = or("SERVICE_LISTEN", "127.0.0.1:8080")?;
        let listen = listen.parse().with_context(|| {
            format!("SERVICE_LISTEN is no address and port, as 127.0.0.1:8080: `{listen}`")
        })?;
        let read = seconds("SERVICE_READ_SECONDS", "15")?;
        ensure!(!read.is_zero(), "SERVICE_READ_SECONDS is `0`: no request comes in no time");
        Ok(Self {
            listen,
            store: or("SERVICE_STORE", "memory")?,
            log: or("SERVICE_LOG", "info")?,
            otlp_endpoint: text("OTEL_EXPORTER_OTLP_ENDPOINT")?,
            read,
            drain: seconds("SERVICE_DRAIN_SECONDS", "0")?,
            shutdown: seconds("SERVICE_SHUTDOWN_SECONDS", "20")?,
        })
    }
}

impl fmt::Debug for Configuration {
    /// Without the store and the endpoint: both are URLs, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("listen", &self.listen)
            .field("log", &self.log)
            .field("read", &self.read)
            .field("drain", &self.drain)
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Configuration> {
        Configuration::read(|name| variables.iter().find(|it| it.0 == name).map(|it| it.1.into()))
    }

    #[test]
    fn without_any_it_runs_in_memory_on_this_machine_alone() {
        let configuration = read(&[]).unwrap();
        assert_eq!((configuration.store.as_str(), configuration.listen.ip().is_loopback()), ("memory", true));
        assert_eq!(configuration.otlp_endpoint, None);
    }

    #[test]
    fn what_it_shows_of_itself_holds_no_password() {
        let store = ("SERVICE_STORE", "postgresql://ann:secret@db/app");
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://ann:secret@collector:4318");
        let shown = format!("{:?}", read(&[store, endpoint]).unwrap());
        assert!(shown.contains("127.0.0.1:8080") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_told_by_its_name() {
        for (name, value) in [
            ("SERVICE_LISTEN", "8080"),
            ("SERVICE_DRAIN_SECONDS", "5s"),
            ("SERVICE_SHUTDOWN_SECONDS", "-1"),
            ("SERVICE_SHUTDOWN_SECONDS", "5000000000"),
            ("SERVICE_READ_SECONDS", "0"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }
}
