//! A PostgreSQL server for one run of tests: real, its own, and gone afterwards.

use std::fs;
use std::path::Path;

use anyhow::Context;
use postgres_cluster::{Cluster, ClusterError, Programs};

use crate::apt;
use crate::process::Process;

/// How tests are told of it. Where it is set already, that server is used.
pub(crate) const VARIABLE: &str = "DATABASE_URL";

/// What all tests at once take, each store with a few connections.
const CONNECTIONS: &str = "300";

/// The server that tests are given.
pub(crate) enum Database {
    /// Somebody says where one is.
    Given,
    /// It goes with this.
    ThrowAway(Box<Cluster>),
}

impl Database {
    /// The same tests with the server's address.
    pub(crate) fn tell(&self, tests: Process) -> Process {
        match self {
            Self::Given => tests,
            Self::ThrowAway(cluster) => tests.env(VARIABLE, cluster.url()),
        }
    }
}

/// Starts a server, unless one is given, and installs PostgreSQL before where that can be done.
pub(crate) fn prepare() -> anyhow::Result<Database> {
    let installed = install_what_is_missing();
    if is_given() {
        // Tests that kill a server, or fill its disk, start one of their own. They fail without; the others need not wait for that.
        if let Err(error) = installed {
            println!("PostgreSQL could not be installed, which some tests need beside {VARIABLE}: {error:#}");
        }
        println!("the tests use the PostgreSQL server that {VARIABLE} names");
        return Ok(Database::Given);
    }
    installed?;
    // A checkpoint in the middle syncs the thousands of tables that tests have made. Commits were once held up for tens of seconds
    // about when one was due; that it was the cause is likely, and not proven. What is committed is as durable without.
    let cluster = Cluster::builder()
        .setting("max_connections", CONNECTIONS)
        .setting("checkpoint_timeout", "1h")
        .setting("max_wal_size", "16GB")
        .start()
        .with_context(|| format!("the tests need a PostgreSQL server, here or where {VARIABLE} says"))?;
    println!("started a PostgreSQL server in {}, for these tests alone", cluster.directory().display());
    Ok(Database::ThrowAway(Box::new(cluster)))
}

/// Whether somebody says where a server is.
fn is_given() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|url| !url.is_empty())
}

/// Whether tests run all the same where PostgreSQL is not installed: on a server that is given, or because it is installed for them.
pub(crate) fn is_had_otherwise() -> bool {
    is_given() || apt::may_install()
}

/// The version of what tests start, where they find it.
pub(crate) fn version() -> Option<String> {
    Programs::find().ok()?.version().ok()
}

fn install_what_is_missing() -> anyhow::Result<()> {
    match Programs::find() {
        Err(ClusterError::Missing { .. }) if apt::may_install() => install(),
        // Where they cannot be installed, who needs them says what is missing.
        _ => Ok(()),
    }
}

/// Installs the server programs, without a server of the system's own.
fn install() -> anyhow::Result<()> {
    let settings = Path::new("/etc/postgresql-common/createcluster.d");
    fs::create_dir_all(settings)?;
    fs::write(settings.join("no-main-cluster.conf"), "create_main_cluster = false\n")?;
    apt::install("PostgreSQL, without a server of its own", &["postgresql"])
}
