//! A server that follows another, and takes its place.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use postgres_cluster::{Cluster, ClusterError};

#[test]
fn a_synchronous_commit_is_on_the_replica_when_it_returns() {
    let primary = Cluster::builder().setting("synchronous_commit", "remote_apply").start().unwrap();
    let replica = primary.replica("follower").unwrap();
    replica.wait_until_streaming().unwrap();
    primary.psql("ALTER SYSTEM SET synchronous_standby_names = 'follower'").unwrap();
    primary.psql("SELECT pg_reload_conf()").unwrap();

    primary.psql("CREATE TABLE event (position bigint)").unwrap();
    for position in 1..=20 {
        primary.psql(&format!("INSERT INTO event VALUES ({position})")).unwrap();
        assert_eq!(replica.psql("SELECT max(position) FROM event").unwrap(), position.to_string());
    }
    assert!(replica.psql("INSERT INTO event VALUES (0)").is_err(), "a replica is for reading");
    let state =
        primary.psql("SELECT sync_state FROM pg_stat_replication WHERE application_name = 'follower'");
    assert_eq!(state.unwrap(), "sync");
}

#[test]
fn a_promoted_replica_takes_the_place_of_a_killed_primary() {
    let builder = Cluster::builder().setting("synchronous_standby_names", "follower").tcp("secret");
    let mut primary = builder.start().unwrap();
    let replica = primary.replica("follower").unwrap();
    replica.wait_until_streaming().unwrap();
    primary.psql("CREATE TABLE event (position bigint); INSERT INTO event VALUES (1)").unwrap();
    primary.kill().unwrap();

    // It does not wait for a standby, as the primary did.
    let promoted = replica.promote().unwrap();
    promoted.psql("INSERT INTO event VALUES (2)").unwrap();
    assert_eq!(promoted.psql("SELECT position FROM event ORDER BY 1").unwrap(), "1\n2");
    assert_ne!(promoted.tcp_url().unwrap(), primary.tcp_url().unwrap());
}

#[test]
fn a_killed_replica_follows_again_when_it_is_restarted() {
    let primary = Cluster::start().unwrap();
    let mut replica = primary.replica("it's_me").unwrap();
    assert_eq!(replica.name(), "it's_me");
    replica.wait_until_streaming().unwrap();
    replica.kill().unwrap();
    primary.psql("CREATE TABLE event (position bigint)").unwrap();
    replica.restart().unwrap();
    replica.wait_until_streaming().unwrap();
}

#[test]
fn a_server_that_does_not_run_has_no_replica() {
    let mut primary = Cluster::start().unwrap();
    primary.stop().unwrap();
    let error = primary.replica("follower").unwrap_err();
    assert!(matches!(error, ClusterError::Failed { program: "pg_basebackup", .. }), "{error}");
}
