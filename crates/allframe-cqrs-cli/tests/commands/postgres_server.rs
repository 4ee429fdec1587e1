//! What becomes of a command when something happens to the server.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    process::{Command, Stdio},
    thread,
};

use postgres_cluster::Cluster;

use crate::support::{Outcome, Place, Running, ids, many};

fn command(place: &Place, cluster: &Cluster, arguments: &str) -> Command {
    let mut command = place.command(arguments);
    command.env("EVENTSTORE_STORE", cluster.url());
    command
}

fn run(place: &Place, cluster: &Cluster, arguments: &str) -> Outcome {
    command(place, cluster, arguments).output().unwrap().into()
}

#[test]
fn whoever_follows_stays_while_the_server_is_away() {
    let (place, mut cluster) = (Place::new(), Cluster::start().unwrap());
    let lines = many(20_000, 7);
    place.write("events.jsonl", &lines);
    assert_eq!(run(&place, &cluster, "import events.jsonl").code, Some(0));

    let mut tail = command(&place, &cluster, "tail --follow --json -n 20000");
    tail.stderr(Stdio::piped());
    let mut tail = Running::start(tail);
    let mut printed = tail.lines();
    let mut shown = vec![printed.next().unwrap()];
    // It has filled the pipe, and most pages are not read yet.
    cluster.kill().unwrap();
    let rest = thread::spawn(move || printed.take(19_999).collect::<Vec<_>>());
    let said = tail.notes().next().unwrap();
    assert!(said.starts_with("note: trying again: the store cannot answer for now"), "{said}");

    cluster.restart().unwrap();
    shown.extend(rest.join().unwrap());
    tail.kill();
    assert_eq!(ids(&shown.join("\n")), ids(&lines));
}

#[test]
fn a_server_that_is_away_is_told() {
    let (place, mut cluster) = (Place::new(), Cluster::start().unwrap());
    assert_eq!(run(&place, &cluster, "import /dev/null").code, Some(0));
    cluster.kill().unwrap();
    for (arguments, begin) in
        [("stats", "error: cannot open postgresql://"), ("verify", "error: postgresql://")]
    {
        let outcome = run(&place, &cluster, arguments);
        assert_eq!(outcome.code, Some(2), "{outcome}");
        assert!(outcome.stderr.starts_with(begin), "{outcome}");
        assert!(outcome.stderr.contains("cannot connect to the server"), "{outcome}");
        assert!(outcome.stderr.contains("hint: see whether the server runs"), "{outcome}");
    }
}

#[test]
fn a_page_that_the_server_cannot_read_is_found() {
    const PAGE: u64 = 8_192;
    let (place, mut cluster) = (Place::new(), Cluster::start().unwrap());
    place.write("events.jsonl", many(20_000, 5));
    assert_eq!(run(&place, &cluster, "import events.jsonl").code, Some(0));
    let file = cluster.psql("SELECT pg_relation_filepath('eventstore.event_log')").unwrap();
    cluster.stop().unwrap();
    let mut file = File::options().write(true).open(cluster.directory().join("data").join(file)).unwrap();
    file.seek(SeekFrom::Start(100 * PAGE)).unwrap();
    file.write_all(&[0xa5; 512]).unwrap();
    drop(file);
    cluster.restart().unwrap();

    let outcome = run(&place, &cluster, "verify");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert!(outcome.stdout.starts_with("damaged at 1 place: "), "{outcome}");
    assert!(outcome.stdout.contains("damaged: the events after position "), "{outcome}");
    assert!(outcome.stdout.contains("invalid page in block 100 of relation"), "{outcome}");
    assert!(outcome.stdout.contains("note: what lies behind position "), "{outcome}");

    let exported = run(&place, &cluster, "export -");
    assert_eq!(exported.code, Some(1), "{exported}");
    assert!(exported.stdout.lines().count() < 20_000);
}
