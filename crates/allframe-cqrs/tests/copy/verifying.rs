//! What a verification finds.

use std::sync::atomic::{AtomicU64, Ordering};

use allframe_cqrs::{
    InMemoryBackend,
    api::{Encoding, Metadata, RecordedEvent, Tags},
    copy::{CopyError, Difference, DifferenceCause, DifferenceKind, EventPart, StoreCopy, VerifyReport},
};

use crate::stores::{Through, store_of};

const EVENTS: &str = "a1 b1 a2 b2 c1";

#[tokio::test]
async fn a_transform_that_is_not_deterministic_is_found_and_named() {
    let (old, new) = (store_of(EVENTS).await, InMemoryBackend::new());
    let calls = AtomicU64::new(0);
    let copy = StoreCopy::new("counts").from(&old).to(&new).transform(|record, output| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        let mut event = output.event();
        if record.stream.as_str() == "b" {
            event.payload = call.to_string().into();
        }
        output.write(&record.stream, event);
    });
    let Err(CopyError::Different(report)) = copy.run().await else { panic!("it was not found") };
    assert_eq!(report.difference_count, 2);
    assert!(report.differences.iter().all(|difference| {
        difference.cause == DifferenceCause::Transform
            && difference.kind == DifferenceKind::Changed(EventPart::Payload)
            && difference.stream.as_str() == "b"
    }));
    let told = CopyError::Different(report).to_string();
    let told = told.replace(|c: char| c.is_ascii_hexdigit() && !c.is_ascii_lowercase(), "_");
    assert!(told.contains("the transform is not deterministic"), "{told}");
    // It was never found to be right, so the next run does not pass over it.
    assert!(matches!(copy.run().await, Err(CopyError::Different(_))));
}

#[tokio::test]
async fn a_transform_that_drops_now_this_and_now_that_is_found() {
    let (old, new) = (store_of(EVENTS).await, InMemoryBackend::new());
    let calls = AtomicU64::new(0);
    let copy = StoreCopy::new("drops").from(&old).to(&new).transform(|_, output| {
        match calls.fetch_add(1, Ordering::SeqCst) {
            1 | 9 => output.discard(),
            _ => output.keep(),
        }
    });
    let Err(CopyError::Different(report)) = copy.run().await else { panic!("it was not found") };
    let kinds: Vec<_> = report.differences.iter().map(|difference| difference.kind).collect();
    assert!(
        kinds.contains(&DifferenceKind::Missing) && kinds.contains(&DifferenceKind::Unexpected),
        "{kinds:?}"
    );
    assert!(report.differences.iter().all(|difference| difference.cause == DifferenceCause::Transform));
}

/// What is found where the target shows something else than what was written.
async fn tampered(
    seen: impl Fn(RecordedEvent) -> Vec<RecordedEvent> + Send + Sync + 'static,
) -> VerifyReport {
    let (old, new) = (store_of(EVENTS).await, InMemoryBackend::new());
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    let new = Through::showing(new, seen);
    StoreCopy::new("all").from(&old).to(&new).verify().await.unwrap()
}

fn is(record: &RecordedEvent, payload: &str) -> bool {
    record.payload == format!("\"{payload}\"").as_bytes()
}

#[tokio::test]
async fn any_part_of_an_event_that_was_changed_in_the_target_is_found() {
    type Change = fn(&mut RecordedEvent);
    let changes: [(Change, EventPart); 6] = [
        (|record| record.payload = "\"other\"".into(), EventPart::Payload),
        (|record| record.metadata = Metadata::new(), EventPart::Metadata),
        (|record| record.tags = Tags::parse(["branch:berlin"]).unwrap(), EventPart::Tags),
        (|record| record.schema_version = 2, EventPart::SchemaVersion),
        (|record| record.encoding = Encoding::BINCODE, EventPart::Encoding),
        (|record| record.event_type = "Undone".try_into().unwrap(), EventPart::EventType),
    ];
    for (change, part) in changes {
        let report = tampered(move |mut record| {
            if is(&record, "b2") {
                change(&mut record);
            }
            vec![record]
        })
        .await;
        assert_eq!(report.difference_count, 1);
        let difference = &report.differences[0];
        assert_eq!(difference.kind, DifferenceKind::Changed(part));
        assert_eq!(difference.cause, DifferenceCause::Target);
        let (source, target) = (difference.source.as_ref().unwrap(), difference.target.as_ref().unwrap());
        assert_eq!((source.stream.as_str(), source.version.get(), target.version.get()), ("b", 2, 2));
    }
}

#[tokio::test]
async fn an_event_that_is_missing_in_the_target_is_found() {
    let report = tampered(|record| if is(&record, "a2") { vec![] } else { vec![record] }).await;
    assert_eq!(report.difference_count, 1);
    assert_eq!(report.differences[0].kind, DifferenceKind::Missing);
    assert_eq!(report.differences[0].cause, DifferenceCause::Target);
}

#[tokio::test]
async fn an_event_that_nobody_copied_is_found() {
    let report = tampered(|record| {
        let mut more = record.clone();
        more.id = allframe_cqrs::EventId::generate();
        if is(&record, "a2") { vec![record, more] } else { vec![record] }
    })
    .await;
    assert_eq!(report.difference_count, 1);
    assert_eq!(report.differences[0].kind, DifferenceKind::Unexpected);
}

#[tokio::test]
async fn events_that_have_changed_places_are_found() {
    let (old, new) = (store_of("a1 a2 a3").await, InMemoryBackend::new());
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    let second = allframe_cqrs::EventStoreBackend::get_all_events(&new).await.unwrap();
    let second = second.into_iter().find(|record| is(record, "a2")).unwrap();
    let new = Through::showing(new, move |record| {
        if is(&record, "a2") {
            vec![]
        } else if is(&record, "a3") {
            vec![record, second.clone()]
        } else {
            vec![record]
        }
    });
    let report = StoreCopy::new("all").from(&old).to(&new).verify().await.unwrap();
    assert_eq!(report.difference_count, 1);
    assert_eq!(report.differences[0].kind, DifferenceKind::Order);
}

#[tokio::test]
async fn another_transform_under_the_same_version_is_found() {
    let (old, new) = (store_of(EVENTS).await, InMemoryBackend::new());
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    let other = StoreCopy::new("all").from(&old).to(&new).transform(|_, output| output.keep_as("Other"));
    let report = other.verify().await.unwrap();
    assert_eq!(report.difference_count, 5);
    assert_eq!(report.differences[0].kind, DifferenceKind::Changed(EventPart::EventType));
    assert_eq!(report.differences[0].cause, DifferenceCause::Transform);
}

#[tokio::test]
async fn of_many_differences_the_first_are_told_and_all_are_counted() {
    let events: Vec<String> = (0..300).map(|number| format!("a{number}")).collect();
    let (old, new) = (store_of(&events.join(" ")).await, InMemoryBackend::new());
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    let other = StoreCopy::new("all").from(&old).to(&new).transform(|_, output| output.keep_as("Other"));
    let report = other.verify().await.unwrap();
    assert_eq!(report.difference_count, 300);
    assert_eq!(report.differences.len(), VerifyReport::MAX_DIFFERENCES);
}

#[tokio::test]
async fn where_the_transform_and_the_target_have_changed_both_are_named() {
    let (old, new) = (store_of(EVENTS).await, InMemoryBackend::new());
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    let new = Through::showing(new, |mut record| {
        if is(&record, "b2") {
            record.payload = "\"other\"".into();
        }
        vec![record]
    });
    let other = StoreCopy::new("all").from(&old).to(&new).transform(|_, output| output.keep_as("Other"));
    let report = other.verify().await.unwrap();
    let of = |payload| report.differences.iter().find(|it| is_of(it, payload)).unwrap().cause;
    // `a1` and `b1` are an append of their own.
    assert_eq!((of(("b", 2)), of(("a", 1))), (DifferenceCause::Both, DifferenceCause::Transform));
}

fn is_of(difference: &Difference, (stream, version): (&str, u64)) -> bool {
    let source = difference.source.as_ref().unwrap();
    (source.stream.as_str(), source.version.get()) == (stream, version)
}
