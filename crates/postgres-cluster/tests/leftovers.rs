//! Nothing is left of a cluster that is gone. What is looked at is where Linux shows it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod support;

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use postgres_cluster::Cluster;
use support::{eventually, has_shared_memory, processes_in, psql, shared_memory_of};

#[test]
fn a_dropped_cluster_leaves_no_process_no_directory_and_no_shared_memory() {
    let cluster = Cluster::start().unwrap();
    let directory = cluster.directory().to_owned();
    let memory = shared_memory_of(&directory);
    assert!(processes_in(&directory).len() > 3 && has_shared_memory(&memory));

    drop(cluster);
    assert!(!directory.exists());
    assert_eq!(processes_in(&directory), [""; 0]);
    assert!(!has_shared_memory(&memory));
}

#[test]
fn a_killed_cluster_that_is_not_restarted_leaves_nothing_either() {
    let mut cluster = Cluster::start().unwrap();
    let directory = cluster.directory().to_owned();
    let memory = shared_memory_of(&directory);
    cluster.kill().unwrap();
    drop(cluster);
    assert!(!directory.exists());
    assert!(!has_shared_memory(&memory));
}

/// Such a one does not look whether its server still lives before it wants to answer.
#[test]
fn a_backend_in_the_middle_of_its_work_is_killed_too() {
    let mut cluster = Cluster::start().unwrap();
    let forever = "DO 'BEGIN LOOP END LOOP; END'";
    let mut client = psql(&cluster.url(), forever).stderr(Stdio::null()).spawn().unwrap();
    let working = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'";
    eventually("the backend works", || cluster.psql(working).unwrap() == "1");

    cluster.kill().unwrap();
    assert_eq!(processes_in(cluster.directory()), [""; 0]);
    assert!(!client.wait().unwrap().success());
    cluster.restart().unwrap();
    assert_eq!(cluster.psql(working).unwrap(), "0");
}

#[test]
fn a_cluster_that_did_not_start_leaves_nothing() {
    if env::var_os(ALONE).is_some() {
        assert!(Cluster::start().unwrap().directory().starts_with(env::temp_dir()));
        assert!(Cluster::builder().setting("no_such_setting", "on").start().is_err());
        return;
    }
    // A temporary directory of its own, that every user can enter.
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut test = this_test("a_cluster_that_did_not_start_leaves_nothing");
    assert!(test.env("TMPDIR", place.path()).status().unwrap().success());
    assert_eq!(place.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_cluster_whose_owner_is_killed_is_cleared_away() {
    const NAME: &str = "a_cluster_whose_owner_is_killed_is_cleared_away";
    if env::var_os(ALONE).is_some() {
        let cluster = Cluster::start().unwrap();
        println!("\ndirectory: {}", cluster.directory().display());
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let mut owner = this_test(NAME).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find_map(|it| it.strip_prefix("directory: ").map(PathBuf::from));
    let directory = line.unwrap();
    assert!(!processes_in(&directory).is_empty());

    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("no directory", || !directory.exists());
    eventually("no process", || processes_in(&directory).is_empty());
}

/// Says to a test that it runs in a process of its own.
const ALONE: &str = "POSTGRES_CLUSTER_TEST_ALONE";

/// This program again, with one test.
fn this_test(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(ALONE, "1");
    command
}
