//! What is restored at the ends of what there can be.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{collections::HashMap, sync::Arc};

use eventstore_api::{
    EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, Placement, RecordedEvent,
    Snapshot, StoreError, StreamId, Timestamp, Version,
};
use eventstore_postgres::{Partitioning, PostgresBackend, PostgresConfig};
use support::{
    Schema,
    events::{all, event, events, stream},
};

fn placed(event: NewEvent, name: &str, version: u64, position: u64, micros: i64) -> RecordedEvent {
    event.record(Placement {
        stream: stream(name),
        version: Version::new(version),
        position: GlobalPosition::new(position),
        recorded_at: Timestamp::from_micros(micros),
    })
}

fn at_times(times: &[i64]) -> Vec<RecordedEvent> {
    (1..).zip(times).map(|(n, micros)| placed(event(1), "a", n, n, *micros)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn times_before_1970_and_far_away_come_back_as_they_were() {
    let schema = Schema::new();
    let store = schema.open().await;
    // The year 1 before our era, and the end of what the server can say.
    let restored = at_times(&[-62_200_000_000_000_000, -1, 0, 0, 1, 9_223_371_331_199_999_999]);
    for part in restored.chunks(2) {
        store.restore(part.to_vec()).await.unwrap();
    }
    assert_eq!(all(&store).await, restored);
    store.append(&stream("b"), ExpectedVersion::Any, events(1)).await.unwrap();
    let last = all(&store).await.pop().unwrap();
    assert_eq!(last.recorded_at, restored[5].recorded_at, "time does not run backwards");
    store.close().await.unwrap();
    let store = schema.open().await;
    store.append(&stream("b"), ExpectedVersion::Any, events(1)).await.unwrap();
    assert_eq!(all(&store).await.pop().unwrap().recorded_at, restored[5].recorded_at);
}

/// What the server cannot say is refused, and never becomes another time.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_the_server_cannot_say_is_refused_as_input() {
    let mut wrong = Vec::new();
    for micros in [i64::MIN, i64::MIN + 1, -300_000_000_000_000_000, i64::MAX - 1, i64::MAX] {
        let schema = Schema::new();
        let store = schema.open().await;
        let restored = at_times(&[micros]);
        match store.restore(restored.clone()).await {
            Ok(()) => {
                let found = all(&store).await[0].recorded_at;
                if found != restored[0].recorded_at {
                    wrong.push(format!("{micros} has become {}", found.as_micros()));
                }
            }
            Err(StoreError::InvalidInput(_)) => assert_eq!(all(&store).await, [], "{micros}"),
            Err(error) => wrong.push(format!("{micros}: {error:?}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_in_several_streams_is_restored_and_twice_in_one_is_refused() {
    let schema = Schema::new();
    let store = schema.open().await;
    let once = event(1);
    let of = |name: &str, version, position| placed(once.clone(), name, version, position, 7);
    let restored = vec![of("a", 1, 1), of("b", 1, 2), of("c", 1, 3)];
    store.restore(restored.clone()).await.unwrap();
    let twice = store.restore(vec![of("d", 1, 4), placed(event(2), "e", 1, 5, 8), of("d", 2, 6)]).await;
    assert!(matches!(twice, Err(StoreError::InvalidInput(_))), "{twice:?}");
    let again = store.restore(vec![of("a", 2, 4)]).await;
    assert!(matches!(again, Err(StoreError::InvalidInput(_))), "{again:?}");
    let found = all(&store).await;
    assert_eq!(found[..3], restored);
}

/// Several who append and several who restore: everything that is there has its place, and was acknowledged or is a beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_and_restores_at_once_leave_one_order_without_holes() {
    let schema = Schema::new();
    let partitioning = Some(Partitioning::by_events(50.try_into().unwrap()));
    let store = schema.open_with(PostgresConfig { partitioning, ..schema.config() }).await;
    let restorers = (0..3).map(|who| {
        let store = store.clone();
        tokio::spawn(async move {
            let (mut version, mut acknowledged) = (0_u64, 0);
            let name = format!("restored-{who}");
            for _ in 0..60 {
                let head = store.head().await.unwrap().get();
                let part: Vec<_> =
                    (1..=9).map(|n| placed(event(1), &name, version + n, head + n, i64::MAX / 2)).collect();
                match store.restore(part).await {
                    Ok(()) => {
                        version += 9;
                        acknowledged += 9;
                    }
                    Err(StoreError::InvalidInput(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            acknowledged
        })
    });
    let appenders = (0..3).map(|who| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..60 {
                let name = format!("appended-{}", (who + n) % 4);
                store.append(&stream(&name), ExpectedVersion::Any, events(2)).await.unwrap();
            }
            120
        })
    });
    let mut acknowledged = 0;
    for task in restorers.chain(appenders).collect::<Vec<_>>() {
        acknowledged += task.await.unwrap();
    }
    let found = all(&store).await;
    assert_eq!(found.len(), acknowledged);
    let (mut versions, mut last): (HashMap<StreamId, u64>, _) = (HashMap::new(), Timestamp::from_micros(0));
    for (position, event) in (1..).zip(&found) {
        let version = versions.entry(event.stream.clone()).or_default();
        *version += 1;
        assert_eq!((event.position.get(), event.version.get()), (position, *version));
        assert!(event.recorded_at >= last, "time does not run backwards");
        last = event.recorded_at;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_more_than_a_batch_is_restored() {
    let schema = Schema::new();
    let store = schema.open().await;
    let large: Arc<[u8]> = vec![7; 8 << 20].into();
    let of = |n: u64| {
        let event = NewEvent::new(EventType::new("Large").unwrap(), large.to_vec());
        placed(event, if n % 3 == 0 { "b" } else { "a" }, if n % 3 == 0 { n / 3 } else { n - n / 3 }, n, 7)
    };
    let restored: Vec<_> = (1..=12).map(of).collect();
    store.restore(restored.clone()).await.unwrap();
    assert!(all(&store).await == restored);

    let schema = Schema::new();
    let store = schema.open().await;
    let many: Vec<_> = (1..=70_000).map(|n| placed(event(1), "a", n, n, 7)).collect();
    store.restore(many.clone()).await.unwrap();
    assert!(all(&store).await == many);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_in_another_process_is_woken_by_what_is_restored() {
    let schema = Schema::new();
    let store = schema.open().await;
    let patient = PostgresConfig { poll_interval: std::time::Duration::from_secs(3_600), ..schema.config() };
    let other: PostgresBackend = schema.open_with(patient).await;
    let waiting = tokio::spawn(async move { other.wait_past(GlobalPosition::START).await });
    // It listens by then, or looks before it does.
    tokio::task::yield_now().await;
    store.restore(at_times(&[1, 2, 3])).await.unwrap();
    let woken = tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await;
    assert_eq!(woken.expect("it is woken").unwrap().unwrap().get(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_are_listed_by_the_bytes_of_their_names_in_pages_of_any_size() {
    let schema = Schema::new();
    let store = schema.open().await;
    let mut names =
        ["Z", "a", "ä", "z", "a-1", "A", "~", "\u{10ffff}", "\u{e000}", "a%", "a_b", "é", "e\u{301}"];
    for name in names {
        let snapshot = Snapshot::new(stream(name), Version::new(1), EventType::new("S").unwrap(), "1");
        store.save_snapshot(snapshot).await.unwrap();
    }
    names.sort_unstable();
    for size in [1, 2, 5, 13, usize::MAX] {
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let page = store.list_snapshots(last.as_ref(), size).await.unwrap();
            last = page.last().cloned();
            let is_last = page.len() < size;
            found.extend(page.iter().map(|name| name.as_str().to_owned()));
            if is_last {
                break;
            }
        }
        assert_eq!(found, names, "in pages of {size}");
    }
}
