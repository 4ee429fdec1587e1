//! A disk that is full, for real: the tables are on one of a few megabytes.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use eventstore_api::{EventStoreBackend, StoreError};
use eventstore_postgres::PostgresBackend;
use postgres_cluster::{Cluster, ClusterError, Programs};
use small_disk::{SmallDisk, leave_out};
use tokio_postgres::error::SqlState;

use crate::{
    config,
    support::{
        events::stream,
        outcome::{append, cause, event, eventually, in_time},
    },
};

const MEGABYTES: u32 = 24;

/// Starts the server where a directory `small`, beside its data, is a disk of its own that the rest of the machine does not
/// see, and that goes with the server. The first name space may mount, in the second the server is nobody special: it
/// refuses to run as root.
fn wrapper(postgres: &Path) -> String {
    let nobody_special = "unshare -U --map-user=\"$user\" --map-group=\"$group\"";
    let script =
        SmallDisk::of_megabytes(MEGABYTES).script(format_args!("{nobody_special} {}", postgres.display()));
    format!(
        "#!/bin/sh\n\
        small=$(dirname \"$2\")/small\n\
        mkdir -p \"$small\"\n\
        user=$(id -u) group=$(id -g)\n\
        export small user group\n\
        {script}"
    )
}

/// A server with a small disk; or why there can be none here.
fn with_small_disk() -> Result<(Cluster, tempfile::TempDir), String> {
    let real = Programs::find().unwrap();
    let directory = tempfile::tempdir().unwrap();
    // The user of the server has to reach it.
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    for program in ["initdb", "pg_basebackup", "psql"] {
        symlink(real.directory().join(program), directory.path().join(program)).unwrap();
    }
    let postgres = directory.path().join("postgres");
    fs::write(&postgres, wrapper(&real.directory().join("postgres"))).unwrap();
    fs::set_permissions(&postgres, Permissions::from_mode(0o755)).unwrap();
    let programs = Programs::in_directory(directory.path()).unwrap();
    match Cluster::builder().programs(programs).start() {
        Ok(cluster) => Ok((cluster, directory)),
        Err(ClusterError::Ended { log, .. }) if log.contains("unshare") || log.contains("mount") => Err(log),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_clear_error_loses_nothing_and_is_no_end() {
    let (cluster, _programs) = match with_small_disk() {
        Ok(it) => it,
        Err(why) => return leave_out("what happens on a full disk of the server (`full_disk`)", &why),
    };
    let small = cluster.directory().join("small");
    cluster.psql(&format!("CREATE TABLESPACE small LOCATION '{}'", small.display())).unwrap();
    cluster
        .psql(
            "CREATE TABLE ballast TABLESPACE small AS SELECT repeat('x', 1000) FROM generate_series(1, 4000)",
        )
        .unwrap();
    cluster.psql("ALTER DATABASE postgres SET default_tablespace = small").unwrap();
    let store = PostgresBackend::with_config(&cluster.url(), config()).await.unwrap();

    // The server would make little of it.
    cluster.psql("ALTER TABLE eventstore.event_log ALTER COLUMN payload SET STORAGE EXTERNAL").unwrap();

    let mut acknowledged = Vec::new();
    let (refused, error) = loop {
        let event = event(&"x".repeat(256 << 10));
        match append(&store, "account-1", &event).await {
            Ok(_) => acknowledged.push(event.id),
            Err(error) => break (event, error),
        }
        assert!(acknowledged.len() <= MEGABYTES as usize * 4, "the disk does not get full");
    };
    assert!(!acknowledged.is_empty());
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.outcome_is_known(), "{error:?}");
    assert_eq!(cause(&error).code().map(SqlState::code), Some("53100"), "{error:?}");
    assert_eq!(ids(&store).await, acknowledged);

    cluster.psql("DROP TABLE ballast").unwrap();
    eventually("there is room again", async || append(&store, "account-1", &refused).await.is_ok()).await;
    acknowledged.push(refused.id);
    assert_eq!(ids(&store).await, acknowledged);
}

async fn ids(store: &PostgresBackend) -> Vec<eventstore_api::EventId> {
    in_time(store.get_events(&stream("account-1"))).await.unwrap().iter().map(|event| event.id).collect()
}
