//! What a crash has left at the end of a store: that it is told of, and not taken for all there is.

use std::{fs, process::Stdio};

use eventstore_api::{AppendBatch, EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};
use eventstore_wal::{Durability, WalBackend, WalConfig};

use crate::support::{FEW, Place, Running};

const EVENTS: usize = 20;

/// A store whose process has ended before anything in it was made durable.
fn crashed() -> Place {
    let place = Place::new();
    let _store = writing(&place);
    copy_what_is_running(&place, |_| true);
    place
}

/// A store in `running`, to which so much is appended, and nothing of that is made durable.
fn writing(place: &Place) -> WalBackend {
    let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
    let store = WalBackend::with_config(place.path("running"), config).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for number in 0..EVENTS {
            let event = NewEvent::new(EventType::new("Noted").unwrap(), number.to_string());
            let stream = StreamId::new("account-7").unwrap();
            let batch = AppendBatch::single(stream, ExpectedVersion::Any, vec![event]);
            store.append_all(batch).await.unwrap();
        }
    });
    store
}

/// Brings files of the store in `running` as they are now into those in `data`, or makes them there.
fn copy_what_is_running(place: &Place, is_brought: impl Fn(&str) -> bool) {
    fs::create_dir_all(place.path("data")).unwrap();
    for entry in fs::read_dir(place.path("running")).unwrap() {
        let entry = entry.unwrap();
        if is_brought(entry.file_name().to_str().unwrap()) {
            fs::copy(entry.path(), place.path("data").join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn what_may_be_less_than_all_is_neither_exported_nor_migrated_before_it_is_recovered() {
    let place = crashed();
    let left_out = "note: 20 events at the end of the store are whole, but left out";
    let stats = place.run("stats --json");
    assert!(stats.code == Some(0) && stats.stderr.starts_with(left_out), "{stats}");
    assert!(place.succeed("verify").starts_with("sound: 20 events"));

    for command in ["export out.jsonl", "export -", "migrate --from wal:data --to wal:new"] {
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(2), "{command}: {outcome}");
        assert!(outcome.stderr.contains("hint: run `recover` on the store first"), "{command}: {outcome}");
        assert_eq!(outcome.stdout, "", "{command}");
    }
    assert!(!place.path("out.jsonl").exists() && !place.path("new").exists());
    // It says what is damaged, and goes through all that is whole.
    assert_eq!(place.succeed("export --salvage -").lines().count(), EVENTS);

    let recovered = place.succeed("recover");
    assert_eq!(recovered, "opened for writing and closed: 20 events of 1 stream, 0 snapshots, head 20\n");
    assert_eq!(place.succeed("export -").lines().count(), EVENTS);
    assert!(place.succeed("migrate --from wal:data --to wal:new").contains("copied 20 events"));
    let stats = place.run("stats");
    assert_eq!((stats.code, stats.stderr.as_str()), (Some(0), ""), "{stats}");
}

#[test]
fn a_store_in_good_order_is_recovered_as_often_as_one_likes_and_none_is_begun() {
    let place = crashed();
    for _ in 0..2 {
        let report: serde_json::Value = serde_json::from_str(&place.succeed("recover --json")).unwrap();
        assert_eq!((report["events"].as_u64(), report["head"].as_u64()), (Some(20), Some(20)), "{report}");
    }
    for store in ["wal:missing", "wal:running/nowhere"] {
        let outcome = place.run(&format!("--store {store} recover"));
        assert_eq!(outcome.code, Some(2), "{outcome}");
        assert!(outcome.stderr.contains("hint: name the directory of a store"), "{outcome}");
    }
    assert!(!place.path("missing").exists());
}

#[test]
fn what_a_crash_leaves_while_a_store_is_followed_is_not_passed_over_in_the_end() {
    let place = Place::new();
    place.write("events.jsonl", FEW);
    place.succeed("--store wal:running import events.jsonl");
    copy_what_is_running(&place, |_| true);
    let mut command = place.command("migrate --from wal:data --to wal:new --follow");
    command.stderr(Stdio::piped());
    let mut following = Running::start(command);
    let mut notes = following.notes();
    assert_eq!(notes.next().as_deref(), Some("note: caught up at position 4, and following"));

    // As if a process had written on there, and had died before it said that anything is durable.
    let _store = writing(&place);
    copy_what_is_running(&place, |name| name.ends_with(".wal"));
    following.signal("-INT");
    let said: Vec<_> = notes.collect();
    assert_eq!(following.end().code(), Some(1), "{said:?}");
    let error = "error: 20 events at the end of wal:data are whole, but left out";
    assert!(said.iter().any(|line| line.starts_with(error)), "{said:?}");
    assert!(
        said.iter().any(|line| line.starts_with("hint: whoever wrote it has ended meanwhile")),
        "{said:?}"
    );

    place.succeed("recover");
    assert!(place.succeed("migrate --from wal:data --to wal:new").contains("copied 20 events"));
}
