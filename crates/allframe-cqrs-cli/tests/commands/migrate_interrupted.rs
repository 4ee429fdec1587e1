//! Migrations that somebody, or a server, ends in the middle, and imports into a server.

use std::process::Stdio;

use postgres_cluster::Cluster;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

use crate::support::{FEW, Place, Running, many, until};

/// A migration whose standard error is a pipe.
fn migrating(place: &Place, from: &str, to: &str, arguments: &str) -> Running {
    let mut command = place.command(&format!("migrate --from {from} --to {to} {arguments}"));
    command.stderr(Stdio::piped());
    Running::start(command)
}

/// The turn to append to the store on a server: who has it holds everybody else up, until it is dropped.
struct Turn {
    _session: (Runtime, Client),
}

impl Turn {
    fn take(cluster: &Cluster) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&cluster.url(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute("BEGIN; SELECT eventstore.take_turn()").await.unwrap();
            client
        });
        Self { _session: (runtime, client) }
    }
}

/// A migration into an empty store on the server that cannot go on before the turn is given back.
fn held_up(place: &Place, cluster: &Cluster, arguments: &str) -> (Turn, Running) {
    let to = cluster.url();
    held_up_at(place, cluster, &format!("migrate --from wal:data --to {to} {arguments}"))
}

/// The same of any command that appends there.
fn held_up_at(place: &Place, cluster: &Cluster, command: &str) -> (Turn, Running) {
    let waiting =
        || cluster.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
    // What an earlier one has left there is gone.
    until(|| waiting().unwrap() == "0");
    cluster.psql("DROP SCHEMA IF EXISTS eventstore CASCADE").unwrap();
    let to = cluster.url();
    place.succeed(&format!("--store {to} import /dev/null"));
    let turn = Turn::take(cluster);
    let mut command = place.command(command);
    command.stderr(Stdio::piped());
    let running = Running::start(command);
    until(|| waiting().unwrap() == "1");
    (turn, running)
}

fn events(cluster: &Cluster) -> String {
    cluster.psql("SELECT count(*) FROM eventstore.event_log").unwrap_or_default()
}

const IS_INTERRUPTED: &str = "note: interrupted, and comes to its end";

#[test]
fn a_migration_that_follows_nobody_ends_with_a_signal_and_says_how_it_goes_on() {
    let (place, cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(FEW);
    for (name, code) in [("-TERM", 143), ("-INT", 130)] {
        let (_turn, mut migrating) = held_up(&place, &cluster, "");
        let notes = migrating.notes();
        migrating.signal(name);
        let said: Vec<_> = notes.collect();
        assert_eq!(migrating.end().code(), Some(code), "{name}: {said:?}");
        assert_eq!(said[0], "error: the migration was interrupted", "{name}");
        assert!(said[1].starts_with("hint: run the same line again"), "{name}: {said:?}");
    }
}

#[test]
fn an_import_that_is_interrupted_stores_the_lines_that_it_has_begun_with() {
    let (place, cluster) = (Place::new(), Cluster::start().unwrap());
    place.write("few.jsonl", FEW);
    let import = format!("--store {} import few.jsonl", cluster.url());
    let (turn, mut importing) = held_up_at(&place, &cluster, &import);
    let mut notes = importing.notes();
    importing.signal("-INT");
    assert!(notes.any(|note| note.starts_with(IS_INTERRUPTED)), "it is not told");
    drop(turn);
    let said: Vec<_> = notes.collect();
    assert_eq!(importing.end().code(), Some(130), "{said:?}");
    assert_eq!(said[0], "imported 4, already there 0, before it was interrupted");
    assert_eq!(events(&cluster), "4");
}

#[test]
fn a_second_signal_ends_an_import_at_once() {
    let (place, cluster) = (Place::new(), Cluster::start().unwrap());
    place.write("few.jsonl", FEW);
    let import = format!("--store {} import few.jsonl", cluster.url());
    let (_turn, mut importing) = held_up_at(&place, &cluster, &import);
    let mut notes = importing.notes();
    importing.signal("-INT");
    assert!(notes.any(|note| note.starts_with(IS_INTERRUPTED)), "it is not told");
    importing.signal("-TERM");
    assert_eq!(importing.end().code(), Some(143));
    assert_eq!(events(&cluster), "0");
}

#[test]
fn the_end_may_be_called_while_what_is_there_is_copied() {
    let (place, cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(FEW);
    for name in ["-TERM", "-INT"] {
        let (turn, mut following) = held_up(&place, &cluster, "--follow");
        let mut notes = following.notes();
        following.signal(name);
        assert!(notes.any(|note| note.starts_with(IS_INTERRUPTED)), "{name}: it is not told");
        drop(turn);
        let ended = following.end();
        assert_eq!(ended.code(), Some(0), "{name}: it copies what is left, compares, and ends");
        assert_eq!(events(&cluster), "4", "{name}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_the_next_run_goes_on() {
    let (place, cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(FEW);
    for (first, second, code) in [("-INT", "-INT", 130), ("-INT", "-TERM", 143), ("-TERM", "-INT", 130)] {
        let (_turn, mut following) = held_up(&place, &cluster, "--follow");
        let mut notes = following.notes();
        following.signal(first);
        assert!(notes.any(|note| note.starts_with(IS_INTERRUPTED)), "{first}: it is not told");
        following.signal(second);
        assert_eq!(following.end().code(), Some(code), "{first} {second}");
    }
    place.succeed(&format!("migrate --from wal:data --to {}", cluster.url()));
    assert_eq!(events(&cluster), "4");
}

#[test]
fn a_server_that_went_away_is_named_as_the_store_that_failed() {
    let (place, mut cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(FEW);
    let (_turn, mut migrating) = held_up(&place, &cluster, "");
    let notes = migrating.notes();
    cluster.kill().unwrap();
    let said: Vec<_> = notes.collect();
    assert_eq!(migrating.end().code(), Some(1), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("error: the store to migrate to failed: ")), "{said:?}");
}

/// Of an empty store two indexes are left out while it is filled. Without them it is refused to whoever only looks.
#[test]
fn a_migration_that_was_killed_leaves_a_store_that_the_next_run_completes() {
    let (place, cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(&many(120_000, 37));
    let to = cluster.url();
    place.succeed(&format!("--store {to} import /dev/null"));
    let stored = || events(&cluster).parse::<u64>().unwrap();
    let mut migrating = migrating(&place, "wal:data", &to, "");
    until(|| stored() > 0);
    let turn = Turn::take(&cluster);
    migrating.signal("-KILL");
    migrating.end();
    assert!(stored() < 120_000, "it was not killed on the way");
    drop(turn);

    let refused = place.run(&format!("--store {to} stats"));
    assert_eq!(refused.code, Some(2), "{refused}");
    for said in ["two of its indexes are left out", "if it was cut off, run it again"] {
        assert!(refused.stderr.contains(said), "{refused}");
    }
    let done = place.succeed(&format!("migrate --from wal:data --to {to}"));
    assert!(done.contains("both stores hold 120000 events"), "{done}");
    let has = "SELECT count(*) FROM pg_indexes WHERE indexname IN ('event_log_version', 'event_log_type')";
    assert_eq!(cluster.psql(has).unwrap(), "2");
    place.succeed(&format!("--store {to} stats"));
}

/// The indexes are made at the end, for which the server has no room here.
#[test]
fn a_migration_that_only_cannot_close_the_new_store_says_that_everything_is_there() {
    let (place, cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(&many(120_000, 37));
    let to = cluster.url();
    let cramped = format!("{to}?options=-c%20temp_file_limit%3D100%20-c%20maintenance_work_mem%3D1MB");
    let refused = place.run(&format!("migrate --from wal:data --to {cramped}"));
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("note: everything was copied and compared"), "{refused}");
    assert_eq!(events(&cluster), "120000");
    let done = place.succeed(&format!("migrate --from wal:data --to {to}"));
    assert!(done.contains("copied 0 events") && done.contains("both stores hold 120000 events"), "{done}");
}

/// For as long as it follows: whoever waits for it to catch up wants to use the store then.
#[test]
fn a_migration_that_follows_leaves_no_index_out() {
    let (place, cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(&many(3_000, 37));
    let mut following = migrating(&place, "wal:data", &cluster.url(), "--follow");
    assert_eq!(following.notes().next().as_deref(), Some("note: caught up at position 3000, and following"));
    place.succeed(&format!("--store {} stats", cluster.url()));
    following.signal("-INT");
    assert_eq!(following.end().code(), Some(0));
}

#[test]
fn whoever_follows_stays_while_the_server_of_the_new_store_is_away() {
    let (place, mut cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(FEW);
    let mut following = migrating(&place, "wal:data", &cluster.url(), "--follow");
    let mut notes = following.notes();
    assert_eq!(notes.next().as_deref(), Some("note: caught up at position 4, and following"));
    cluster.kill().unwrap();
    place.succeed("append account-1 Deposited --data 1");
    let mut said = vec![notes.next().unwrap()];
    assert!(said[0].starts_with("note: the store to migrate to failed: "), "{said:?}");
    cluster.restart().unwrap();
    until(|| events(&cluster) == "5");
    let (code, lines) = following.interrupt();
    assert_eq!(code, Some(0), "{lines:?}");
    // Before and after.
    assert_eq!(lines[0], "copied 5 events and 0 snapshots, to position 5");
    said.extend(notes);
    assert!(said.windows(2).all(|two| two[0] != two[1]), "nothing is told twice: {said:?}");
    assert!(said.iter().any(|note| note == "note: following again, from position 5 on"), "{said:?}");
}

#[test]
fn whoever_follows_can_be_ended_while_the_server_of_the_old_store_is_away() {
    let (place, mut cluster) = (Place::new(), Cluster::start().unwrap());
    place.import(FEW);
    let from = cluster.url();
    place.succeed(&format!("migrate --from wal:data --to {from}"));
    let mut following = migrating(&place, &from, "wal:new", "--follow");
    let mut notes = following.notes();
    assert_eq!(notes.next().as_deref(), Some("note: caught up at position 4, and following"));
    cluster.kill().unwrap();
    following.signal("-INT");
    // Some of the attempts may be before that, and some notes are of other things.
    assert!(notes.any(|note| note.ends_with("trying again")), "it did not try again");
    let said: Vec<_> = notes.collect();
    assert_eq!(following.end().code(), Some(1), "{said:?}");
    assert!(
        said.iter().any(|line| line.starts_with("error: the store to migrate from failed: ")),
        "{said:?}"
    );
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
