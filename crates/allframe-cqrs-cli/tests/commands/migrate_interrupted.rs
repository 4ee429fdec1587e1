//! Migrations that somebody, or a server, ends in the middle.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use postgres_cluster::Cluster;

use crate::support::{FEW, Place, many};

/// Waits until something is so, and not for ever.
fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not come to it");
        thread::yield_now();
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// A migration that has begun to copy, and has more before it.
fn under_way(place: &Place, arguments: &str) -> Child {
    place.import(&many(400_000, 37));
    let mut command = place.command(&format!("migrate --from wal:data --to wal:new {arguments}"));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until_something_is_copied(place);
    child
}

/// Nobody who reads sees it before the end: it is not durable until then.
fn until_something_is_copied(place: &Place) {
    let first = place.path("new/00000000000000000001.wal");
    until(|| fs::read(&first).is_ok_and(|bytes| bytes.iter().skip(256).any(|byte| *byte != 0)));
}

#[test]
fn a_migration_that_follows_nobody_ends_when_it_is_terminated() {
    let place = Place::new();
    let mut child = under_way(&place, "");
    signal(&child, "-TERM");
    assert_ne!(child.wait().unwrap().code(), Some(0), "it went on to its end");
}

#[test]
fn the_end_may_be_called_while_what_is_there_is_copied() {
    let place = Place::new();
    for name in ["-TERM", "-INT"] {
        let _ = fs::remove_dir_all(place.path("new"));
        let mut child = under_way(&place, "--follow");
        signal(&child, name);
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{name}: it copies what is left, compares, and ends"
        );
    }
}

#[test]
fn whoever_follows_stays_while_the_server_of_the_new_store_is_away() {
    let (place, mut cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(FEW);
    let to = cluster.url();
    let mut command = place.command(&format!("migrate --from wal:data --to {to} --follow"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| cluster.psql("SELECT count(*) FROM eventstore.event_log").is_ok_and(|count| count == "4"));
    cluster.kill().unwrap();
    place.succeed("append account-1 Deposited --data 1");
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // As often as it is tried: for more than a moment.
    for _ in 0..4 {
        let note = notes.next().expect("it goes on trying");
        assert!(note.starts_with("note: "), "{note}");
    }
    cluster.restart().unwrap();
    until(|| cluster.psql("SELECT count(*) FROM eventstore.event_log").is_ok_and(|count| count == "5"));
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn whoever_follows_can_be_ended_while_the_server_of_the_old_store_is_away() {
    let (place, mut cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(FEW);
    let from = cluster.url();
    place.succeed(&format!("migrate --from wal:data --to {from}"));
    let mut command = place.command(&format!("migrate --from {from} --to wal:new --follow"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    until_something_is_copied(&place);
    cluster.kill().unwrap();
    signal(&child, "-INT");
    // Some of the attempts may be before that, and some notes are of other things.
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(notes.any(|note| note.ends_with("trying again")), "it did not try again");
    signal(&child, "-INT");
    signal(&child, "-TERM");
    let said: Vec<_> = notes.collect();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("error: ")), "{said:?}");
}

#[test]
fn a_store_is_not_migrated_to_itself_by_another_name() {
    let place = Place::new();
    place.import(FEW);
    std::os::unix::fs::symlink(place.path("data"), place.path("link")).unwrap();
    for name in ["wal:./data", "wal:data/", "wal:link"] {
        let outcome = place.run(&format!("migrate --from wal:data --to {name}"));
        assert_eq!(outcome.code, Some(2), "{name}: {outcome}");
    }
}
