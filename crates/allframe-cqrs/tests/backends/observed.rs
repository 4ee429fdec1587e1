//! A backend that tells of its calls: it stays what it is, and every call is told once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod lawful {
    //! Nothing of what backends promise is lost on the way.
    use allframe_cqrs::{InMemoryBackend, ObservedBackend};
    use eventstore_conformance::{Volatile, conformance_tests};

    conformance_tests!(Volatile(|| ObservedBackend::new(InMemoryBackend::new())));
}

use allframe_cqrs::{
    EventStoreBackend, ExpectedVersion, GlobalPosition, InMemoryBackend, ObservedBackend, ReadAll,
    StoreError, StreamId, StreamRange, Version,
    api::{AppendBatch, EventType, NewEvent, Snapshot},
};
use futures_util::FutureExt;

use crate::support::{
    Fate, Watched,
    listener::{Told, listen},
};

fn account() -> StreamId {
    StreamId::new("account-7").unwrap()
}

/// So many events of three bytes each.
fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| NewEvent::new(EventType::new("Opened").unwrap(), "ann")).collect()
}

/// Each call that there is, once.
async fn every_call(store: &impl EventStoreBackend) {
    let account = account();
    store.append(&account, ExpectedVersion::NoStream, events(2)).await.unwrap();
    let more = AppendBatch::single(account.clone(), ExpectedVersion::Exact(Version::new(2)), events(1));
    store.append_all(more).await.unwrap();
    store.read_stream(&account, StreamRange::all().limit(1)).await.unwrap();
    store.get_events(&account).await.unwrap();
    store.get_events_after(&account, Version::new(1)).await.unwrap();
    store.read_all(&ReadAll::forward()).await.unwrap();
    store.get_all_events().await.unwrap();
    store.head().await.unwrap();
    store.wait_past(GlobalPosition::START).await.unwrap();
    let snapshot = Snapshot::new(account.clone(), Version::new(3), EventType::new("Account").unwrap(), "3");
    store.save_snapshot(snapshot).await.unwrap();
    store.get_latest_snapshot(&account).await.unwrap();
    store.stats().await.unwrap();
    store.flush().await.unwrap();
    store.close().await.unwrap();
}

#[test]
fn each_call_has_one_span_with_what_it_was_and_how_much() {
    let told = listen("store", async {
        every_call(&ObservedBackend::new(InMemoryBackend::new())).await;
    });
    fn line(span: &Told) -> String {
        let fields = ["operation", "stream", "outcome", "events", "bytes"].map(|name| span.field(name));
        fields.map(|field| field.unwrap_or("-")).join(" ")
    }
    let lines: Vec<_> = told.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "append account-7 ok 2 6",
            "append account-7 ok 1 3",
            "read_stream account-7 ok 1 3",
            "read_stream account-7 ok 3 9",
            "read_stream account-7 ok 2 6",
            "read_all - ok 3 9",
            "read_all - ok 3 9",
            "head - ok - -",
            "save_snapshot account-7 ok - -",
            "get_latest_snapshot account-7 ok - -",
            "stats - ok - -",
            "flush - ok - -",
            "close - ok - -",
        ]
    );
}

/// The outcome of an append that fails with this error.
fn outcome_of(error: StoreError) -> String {
    let told = listen("store", async move {
        let fails = Watched::with_fates(move |_| Fate::Fails(error.clone()));
        let batch = AppendBatch::single(account(), ExpectedVersion::Any, events(1));
        ObservedBackend::new(fails).append_all(batch).await.unwrap_err();
    });
    assert_eq!(told.len(), 1);
    told[0].field("outcome").unwrap().to_owned()
}

#[test]
fn what_became_of_a_call_is_one_word() {
    let conflict = StoreError::WrongExpectedVersion {
        stream: account(),
        expected: ExpectedVersion::NoStream,
        actual: Version::new(1),
    };
    let corrupted = StoreError::Corrupted { place: "a file".into(), detail: "a wrong checksum".into() };
    for (error, outcome) in [
        (conflict, "conflict"),
        (StoreError::ConditionFailed { at: GlobalPosition::new(7) }, "conflict"),
        (StoreError::InvalidInput(StreamId::new("").unwrap_err()), "invalid"),
        (StoreError::unavailable("no route"), "unavailable"),
        (StoreError::outcome_unknown("the line was cut"), "outcome_unknown"),
        (StoreError::Closed, "closed"),
        (StoreError::ReadOnly, "read_only"),
        (corrupted, "corrupted"),
        (StoreError::storage("no space left"), "failed"),
    ] {
        assert_eq!(outcome_of(error), outcome);
    }
}

#[test]
fn a_call_whose_caller_goes_away_is_told_as_dropped() {
    let told = listen("store", async {
        let store = ObservedBackend::new(Watched::new());
        // It lets others in between, so that one look is not enough.
        assert!(store.read_stream(&account(), StreamRange::all()).now_or_never().is_none());
    });
    assert_eq!(told.iter().map(|span| span.field("outcome")).collect::<Vec<_>>(), [Some("dropped")]);
}

#[cfg(feature = "metrics")]
mod counted {
    use super::*;
    use crate::support::recorder::{pairs, recorded};

    #[test]
    fn every_call_is_counted_and_measured_and_the_head_is_shown() {
        let told = recorded(async {
            every_call(&ObservedBackend::new(InMemoryBackend::new())).await;
        });
        let operations = |name: &str, kept: Vec<(String, u64)>| -> Vec<_> {
            let of_name = kept.into_iter().filter_map(|(key, count)| {
                let labels = key.strip_prefix(name)?.strip_prefix('{')?.strip_suffix('}')?.to_owned();
                Some((labels.replace("operation=", ""), count))
            });
            of_name.collect()
        };
        assert_eq!(
            operations("allframe_store_operations_total", told.counted()),
            pairs(&[
                ("append,outcome=ok", 2),
                ("close,outcome=ok", 1),
                ("flush,outcome=ok", 1),
                ("get_latest_snapshot,outcome=ok", 1),
                ("head,outcome=ok", 1),
                ("read_all,outcome=ok", 2),
                ("read_stream,outcome=ok", 3),
                ("save_snapshot,outcome=ok", 1),
                ("stats,outcome=ok", 1),
            ])
        );
        let moved = pairs(&[("append", 3), ("read_all", 6), ("read_stream", 6)]);
        assert_eq!(operations("allframe_store_events_total", told.counted()), moved);
        let bytes = pairs(&[("append", 9), ("read_all", 18), ("read_stream", 18)]);
        assert_eq!(operations("allframe_store_payload_bytes_total", told.counted()), bytes);
        assert_eq!(told.histograms.lock().unwrap()["allframe_store_append_events{}"], [2.0, 1.0]);
        let durations = told.measured().into_iter();
        let durations = durations.filter(|(name, _)| name.starts_with("allframe_store_operation_duration"));
        assert_eq!(durations.map(|(_, count)| count).sum::<usize>(), 13);
        assert!(told.shown().contains(&("allframe_store_head_position{}".to_owned(), 3.0)));
    }

    #[test]
    fn what_is_under_way_is_shown_and_gone_when_it_is_over_or_dropped() {
        const IN_FLIGHT: &str = "allframe_store_operations_in_flight{operation=read_stream}";
        let told = recorded(async {
            let store = ObservedBackend::new(Watched::new());
            let account = account();
            let read = store.read_stream(&account, StreamRange::all());
            assert!(read.now_or_never().is_none());
            store.read_stream(&account, StreamRange::all()).await.unwrap();
        });
        assert!(told.shown().contains(&(IN_FLIGHT.to_owned(), 0.0)), "{:?}", told.shown());
        let outcomes = [("dropped", 1), ("ok", 1)].map(|(outcome, count)| {
            (format!("allframe_store_operations_total{{operation=read_stream,outcome={outcome}}}"), count)
        });
        for outcome in outcomes {
            assert!(told.counted().contains(&outcome), "{outcome:?}: {:?}", told.counted());
        }
    }

    /// What others append is seen by whoever waits for it.
    #[test]
    fn the_head_moves_with_what_was_waited_for() {
        let told = recorded(async {
            let store = ObservedBackend::new(std::sync::Arc::new(InMemoryBackend::new()));
            store.inner().append(&account(), ExpectedVersion::Any, events(5)).await.unwrap();
            store.wait_past(GlobalPosition::new(2)).await.unwrap();
        });
        assert_eq!(told.shown(), pairs(&[("allframe_store_head_position{}", 5.0)]));
    }
}
