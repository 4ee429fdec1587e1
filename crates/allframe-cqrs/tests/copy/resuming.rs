//! Going on with a copy that was interrupted, or that has come to its end before.

use std::sync::{Arc, Mutex};

use allframe_cqrs::{
    EventStoreBackend, GlobalPosition, InMemoryBackend, StoreError,
    api::RecordedEvent,
    copy::{CopyError, CopyPhase, Output, StoreCopy},
};

use crate::{
    stores::{Through, add, dropped_after, store_of, stream, told},
    support::{Fate, Watched, outcome_unknown, unavailable},
};

const EVENTS: &str = "a1 b1 a2 b2 c1 c2 c3 b3 a3 x1 d1 d2 x2 d3 a4";

/// Splits, merges and drops, one after the other.
fn mixed(record: &RecordedEvent, output: &mut Output<'_>) {
    match record.stream.as_str() {
        "x" => output.discard(),
        "c" => {
            output.keep();
            output.keep_in("all");
        }
        "d" => output.keep_in("b"),
        _ => output.keep(),
    }
}

#[tokio::test]
async fn a_copy_that_is_dropped_at_any_step_goes_on_and_neither_loses_nor_doubles() {
    let whole = InMemoryBackend::new();
    StoreCopy::new("mixed").from(&store_of(EVENTS).await).to(&whole).transform(mixed).run().await.unwrap();
    let whole = told(&whole).await;

    for events in [1, 3, 100] {
        let mut drops = 0;
        for steps in 1.. {
            let old = Through::stepping(store_of(EVENTS).await);
            let new = Through::stepping(InMemoryBackend::new());
            let copy = StoreCopy::new("mixed").from(&old).to(&new).transform(mixed).batch_events(events);
            if dropped_after(steps, copy.run()).await {
                break;
            }
            drops += 1;
            let left = told(&new.inner).await;
            assert!(whole.starts_with(&left), "{left} is no beginning of {whole}");
            // And once more, somewhere in the middle.
            dropped_after(steps / 2, copy.run()).await;
            let report = copy.run().await.unwrap();
            assert_eq!(told(&new.inner).await, whole, "dropped after {steps} steps");
            assert_eq!(report.verified.position, report.position);
            assert!(copy.verify().await.unwrap().is_same());
        }
        assert!(drops > 15, "{drops} steps are too few to have been everywhere");
    }
}

#[tokio::test]
async fn running_again_copies_and_verifies_only_what_has_come_since() {
    let (old, new) = (store_of("a1 b1 a2").await, InMemoryBackend::new());
    let copy = StoreCopy::new("all").from(&old).to(&new);
    let first = copy.run().await.unwrap();
    assert_eq!((first.copied.read, first.verified.counts.read), (3, 3));

    let nothing = copy.run().await.unwrap();
    assert_eq!((nothing.copied.read, nothing.verified.counts.read), (0, 0));
    let events = new.get_all_events().await.unwrap().len();
    copy.run().await.unwrap();
    assert_eq!(new.get_all_events().await.unwrap().len(), events, "it wrote where there was nothing to say");

    add(&old, "b2 c1").await;
    let rest = copy.run().await.unwrap();
    assert_eq!((rest.copied.read, rest.verified.counts.read, rest.total.read), (2, 2, 5));
    assert_eq!(rest.position, old.head().await.unwrap());
    assert_eq!(told(&new).await, told(&old).await);
    assert_eq!(copy.verify().await.unwrap().counts.read, 5);
}

#[tokio::test]
async fn what_an_interrupted_run_has_copied_is_verified_by_the_next_one() {
    let (old, new) = (store_of("a1 b1 a2 b2").await, InMemoryBackend::new());
    let fails = StoreCopy::new("all").from(&old).to(&new).batch_events(1).transform(|record, output| {
        output.keep();
        if record.position == GlobalPosition::new(4) { Err("not yet") } else { Ok(()) }
    });
    fails.run().await.unwrap_err();
    assert_eq!(told(&new).await, "a.1=a1 b.1=b1 a.2=a2");
    let report = StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    assert_eq!((report.copied.read, report.verified.counts.read, report.total.read), (1, 4, 4));
}

#[tokio::test]
async fn a_copy_may_run_in_a_task_of_its_own() {
    let (old, new) = (store_of(EVENTS).await, InMemoryBackend::new());
    let target = new.clone();
    let copying = tokio::spawn(async move {
        let copy = StoreCopy::new("mixed").from(&old).to(&target).transform(mixed).on_progress(|_| ());
        copy.run().await.map(|report| report.copied.read)
    });
    assert_eq!(copying.await.unwrap().unwrap(), 15);
}

#[tokio::test]
async fn of_two_who_copy_at_once_one_is_told_and_nothing_is_doubled() {
    let whole = InMemoryBackend::new();
    StoreCopy::new("mixed").from(&store_of(EVENTS).await).to(&whole).transform(mixed).run().await.unwrap();
    let mut told_of_another = 0;
    for ahead in 0..60 {
        let (old, new) =
            (Through::stepping(store_of(EVENTS).await), Through::stepping(InMemoryBackend::new()));
        let copy = |events| StoreCopy::new("mixed").from(&old).to(&new).transform(mixed).batch_events(events);
        let (one, other) = (copy(2), copy(3));
        let late = async {
            for _ in 0..ahead {
                tokio::task::yield_now().await;
            }
            other.run().await
        };
        let (one_ends, other_ends) = tokio::join!(one.run(), late);
        for ended in [&one_ends, &other_ends] {
            match ended {
                Ok(_) => {}
                Err(CopyError::Concurrent { name }) => {
                    assert_eq!(name, "mixed");
                    told_of_another += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(one_ends.is_ok() || other_ends.is_ok());
        assert_eq!(told(&new.inner).await, told(&whole).await);
    }
    assert!(told_of_another > 10, "{told_of_another}");
}

#[tokio::test]
async fn how_far_it_is_is_told() {
    let (old, new) = (store_of("a1 b1 a2").await, InMemoryBackend::new());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let copy = StoreCopy::new("all").from(&old).to(&new).batch_events(1).on_progress(|progress| {
        seen.lock().unwrap().push((progress.phase, progress.read, progress.written, progress.share()));
    });
    copy.run().await.unwrap();
    let seen = seen.lock().unwrap();
    let of = |phase| seen.iter().filter(|told| told.0 == phase).map(|told| told.1).collect::<Vec<_>>();
    assert_eq!(of(CopyPhase::Copying), [1, 2, 3]);
    assert_eq!(of(CopyPhase::Verifying), [0, 1, 2, 3]);
    assert!(seen.iter().all(|told| (0.0..=1.0).contains(&told.3)));
    assert!((seen.last().unwrap().3 - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn an_append_is_bounded_by_events_and_by_bytes() {
    let events = "a1 b1 c1 d1 e1 f1 g1 h1 i1";
    let sizes = |events_limit, bytes_limit| async move {
        let (old, new) = (store_of(events).await, InMemoryBackend::new());
        let copy = StoreCopy::new("all").from(&old).to(&new);
        copy.batch_events(events_limit).batch_bytes(bytes_limit).run().await.unwrap();
        let all = new.get_all_events().await.unwrap();
        let runs = all.split(|record| record.stream == stream("$copy-all"));
        runs.map(<[_]>::len).filter(|events| *events > 0).collect::<Vec<_>>()
    };
    let (old, new) = (Watched::new(), InMemoryBackend::new());
    add(&old, events).await;
    StoreCopy::new("all").from(&old).to(&new).batch_events(4).run().await.unwrap();
    assert_eq!(old.largest_page(), 4);
    assert_eq!(sizes(4, 1 << 20).await, [4, 4, 1]);
    assert_eq!(sizes(0, 1 << 20).await, [1; 9]);
    assert_eq!(sizes(100, 0).await, [1; 9]);
    assert_eq!(sizes(100, 100).await, [2, 2, 2, 2, 1]);
}

#[tokio::test]
async fn answers_that_are_lost_are_asked_for_again() {
    let old = store_of(EVENTS).await;
    tokio::time::pause();
    let new = Watched::with_fates(|number| match number % 4 {
        1 => Fate::StoredButAnswers(outcome_unknown()),
        3 => Fate::Fails(unavailable()),
        _ => Fate::Goes,
    });
    StoreCopy::new("all").from(&old).to(&new).batch_events(2).run().await.unwrap();
    assert_eq!(told(&new.inner).await, told(&old).await);

    let gone = Watched::with_fates(|_| Fate::Fails(unavailable()));
    let failed = StoreCopy::new("all").from(&old).to(&gone).run().await.unwrap_err();
    assert!(failed.is_retryable() && matches!(failed, CopyError::Target(StoreError::Unavailable { .. })));
}
