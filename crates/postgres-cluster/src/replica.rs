//! A server that follows another.

use std::ops::{Deref, DerefMut};

use crate::cluster::Cluster;
use crate::data_directory;
use crate::error::ClusterError;
use crate::guardian::Guardian;
use crate::home::Home;
use crate::patience::{PATIENCE, within};
use crate::programs::Programs;

/// A streaming replica of a [`Cluster`], which it outlives. It is a cluster too, whose rows can be read.
#[derive(Debug)]
pub struct Replica {
    cluster: Cluster,
    name: String,
    primary: String,
}

impl Replica {
    pub(crate) fn of(
        primary: String,
        name: &str,
        programs: &Programs,
        password: Option<String>,
    ) -> Result<Self, ClusterError> {
        let home = Home::new()?;
        let guardian = Guardian::over(home.path())?;
        data_directory::copy(programs, &home, &primary, name)?;
        let cluster = Cluster::launch(programs.clone(), home, guardian, password)?;
        Ok(Self { cluster, name: name.to_owned(), primary })
    }

    /// The name by which the primary knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the primary says that it has caught up and gets every change as it happens. From then on a synchronous
    /// commit finds it.
    ///
    /// # Errors
    ///
    /// [`ClusterError::TooLong`] after half a minute, and [`ClusterError::Failed`], when the primary does not answer.
    pub fn wait_until_streaming(&self) -> Result<(), ClusterError> {
        let name = self.name.replace('\'', "''");
        let states = format!("SELECT state FROM pg_stat_replication WHERE application_name = '{name}'");
        let streaming = within(PATIENCE, || {
            let states = self.programs().psql(self.home(), &self.primary, &states)?;
            Ok(states.lines().any(|it| it == "streaming").then_some(()))
        });
        streaming?.ok_or_else(|| self.too_long("does not stream"))
    }

    /// Makes it a primary, which waits for no standby, whether or not its own primary still runs.
    ///
    /// # Errors
    ///
    /// [`ClusterError::TooLong`] after half a minute, and [`ClusterError::Failed`], when it does not run.
    pub fn promote(self) -> Result<Cluster, ClusterError> {
        let promoted = self.psql(&format!("SELECT pg_promote(wait_seconds => {})", PATIENCE.as_secs()))?;
        if promoted == "t" { Ok(self.cluster) } else { Err(self.too_long("is a replica")) }
    }

    fn too_long(&self, state: &'static str) -> ClusterError {
        ClusterError::TooLong { state, limit: PATIENCE, log: self.home().end_of_log() }
    }
}

impl Deref for Replica {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl DerefMut for Replica {
    fn deref_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }
}
