//! What a cluster is like, before it is there.

use crate::cluster::Cluster;
use crate::data_directory;
use crate::error::ClusterError;
use crate::guardian::Guardian;
use crate::home::Home;
use crate::programs::Programs;

/// Settings of a [`Cluster`]. Without any, it is what [`Cluster::start`] gives.
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    settings: Vec<(String, String)>,
    password: Option<String>,
    programs: Option<Programs>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        // The default, `posix`, is a file in /dev/shm, which a killed server leaves behind.
        let settings = vec![("dynamic_shared_memory_type".to_owned(), "mmap".to_owned())];
        Self { settings, password: None, programs: None }
    }

    /// A line of `postgresql.conf`. Of several with one name, the last counts. Replicas have it too.
    ///
    /// A name or a value that PostgreSQL does not know keeps the server from starting, and the error shows what it says.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Also listens on a free port of 127.0.0.1, and asks for this password there (SCRAM-SHA-256). The socket needs none.
    pub fn tcp(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Runs these programs instead of those that [`Programs::find`] finds.
    pub fn programs(mut self, programs: Programs) -> Self {
        self.programs = Some(programs);
        self
    }

    /// Makes the cluster, starts it, and waits until it accepts connections: about a second.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Missing`] where PostgreSQL is not installed, [`ClusterError::Ended`] with the log where it does not
    /// start, and whatever else the system refuses. What was begun is cleared away.
    pub fn start(self) -> Result<Cluster, ClusterError> {
        let programs = self.programs.map_or_else(Programs::find, Ok)?;
        let home = Home::new()?;
        let guardian = Guardian::over(home.path())?;
        data_directory::create(&programs, &home, self.password.as_deref(), &self.settings)?;
        Cluster::launch(programs, home, guardian, self.password)
    }
}
