//! What is shown of a store.

use std::fs;

use crate::{
    on_rocksdb,
    support::{FEW, Outcome, ids, many, without_sizes},
};

#[test]
fn its_counts() {
    let place = on_rocksdb();
    place.import(FEW);
    let shown = place.succeed("stats");
    let numbers: Vec<(&str, u64)> = shown
        .lines()
        .filter_map(|line| {
            line.rsplit_once(' ').and_then(|(name, number)| Some((name.trim(), number.parse().ok()?)))
        })
        .collect();
    let [
        counts @ ..,
        ("bytes", bytes),
        ("rocksdb.file_bytes", _),
        ("rocksdb.memory_bytes", _),
        compaction,
        head,
    ] = &numbers[..]
    else {
        panic!("{shown}");
    };
    assert_eq!(counts, [("events", 4), ("streams", 2), ("snapshots", 0), ("head", 4)], "{shown}");
    assert!(*bytes > 0, "{shown}");
    let names = [compaction.0, head.0];
    assert_eq!(names, ["rocksdb.pending_compaction_bytes", "rocksdb.durable_head"], "{shown}");

    let told: serde_json::Value = serde_json::from_str(&place.succeed("stats --json")).unwrap();
    assert_eq!((told["total_events"].as_u64(), told["head"].as_u64()), (Some(4), Some(4)), "{told}");
    let specific = &told["specific"];
    assert_eq!(
        (specific["backend"].as_str(), specific["durable_head"].as_u64()),
        (Some("rocksdb"), Some(head.1))
    );
}

#[test]
fn a_stream_event_by_event() {
    let place = on_rocksdb();
    place.import(FEW);
    insta::assert_snapshot!(place.run("inspect account-7"));
    insta::assert_snapshot!(place.run("inspect account-9"));
}

#[test]
fn the_last_events() {
    let place = on_rocksdb();
    place.import(FEW);
    insta::assert_snapshot!(place.run("tail"));
    insta::assert_snapshot!(place.run("tail -n 1 --json"));
}

#[test]
fn any_number_of_last_events() {
    let place = on_rocksdb();
    let lines = many(10_000, 10);
    place.import(&lines);
    let expected = ids(&lines);
    for last in [0, 1, 4_096, 4_097, 10_000, 20_000] {
        let shown = ids(&place.succeed(&format!("tail --json -n {last}")));
        assert_eq!(shown, expected[expected.len().saturating_sub(last)..]);
    }
}

#[test]
fn that_it_is_sound() {
    let place = on_rocksdb();
    place.import(FEW);
    insta::assert_snapshot!(without_sizes(&place.run("verify").to_string()));
    insta::assert_snapshot!(without_sizes(&place.run("verify --json").to_string()));
}

#[test]
fn a_directory_that_is_no_store_is_left_alone() {
    for command in ["stats", "export -", "tail", "inspect s", "verify", "export --salvage -"] {
        let place = on_rocksdb();
        let name = command.trim_end_matches(" -").replace(" --", "_");
        let name = name.split(' ').next().unwrap();
        insta::assert_snapshot!(format!("no_directory_to_{name}"), place.run(command));
        assert!(!place.path("data").exists(), "{command}");

        fs::create_dir(place.path("data")).unwrap();
        place.write("data/letter.txt", "Dear Ann");
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(2), "{command}: {outcome}");
        assert!(outcome.stderr.contains("there is no RocksDB store in data"), "{command}: {outcome}");
        assert!(outcome.stderr.contains("hint: name the directory of a store"), "{command}: {outcome}");
        let names = fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["letter.txt"], "{command}");
    }
}

#[test]
fn what_may_be_named() {
    let place = on_rocksdb();
    insta::assert_snapshot!(place.run("--store rocksdb stats"));
    insta::assert_snapshot!(place.run("--store rocksdb: stats"));
}

#[test]
fn looking_leaves_nothing_behind() {
    let place = on_rocksdb();
    place.import(FEW);
    fs::create_dir(place.path("tmp")).unwrap();
    let before = names(&place.path("data"));
    for command in ["stats", "export -", "tail", "inspect account-7", "verify"] {
        let looked = place.command(command).env("TMPDIR", place.path("tmp")).output().unwrap();
        assert!(looked.status.success(), "{command}");
    }
    assert_eq!(names(&place.path("data")), before);
    assert_eq!(names(&place.path("tmp")), [""; 0]);
}

#[test]
fn where_no_temporary_files_can_be_made_the_store_is_not_said_to_be_missing() {
    let place = on_rocksdb();
    place.import(FEW);
    for command in ["stats", "export --salvage -"] {
        let looked = place.command(command).env("TMPDIR", place.path("missing")).output().unwrap();
        let outcome = Outcome::from(looked);
        assert_eq!(outcome.code, Some(2), "{command}: {outcome}");
        let words = ["cannot make a folder for temporary files in ", "/missing, ", "set TMPDIR"];
        assert!(words.iter().all(|words| outcome.stderr.contains(words)), "{command}: {outcome}");
        assert!(!outcome.stderr.contains("hint: "), "{command}: {outcome}");
    }
}

fn names(directory: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
