//! A server that is started, stopped, killed and started again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod support;

use std::os::unix::fs::PermissionsExt;

use postgres_cluster::{Cluster, ClusterError, Programs};
use support::psql;

#[test]
fn a_cluster_answers_sql_in_utf_8() {
    let cluster = Cluster::start().unwrap();
    assert_eq!(cluster.psql("SELECT 6 * 7, length('ü')").unwrap(), "42|1");
    let setting = |name: &str| cluster.psql(&format!("SHOW {name}")).unwrap();
    assert_eq!(setting("server_encoding"), "UTF8");
    assert_eq!(setting("fsync"), "on");
    assert_eq!(setting("listen_addresses"), "");
}

#[test]
fn an_error_in_sql_is_an_error_with_what_the_server_says() {
    let cluster = Cluster::start().unwrap();
    let error = cluster.psql("SELECT 1; SELECT * FROM nowhere").unwrap_err();
    assert!(matches!(&error, ClusterError::Failed { program: "psql", .. }));
    assert!(error.to_string().contains(r#"relation "nowhere" does not exist"#), "{error}");
}

#[test]
fn settings_reach_the_server_and_the_last_one_of_a_name_counts() {
    let builder = Cluster::builder().setting("max_connections", "17").setting("work_mem", "3MB");
    let cluster = builder.setting("max_connections", "23").start().unwrap();
    assert_eq!(cluster.psql("SHOW max_connections").unwrap(), "23");
    assert_eq!(cluster.psql("SHOW work_mem").unwrap(), "3MB");
}

#[test]
fn a_setting_that_the_server_refuses_is_an_error_that_shows_why() {
    let error = Cluster::builder().setting("no_such_setting", "it's").start().unwrap_err();
    assert!(matches!(error, ClusterError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn several_clusters_run_side_by_side_and_nobody_else_can_enter() {
    let (one, other) = (Cluster::start().unwrap(), Cluster::start().unwrap());
    one.psql("CREATE TABLE mine ()").unwrap();
    assert!(other.psql("TABLE mine").is_err());
    for cluster in [&one, &other] {
        let mode = cluster.directory().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn a_database_that_was_created_has_a_url() {
    let cluster = Cluster::start().unwrap();
    cluster.psql(r#"CREATE DATABASE "a b""#).unwrap();
    let name = psql(&cluster.url_of("a b"), "SELECT current_database()").output().unwrap();
    assert_eq!(String::from_utf8(name.stdout).unwrap(), "a b\n");
}

#[test]
fn over_tcp_the_password_is_asked_for() {
    let cluster = Cluster::builder().tcp("a/secret:@").start().unwrap();
    let url = cluster.tcp_url().unwrap();
    let address = psql(&url, "SELECT inet_server_addr()").output().unwrap();
    assert_eq!(String::from_utf8(address.stdout).unwrap(), "127.0.0.1\n");

    let wrong = psql(&url.replace("secret", "guess"), "SELECT 1").output().unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("password authentication failed"));
    assert!(cluster.psql("SELECT passwd FROM pg_shadow").unwrap().starts_with("SCRAM-SHA-256"));
}

#[test]
fn a_killed_cluster_has_its_rows_when_it_is_restarted() {
    let mut cluster = Cluster::builder().tcp("secret").start().unwrap();
    let urls = (cluster.url(), cluster.tcp_url());
    cluster
        .psql("CREATE TABLE event (position bigint); INSERT INTO event SELECT generate_series(1, 1000)")
        .unwrap();
    for _ in 0..2 {
        cluster.kill().unwrap();
        assert!(cluster.psql("SELECT 1").is_err());
        cluster.restart().unwrap();
        assert_eq!(cluster.psql("SELECT count(*) FROM event").unwrap(), "1000");
    }
    assert_eq!((cluster.url(), cluster.tcp_url()), urls);
    assert!(cluster.log().unwrap().contains("was not properly shut down"));
}

#[test]
fn a_frozen_cluster_answers_nobody_until_it_is_thawed() {
    let mut cluster = Cluster::start().unwrap();
    let frozen = cluster.freeze().unwrap().unwrap();
    let asked = psql(&cluster.url(), "SELECT 1").env("PGCONNECT_TIMEOUT", "2").output().unwrap();
    assert!(String::from_utf8(asked.stderr).unwrap().contains("timeout expired"));
    drop(frozen);
    assert_eq!(cluster.psql("SELECT 1").unwrap(), "1");
    cluster.stop().unwrap();
    assert!(cluster.freeze().unwrap().is_none());
}

#[test]
fn a_stopped_cluster_has_shut_down_in_order() {
    let mut cluster = Cluster::start().unwrap();
    cluster.psql("CREATE TABLE event (position bigint); INSERT INTO event VALUES (1)").unwrap();
    cluster.stop().unwrap();
    assert!(cluster.psql("SELECT 1").is_err());
    // A second time, and killing what does not run, is nothing.
    cluster.stop().unwrap();
    cluster.kill().unwrap();
    cluster.restart().unwrap();
    // While it runs, `restart` stops it first.
    cluster.restart().unwrap();
    assert_eq!(cluster.psql("TABLE event").unwrap(), "1");
    assert!(!cluster.log().unwrap().contains("was not properly shut down"));
}

#[test]
fn a_missing_program_is_an_error_that_names_it_and_how_to_install_it() {
    let empty = tempfile::tempdir().unwrap();
    let error = Programs::in_directory(empty.path()).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, ClusterError::Missing { program: "postgres", .. }), "{message}");
    assert!(
        message.contains(Programs::INSTALL) && message.contains(empty.path().to_str().unwrap()),
        "{message}"
    );
}

#[test]
fn a_program_that_does_not_work_is_an_error_and_no_cluster() {
    let broken = tempfile::tempdir().unwrap();
    for program in ["postgres", "initdb", "pg_basebackup", "psql"] {
        std::fs::write(broken.path().join(program), "no program").unwrap();
    }
    let programs = Programs::in_directory(broken.path()).unwrap();
    let error = Cluster::builder().programs(programs).start().unwrap_err();
    assert!(matches!(error, ClusterError::CouldNotRun { program: "initdb", .. }), "{error}");
}
