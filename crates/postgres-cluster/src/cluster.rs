//! A server to throw away.

use std::path::Path;

use crate::address::Address;
use crate::builder::Builder;
use crate::error::ClusterError;
use crate::frozen::Frozen;
use crate::guardian::Guardian;
use crate::home::Home;
use crate::programs::Programs;
use crate::replica::Replica;
use crate::server::{Server, release_memory};

/// The database that every cluster has.
const DATABASE: &str = "postgres";

/// How often another port is tried when somebody has taken the one that was free.
const PORTS: usize = 5;

/// A PostgreSQL server of its own, with the superuser and the database `postgres`. Dropped, it leaves nothing behind.
///
/// Everything here blocks, for milliseconds up to a minute: in asynchronous code, use a blocking task where that matters.
#[derive(Debug)]
pub struct Cluster {
    /// None while it is stopped or killed.
    server: Option<Server>,
    guardian: Guardian,
    home: Home,
    programs: Programs,
    address: Address,
}

impl Cluster {
    /// One with the settings of PostgreSQL, on a socket alone.
    ///
    /// # Errors
    ///
    /// As for [`Builder::start`].
    pub fn start() -> Result<Self, ClusterError> {
        Self::builder().start()
    }

    /// One with other settings.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The URL of its database on the socket: `postgresql://postgres@%2Fdirectory:5432/postgres`. It stays the same.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// The URL of another database, which it does not create.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.address.socket_url(self.home.path(), database)
    }

    /// The URL with address, port and password, where it listens on TCP: see [`Builder::tcp`].
    #[must_use]
    pub fn tcp_url(&self) -> Option<String> {
        self.address.tcp_url(DATABASE)
    }

    /// Its directory: `data`, the socket and `log`. For root and the server's user alone.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// What it has logged, since it was made.
    ///
    /// # Errors
    ///
    /// [`ClusterError::File`], when the log cannot be read.
    pub fn log(&self) -> Result<String, ClusterError> {
        self.home.log()
    }

    /// Runs SQL in its database by `psql`; the rows, one a line, with `|` between columns.
    ///
    /// Several statements are one transaction.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Failed`] with the message of the server, also when it does not run.
    pub fn psql(&self, sql: &str) -> Result<String, ClusterError> {
        self.programs.psql(&self.home, &self.url(), sql)
    }

    /// Kills all of its processes at once (SIGKILL), and returns when they are gone. Nothing happens where none runs.
    ///
    /// # Errors
    ///
    /// [`ClusterError::TooLong`], when one cannot be killed, which hangs in the kernel then.
    pub fn kill(&mut self) -> Result<(), ClusterError> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        let outcome = server.kill(&self.home);
        self.let_go(server);
        outcome
    }

    /// Stops all of its processes where they are (SIGSTOP) until the answer is dropped. `None` where none runs.
    ///
    /// # Errors
    ///
    /// [`ClusterError::TooLong`], when one cannot be stopped, which hangs in the kernel then.
    pub fn freeze(&self) -> Result<Option<Frozen>, ClusterError> {
        self.server.as_ref().map(|server| server.freeze(&self.home)).transpose()
    }

    /// Shuts it down in order (SIGINT, a fast shutdown). Nothing happens where none runs.
    ///
    /// # Errors
    ///
    /// [`ClusterError::TooLong`], when it does not end within half a minute. Then it is ended without order.
    pub fn stop(&mut self) -> Result<(), ClusterError> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        let outcome = server.stop(&self.home);
        self.let_go(server);
        outcome
    }

    /// Starts it again with the same data and the same URLs, after [`stop`](Self::stop) where it runs, and waits until it
    /// has recovered and accepts connections.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Ended`], when it does not start; [`ClusterError::TooLong`], when it does not end or recover in time.
    pub fn restart(&mut self) -> Result<(), ClusterError> {
        self.stop()?;
        self.run()
    }

    /// A streaming replica, whose name `synchronous_standby_names` can ask for: letters, digits and underscores.
    ///
    /// It has the settings of this cluster but that one. It may still catch up when this returns: see
    /// [`Replica::wait_until_streaming`].
    ///
    /// # Errors
    ///
    /// [`ClusterError::Failed`], when the server does not run or has no `max_wal_senders` left, and as for
    /// [`Builder::start`].
    pub fn replica(&self, name: &str) -> Result<Replica, ClusterError> {
        Replica::of(self.url(), name, &self.programs, self.address.password.clone())
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Starts a server on what lies in `home`.
    pub(crate) fn launch(
        programs: Programs,
        home: Home,
        guardian: Guardian,
        password: Option<String>,
    ) -> Result<Self, ClusterError> {
        let address = Address::free(password)?;
        let mut cluster = Self { server: None, guardian, home, programs, address };
        for _ in 1..PORTS {
            match cluster.run() {
                Err(ClusterError::Ended { log, .. }) if log.contains("Address already in use") => {
                    cluster.address = Address::free(cluster.address.password.take())?;
                }
                outcome => return outcome.map(|()| cluster),
            }
        }
        cluster.run().map(|()| cluster)
    }

    fn run(&mut self) -> Result<(), ClusterError> {
        let mut server = Server::spawn(&self.programs, &self.home, &self.address)?;
        self.guardian.watch(Some(server.id()));
        let outcome = server.wait_until_it_accepts_connections(&self.home);
        match outcome {
            Ok(()) => self.server = Some(server),
            Err(_) => self.let_go(server),
        }
        outcome
    }

    /// Ends what is left of a server. Until then the guardian watches it: we may be killed meanwhile.
    fn let_go(&mut self, server: Server) {
        drop(server);
        self.guardian.watch(None);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.let_go(server);
        }
        release_memory(&self.home);
    }
}
