//! A store that another process has open.

use std::fs;

use crate::{
    on_rocksdb,
    support::{FEW, Running, ids, importing, many},
};

#[test]
fn a_store_that_is_written_can_be_looked_at() {
    let place = on_rocksdb();
    let lines = many(500, 7);
    let import = importing(|arguments| place.command(arguments), &lines);
    assert_eq!(ids(&place.succeed("export -")), ids(&lines));
    assert!(place.succeed("stats --json").starts_with(r#"{"total_events":500,"total_streams":7,"#));
    assert_eq!(place.succeed("tail -n 3").lines().count(), 3);
    assert!(place.succeed("verify --json").starts_with(r#"{"sound":true,"events":500,"streams":7,"#));
    assert_eq!(import.finish(), Some(0));
}

#[test]
fn a_store_that_is_being_written_is_not_found_damaged() {
    let place = on_rocksdb();
    place.import(FEW);
    place.write("events.jsonl", many(200_000, 50));
    let mut import = Running::start_unread(place.command("import events.jsonl"));
    let mut looks = 0;
    while import.status().is_none() {
        for command in ["verify", "stats", "tail", "export /dev/null"] {
            let outcome = place.run(command);
            assert_eq!(outcome.code, Some(0), "{command}: {outcome}");
            looks += 1;
        }
    }
    assert!(import.end().success());
    assert!(looks >= 4, "the import was over too soon");
}

#[test]
fn a_store_that_is_written_has_no_second_writer() {
    let place = on_rocksdb();
    let _import = importing(|arguments| place.command(arguments), &many(1, 1));
    insta::assert_snapshot!(place.run("import -"));
}

#[test]
fn events_from_another_process_are_followed() {
    let place = on_rocksdb();
    let lines = many(3_000, 7);
    let (before, behind) = lines.split_at(lines.match_indices('\n').nth(4).unwrap().0 + 1);
    place.import(before);

    let mut tail = Running::start(place.command("tail --follow --json -n 2"));
    let mut shown: Vec<String> = (0..2).map(|_| tail.line().unwrap()).collect();
    place.import(behind);
    while shown.len() < 2_997 {
        shown.push(tail.line().unwrap());
    }
    assert_eq!(ids(&shown.join("\n")), ids(&lines)[3..]);
    tail.kill();
}

#[test]
fn a_reader_that_a_signal_ends_leaves_nothing_behind() {
    let place = on_rocksdb();
    place.import(FEW);
    let tmp = place.path("tmp");
    fs::create_dir(&tmp).unwrap();
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut command = place.command("tail --follow -n 1");
        command.env("TMPDIR", &tmp);
        let mut tail = Running::start(command);
        tail.line().unwrap();
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 1, "{name}");
        tail.signal(name);
        assert_eq!(tail.end().code(), Some(code), "{name}");
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn what_a_killed_reader_leaves_behind_goes_with_the_next_command() {
    let place = on_rocksdb();
    place.import(FEW);
    let tmp = place.path("tmp");
    fs::create_dir(&tmp).unwrap();
    let command = |arguments| {
        let mut command = place.command(arguments);
        command.env("TMPDIR", &tmp);
        command
    };
    let left = || fs::read_dir(&tmp).unwrap().count();
    let mut killed = Running::start(command("tail --follow -n 1"));
    killed.line().unwrap();
    killed.kill();
    assert_eq!(left(), 1);

    let mut reading = Running::start(command("tail --follow -n 1"));
    reading.line().unwrap();
    assert_eq!(left(), 1, "it is still there");
    // What is in use stays, and is read on.
    assert!(command("stats").output().unwrap().status.success());
    assert_eq!(left(), 1);
    reading.signal("-INT");
    assert_eq!(reading.end().code(), Some(130));
    assert_eq!(left(), 0);
}

/// Whoever writes into a pipe waits for its reader, and hears nothing meanwhile.
#[test]
fn a_reader_whose_output_nobody_takes_can_be_ended() {
    let place = on_rocksdb();
    // More than the pipe holds.
    place.import(&many(20_000, 7));
    let mut export = Running::start(place.command("export -"));
    export.line().unwrap();
    export.signal("-TERM");
    assert_eq!(export.end().code(), Some(143));
}
