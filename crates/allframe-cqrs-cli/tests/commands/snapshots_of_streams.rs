use eventstore_api::{Encoding, EventStoreBackend, EventType, Snapshot, StreamId, Version};
use eventstore_wal::WalBackend;
use insta::assert_snapshot;

use crate::support::{FEW, Place};

/// A snapshot of a stream with events, one of a stream without, and one that is no JSON.
fn with_snapshots() -> Place {
    let place = Place::new();
    place.import(FEW);
    let snapshot = |stream: &'static str, version, payload: &'static [u8]| {
        let state = EventType::new("Account").unwrap();
        Snapshot::new(StreamId::new(stream).unwrap(), Version::new(version), state, payload)
            .with_schema_version(3)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = WalBackend::production(place.path("data")).unwrap();
        let json =
            snapshot("account-7", 2, br#"{"balance":1.50,"of":["ann"]}"#).with_encoding(Encoding::JSON);
        store.save_snapshot(json).await.unwrap();
        store.save_snapshot(snapshot("account-8", 1, b"\x00\xff")).await.unwrap();
        store
            .save_snapshot(snapshot("$projection-turnover-v1", 4, b"7").with_encoding(Encoding::JSON))
            .await
            .unwrap();
        store.close().await.unwrap();
    });
    place
}

#[test]
fn they_are_listed() {
    let place = with_snapshots();
    assert_snapshot!(place.run("snapshots"));
    assert_snapshot!(place.run("snapshots --prefix account-8"));
    assert_snapshot!(place.run("snapshots --json"));
    assert_eq!(Place::with("memory:").succeed("snapshots"), "there are no such snapshots\n");
    assert_eq!(Place::with("memory:").succeed("snapshots --json"), "");
}

#[test]
fn one_is_shown_with_its_content() {
    let place = with_snapshots();
    assert_snapshot!(place.run("snapshots account-7"));
    assert_snapshot!(place.run("snapshots account-7 --json"));
    assert_snapshot!(place.run("snapshots account-8"));
    assert_snapshot!(place.run("snapshots account-8 --json"));
    assert_eq!(place.run("snapshots $projection-turnover-v1").code, Some(0));
}

#[test]
fn one_that_is_not_there_is_told() {
    assert_snapshot!(with_snapshots().run("snapshots account-9"));
}

#[test]
fn a_snapshot_for_programs_is_one_line_however_it_was_written() {
    let place = Place::new();
    place.import(FEW);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = WalBackend::production(place.path("data")).unwrap();
        let (stream, state) = (StreamId::new("account-7").unwrap(), EventType::new("Account").unwrap());
        let snapshot =
            Snapshot::new(stream, Version::new(2), state, "{\n  \"a\": 1.50,\n  \"b\": \"x y\"\n}");
        store.save_snapshot(snapshot.with_encoding(Encoding::JSON)).await.unwrap();
        store.close().await.unwrap();
    });
    let shown = place.succeed("snapshots account-7 --json");
    assert!(shown.lines().count() == 1 && shown.contains(r#""data":{"a":1.50,"b":"x y"}"#), "{shown}");
}
