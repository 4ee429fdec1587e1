use std::{fmt, time::Duration};

/// Servers that follow the one which takes appends, and serve pages of events in its place.
///
/// Pages come from a replica only where it has replayed all that callers of this store have seen: what they appended, read or were
/// woken for, and what they [said](crate::PostgresBackend::mark_seen) to have seen elsewhere. Otherwise the read waits
/// for it, and then goes to the primary; so do all reads while no replica can be reached, which costs them nothing.
///
/// ```
/// use std::time::Duration;
///
/// use eventstore_postgres::{PostgresConfig, ReplicaConfig};
///
/// let replicas = "postgresql://app@one,two/app?load_balance_hosts=random";
/// let replica = ReplicaConfig::new(replicas).waits(Duration::from_millis(50));
/// let config = PostgresConfig { replica: Some(replica), ..PostgresConfig::default() };
/// assert!(!format!("{config:?}").contains("app@"), "a URL may hold a password");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ReplicaConfig {
    url: String,
    wait: Duration,
}

impl ReplicaConfig {
    /// The replica, or one of several, at this URL, of the same form as that of the primary. With several hosts
    /// `load_balance_hosts=random` spreads connections over them, and `target_session_attrs=read-only` leaves out one that has
    /// become the primary.
    ///
    /// A read waits 100 ms at most for it to catch up.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), wait: Duration::from_millis(100) }
    }

    /// How long a read waits at most until a connection is free and the replica has replayed what it has to show, before
    /// the read goes to the primary. A replica that was waited for in vain is left alone until it has caught up.
    #[must_use]
    pub fn waits(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }
}

impl fmt::Debug for ReplicaConfig {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicaConfig").field("wait", &self.wait).finish_non_exhaustive()
    }
}
