//! Law 10: the latest snapshot by version wins; an older one never replaces it; a snapshot of a missing stream is allowed.

use eventstore_api::{
    Encoding, EventStoreBackend, ExpectedVersion, Snapshot, StreamId, Version, limits::MAX_PAYLOAD_BYTES,
};

use crate::{
    TestStore,
    errors::invalid_input,
    events::{event_type, events, stream},
    race::all_at_once,
    sure::Sure,
};

const LAW: &str = "law 10, snapshots";

/// Where none was saved, none is there: for a stream with events as for one without.
pub async fn no_snapshot_reads_as_none(store: TestStore) {
    store.put(&stream("s"), events(3)).await;
    for name in ["s", "never"] {
        assert_eq!(latest(&store, name).await, None, "{LAW}: {name} has no snapshot");
    }
}

/// In whatever order they are saved, the one with the greatest version is kept.
pub async fn the_latest_by_version_wins(store: TestStore) {
    for (saved, kept) in [(5, 5), (3, 5), (4, 5), (9, 9), (8, 9), (1, 9), (10, 10)] {
        save(&store, snapshot("s", saved)).await;
        assert_eq!(
            latest(&store, "s").await,
            Some(snapshot("s", kept)),
            "{LAW}: after saving version {saved}"
        );
    }
}

/// Of two with one version the one saved last is kept.
pub async fn one_of_the_same_version_replaces(store: TestStore) {
    save(&store, snapshot("s", 5)).await;
    let again = Snapshot::new(stream("s"), Version::new(5), event_type("State"), "computed anew");
    save(&store, again.clone()).await;
    assert_eq!(latest(&store, "s").await, Some(again), "{LAW}");
}

/// A stream need not exist for its snapshot, and does not come to exist by it.
pub async fn a_missing_stream_may_have_one(store: TestStore) {
    save(&store, snapshot("missing", 7)).await;
    assert_eq!(latest(&store, "missing").await, Some(snapshot("missing", 7)), "{LAW}");
    assert_eq!(store.stored(&stream("missing")).await, [], "{LAW}: a snapshot is no event");
    assert_eq!(store.counts().await.total_streams, 0, "{LAW}: nor does it make a stream");
    let outcome = store.append(&stream("missing"), ExpectedVersion::NoStream, events(1)).await;
    assert_eq!(outcome.expect("the stream has no events").first_version, Version::new(1), "{LAW}");
    assert_eq!(
        latest(&store, "missing").await,
        Some(snapshot("missing", 7)),
        "{LAW}: events do not touch it"
    );
}

/// A snapshot's version is not held against its stream's, and may be any.
pub async fn any_version_is_allowed(store: TestStore) {
    store.put(&stream("s"), events(2)).await;
    for version in [0, 1, 2, 3, u64::MAX >> 1] {
        save(&store, snapshot("s", version)).await;
        assert_eq!(latest(&store, "s").await, Some(snapshot("s", version)), "{LAW}");
    }
}

/// Each stream has its own, also where one's name begins like the other's.
pub async fn each_stream_has_its_own(store: TestStore) {
    let names = ["s", "s-1", "s-10", "S", "s ", "\u{e9}", "e\u{301}"];
    for (version, name) in (1..).zip(names) {
        save(&store, snapshot(name, version)).await;
    }
    for (version, name) in (1..).zip(names) {
        assert_eq!(
            latest(&store, name).await,
            Some(snapshot(name, version)),
            "{LAW}: the snapshot of {name:?}"
        );
    }
    assert_eq!(store.counts().await.total_snapshots, names.len() as u64, "{LAW}");
}

/// All that a snapshot holds comes back, with any payload up to the limit.
pub async fn every_field_comes_back(store: TestStore) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let payloads = [Vec::new(), every_byte, vec![0xa5; 70_000], vec![1; MAX_PAYLOAD_BYTES]];
    for (version, payload) in (1..).zip(payloads) {
        let saved =
            Snapshot::new(stream("s"), Version::new(version), event_type("Zustand \u{1f600}"), payload)
                .with_schema_version(u32::MAX)
                .with_encoding(Encoding::new(255));
        save(&store, saved.clone()).await;
        let kept = latest(&store, "s").await;
        let length = saved.payload.len();
        assert!(kept == Some(saved), "{LAW}: a snapshot of {length} bytes came back as something else");
    }
}

/// A snapshot beyond the limit is refused, and the one before it stays.
pub async fn one_beyond_the_limit_is_refused(store: TestStore) {
    save(&store, snapshot("s", 1)).await;
    let large = vec![0; MAX_PAYLOAD_BYTES + 1];
    let large = Snapshot::new(stream("s"), Version::new(2), event_type("State"), large);
    invalid_input(LAW, store.save_snapshot(large).await);
    assert_eq!(latest(&store, "s").await, Some(snapshot("s", 1)), "{LAW}");
}

/// Many tasks save at once, the newest first or last or in between: it is kept.
pub async fn of_concurrent_snapshots_the_latest_is_kept(store: TestStore) {
    for round in 0..15 {
        let name = format!("s-{round}");
        all_at_once((1..=8).map(|task| {
            let (backend, name) = (store.backend(), name.clone());
            async move {
                for step in 0..4 {
                    let version = (task * 7 + step * 3 + round) % 40;
                    backend.save_snapshot(snapshot(&name, version)).await.expect("a snapshot can be saved");
                }
                backend.save_snapshot(snapshot(&name, 100 + task)).await.expect("a snapshot can be saved");
            }
        }))
        .await;
        assert_eq!(latest(&store, &name).await, Some(snapshot(&name, 108)), "{LAW}");
    }
}

/// Whoever asks which streams have a snapshot is told each once, in the order of their bytes, in pages of any size.
pub async fn the_streams_that_have_one_are_listed_in_order(store: TestStore) {
    store.put(&stream("has none"), events(2)).await;
    let mut names: Vec<StreamId> =
        ["s-2", "s", "S", "s-10", "\u{e9}", "e\u{301}", "z", "s "].iter().map(|name| stream(name)).collect();
    for name in &names {
        save(&store, snapshot(name.as_str(), 1)).await;
    }
    save(&store, snapshot("s", 2)).await;
    names.sort();
    for limit in [1, 2, 3, 8, 100] {
        let mut listed: Vec<StreamId> = Vec::new();
        loop {
            let page = store.list_snapshots(listed.last(), limit).await.expect("snapshots can be listed");
            assert!(page.len() <= limit, "{LAW}: {} names in a page of {limit}", page.len());
            let is_last = page.len() < limit;
            listed.extend(page);
            if is_last {
                break;
            }
        }
        assert_eq!(listed, names, "{LAW}: in pages of {limit}");
    }
    let behind = store.list_snapshots(Some(&stream("s-1")), 2).await.expect("snapshots can be listed");
    assert_eq!(behind, [stream("s-10"), stream("s-2")], "{LAW}: behind a name that has none");
    invalid_input(LAW, store.list_snapshots(None, 0).await);
}

pub(crate) fn snapshot(name: &str, version: u64) -> Snapshot {
    Snapshot::new(stream(name), Version::new(version), event_type("State"), format!("{name} at {version}"))
}

async fn save(store: &TestStore, snapshot: Snapshot) {
    store.save_snapshot(snapshot).await.expect("a snapshot can be saved");
}

async fn latest(store: &TestStore, name: &str) -> Option<Snapshot> {
    let stream: StreamId = stream(name);
    store.get_latest_snapshot(&stream).await.expect("a snapshot can be read")
}
