//! Appends to several streams at once: atomic, guarded, with metadata, and safe to repeat.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

use crate::support::{Fate, Watched, outcome_unknown, soon};
use allframe_cqrs::{
    Draft, Error, EventFilter, EventId, EventStore, EventStoreBackend, ExpectedVersion, GlobalPosition,
    InMemoryBackend, InvalidInput, Metadata, Recorded, StoreError, StreamRange, Tags, Version, event,
};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Transfer {
    Debited(u64),
    Credited(u64),
}

use Transfer::{Credited, Debited};

const ANY: ExpectedVersion = ExpectedVersion::Any;

async fn recorded<B: EventStoreBackend>(
    store: &EventStore<Transfer, B>,
    stream: &str,
) -> Vec<Recorded<Transfer>> {
    store.read_stream(stream, StreamRange::all()).unwrap().try_collect().await.unwrap()
}

fn invalid_input(error: Error) -> InvalidInput {
    match error {
        Error::Store(StoreError::InvalidInput(input)) => input,
        other => panic!("not an invalid input: {other:?}"),
    }
}

#[tokio::test]
async fn a_batch_appends_to_all_its_streams() {
    let store = EventStore::new();
    let outcomes = store
        .batch()
        .append("account-b", ANY, [Credited(5)])
        .append("account-a", ExpectedVersion::NoStream, [Debited(2), Debited(3)])
        .commit()
        .await
        .unwrap();
    let ends: Vec<_> =
        outcomes.iter().map(|outcome| (outcome.stream.as_str(), outcome.last_version)).collect();
    assert_eq!(ends, [("account-b", Version::new(1)), ("account-a", Version::new(2))]);
    assert_eq!(store.get_all_events().await.unwrap(), [Credited(5), Debited(2), Debited(3)]);
}

#[tokio::test]
async fn when_the_guard_of_one_stream_does_not_hold_none_is_appended_to() {
    let store = EventStore::new();
    let refused = store
        .batch()
        .append("account-a", ANY, [Debited(5)])
        .append("account-b", ExpectedVersion::StreamExists, [Credited(5)])
        .commit()
        .await
        .unwrap_err();
    assert!(refused.is_conflict());
    assert_eq!(store.stats().await.unwrap().total_events, 0);
}

#[tokio::test]
async fn a_guard_on_a_stream_that_is_not_written_decides_over_the_batch() {
    let store = EventStore::new();
    let transfer = || {
        store
            .batch()
            .append("account-a", ANY, [Debited(1)])
            .guard("frozen", ExpectedVersion::NoStream)
            .commit()
    };
    transfer().await.unwrap();
    store.append("frozen", vec![Debited(0)]).await.unwrap();
    let Error::Store(StoreError::WrongExpectedVersion { stream, actual, .. }) = transfer().await.unwrap_err()
    else {
        panic!("the guard let it pass")
    };
    assert_eq!((stream.as_str(), actual), ("frozen", Version::new(1)));
    assert_eq!(store.get_events("account-a").await.unwrap(), [Debited(1)]);
}

#[tokio::test]
async fn the_metadata_of_the_batch_reaches_every_event_and_an_events_own_comes_on_top() {
    let store = EventStore::new();
    let own = Draft::new(Debited(2)).with_metadata(Metadata::new().with("user", "bob").with("via", "app"));
    store
        .batch()
        .append("account-a", ANY, [Draft::new(Debited(1)), own])
        .metadata(Metadata::new().with("user", "ann").with("tenant", "t1"))
        .append("account-b", ANY, [Credited(3)])
        .correlation_id("request-9")
        .causation_id(String::from("command-3"))
        .metadata(Metadata::new().with("tenant", "t2"))
        .commit()
        .await
        .unwrap();
    let batch = Metadata::new()
        .with("tenant", "t2")
        .with("user", "ann")
        .with_correlation_id("request-9")
        .with_causation_id("command-3");
    let account_a = recorded(&store, "account-a").await;
    assert_eq!(account_a[0].metadata(), &batch);
    assert_eq!(account_a[1].metadata(), &batch.clone().with("user", "bob").with("via", "app"));
    assert_eq!(recorded(&store, "account-b").await[0].metadata(), &batch);
}

#[tokio::test]
async fn a_draft_brings_its_own_id_and_tags() {
    let store = EventStore::new();
    let id = EventId::generate();
    let draft = Draft::new(Debited(1)).with_id(id).with_tags(Tags::parse(["branch:berlin"]).unwrap());
    store.batch().append("account-a", ANY, [draft]).commit().await.unwrap();
    let events = recorded(&store, "account-a").await;
    assert_eq!((events[0].id(), &events[0].record.tags), (id, &Tags::parse(["branch:berlin"]).unwrap()));
}

#[tokio::test]
async fn the_same_draft_appended_twice_is_stored_once() {
    let store = EventStore::<Transfer>::new();
    let draft = Draft::new(Debited(1)).with_id(EventId::generate());
    let append = || store.batch().append("account-a", ExpectedVersion::NoStream, [draft.clone()]).commit();
    let first = append().await.unwrap();
    assert_eq!(append().await.unwrap(), first);
    assert_eq!(store.get_events("account-a").await.unwrap(), [Debited(1)]);
}

#[tokio::test]
async fn another_event_under_the_same_id_is_refused() {
    let store = EventStore::<Transfer>::new();
    let id = EventId::generate();
    let append = |event| store.batch().append("account-a", ANY, [Draft::new(event).with_id(id)]).commit();
    append(Debited(1)).await.unwrap();
    let refused = invalid_input(append(Debited(2)).await.unwrap_err());
    assert!(matches!(refused, InvalidInput::EventIdReused { .. }), "{refused:?}");
    assert_eq!(store.get_events("account-a").await.unwrap(), [Debited(1)]);
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_committed_again_and_stored_once() {
    let lost_once = |number| match number {
        1 => Fate::StoredButAnswers(outcome_unknown()),
        _ => Fate::Goes,
    };
    let store = EventStore::<Transfer, _>::with_backend(Watched::with_fates(lost_once));
    let batch = store
        .batch()
        .correlation_id("request-9")
        .append("account-a", ExpectedVersion::NoStream, [Debited(5)])
        .append("account-b", ExpectedVersion::NoStream, [Credited(5)]);
    let first = batch.clone().commit().await.unwrap();
    assert_eq!(store.backend().appends(), 2, "the lost answer was asked for again");

    let outcomes = batch.commit().await.unwrap();
    assert_eq!(outcomes, first);
    assert!(outcomes.iter().all(|outcome| outcome.first_version == Version::new(1)));
    assert_eq!(store.get_all_events().await.unwrap(), [Debited(5), Credited(5)]);
}

#[tokio::test]
async fn the_first_thing_wrong_with_a_batch_is_told_at_commit_and_nothing_is_stored() {
    let store = EventStore::<Transfer>::new();
    let good = || store.batch().append("account-a", ANY, [Debited(1)]);

    let wrong_name = invalid_input(good().append("", ANY, [Credited(1)]).commit().await.unwrap_err());
    assert!(matches!(wrong_name, InvalidInput::Empty { .. }));
    let first_of_two =
        invalid_input(good().guard("a\nb", ANY).append("", ANY, [Credited(1)]).commit().await.unwrap_err());
    assert!(matches!(first_of_two, InvalidInput::ControlCharacter { .. }));
    let cloned = invalid_input(good().guard("", ANY).clone().commit().await.unwrap_err());
    assert!(matches!(cloned, InvalidInput::Empty { .. }), "a clone tells the same");

    let twice = invalid_input(good().append("account-a", ANY, [Credited(1)]).commit().await.unwrap_err());
    assert!(matches!(twice, InvalidInput::StreamRepeated { .. }));
    let without_events =
        invalid_input(good().append("account-b", ANY, Vec::<Transfer>::new()).commit().await.unwrap_err());
    assert!(matches!(without_events, InvalidInput::NoEvents { .. }));
    let guard_alone = invalid_input(store.batch().guard("account-a", ANY).commit().await.unwrap_err());
    assert_eq!(guard_alone, InvalidInput::EmptyBatch);

    assert_eq!(store.stats().await.unwrap().total_events, 0);
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum CourseEvent {
    Planned {
        #[tag("course")]
        name: String,
        seats: u32,
    },
    Enrolled(#[tag("course")] String, #[tag("student")] u32, String),
    Renamed {
        #[tag]
        r#type: char,
        #[tag]
        #[tag("also")]
        twice: u8,
    },
    Closed,
}

fn tags_of(event: &CourseEvent) -> Vec<String> {
    use allframe_cqrs::EventTypeName;
    event.tags().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn fields_marked_so_become_tags() {
    let planned = CourseEvent::Planned { name: "rust-101".into(), seats: 3 };
    assert_eq!(tags_of(&planned), ["course:rust-101"]);
    let enrolled = CourseEvent::Enrolled("rust-101".into(), 7, "no tag".into());
    assert_eq!(tags_of(&enrolled), ["course:rust-101", "student:7"]);
    let renamed = CourseEvent::Renamed { r#type: 'x', twice: 1 };
    assert_eq!(tags_of(&renamed), ["also:1", "twice:1", "type:x"]);
    assert_eq!(tags_of(&CourseEvent::Closed), Vec::<String>::new());
}

#[tokio::test]
async fn the_tags_of_an_event_and_of_its_draft_are_stored_together() {
    let store = EventStore::<CourseEvent>::new();
    let planned = CourseEvent::Planned { name: "rust-101".into(), seats: 3 };
    let draft = Draft::new(planned).with_tags(Tags::parse(["term:2013-1"]).unwrap());
    store.batch().append("course-1", ANY, [draft]).commit().await.unwrap();
    let both = EventFilter::tagged(Tags::parse(["course:rust-101", "term:2013-1"]).unwrap());
    assert_eq!(store.get_matching(&both).await.unwrap().events.len(), 1);
}

#[tokio::test]
async fn a_value_that_makes_no_legal_tag_is_refused_and_nothing_is_stored() {
    let store = EventStore::new();
    for name in ["two\nlines".to_owned(), "x".repeat(250)] {
        let events = vec![CourseEvent::Closed, CourseEvent::Planned { name, seats: 3 }];
        invalid_input(store.append("course-1", events.clone()).await.unwrap_err());
        invalid_input(store.batch().append("course-1", ANY, events).commit().await.unwrap_err());
    }
    assert_eq!(store.stats().await.unwrap().total_events, 0);
}

fn of_course() -> EventFilter {
    EventFilter::tagged(Tags::parse(["course:rust-101"]).unwrap())
}

#[tokio::test]
async fn a_condition_fails_only_for_matching_events_after_its_position() {
    let store = EventStore::<CourseEvent>::new();
    let enrol = |student, after| {
        let enrolled = CourseEvent::Enrolled("rust-101".into(), student, String::new());
        let stream = format!("student-{student}");
        store.batch().append(stream, ANY, [enrolled]).unless_matching(of_course(), after).commit()
    };
    enrol(1, GlobalPosition::START).await.unwrap();
    let refused = enrol(2, GlobalPosition::START).await.unwrap_err();
    assert!(refused.is_conflict(), "{refused}");

    let seen = store.get_matching(&of_course()).await.unwrap();
    store.append("course-2", vec![CourseEvent::Closed]).await.unwrap();
    enrol(2, seen.position).await.unwrap();
    assert_eq!(store.get_matching(&of_course()).await.unwrap().events.len(), 2);
}

/// Enrols a student if there is a seat: read what matters, decide, append unless more of it has come meanwhile.
async fn enrol(store: EventStore<CourseEvent>, student: u32) -> bool {
    loop {
        let seen = store.get_matching(&of_course()).await.unwrap();
        let seats = seen.events.iter().map(|recorded| match recorded.event {
            CourseEvent::Planned { seats, .. } => i64::from(seats),
            CourseEvent::Enrolled(..) => -1,
            _ => 0,
        });
        if seats.sum::<i64>() <= 0 {
            return false;
        }
        let enrolled = CourseEvent::Enrolled("rust-101".into(), student, String::new());
        let appended = store
            .batch()
            .append(format!("student-{student}"), ANY, [enrolled])
            .unless_matching(of_course(), seen.position)
            .commit()
            .await;
        match appended {
            Ok(_) => return true,
            Err(lost) => assert!(lost.is_conflict(), "{lost:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_enrol_at_once_fill_exactly_the_seats_there_are() {
    let seats = 30;
    let store = EventStore::with_backend(InMemoryBackend::new());
    store.append("course-1", vec![CourseEvent::Planned { name: "rust-101".into(), seats }]).await.unwrap();
    let students: Vec<_> = (0..100).map(|student| tokio::spawn(enrol(store.clone(), student))).collect();
    let answers = soon(futures_util::future::try_join_all(students)).await.unwrap();
    assert_eq!(answers.into_iter().filter(|&enrolled| enrolled).count(), seats as usize);
    let events = store.get_matching(&of_course()).await.unwrap().events;
    assert_eq!(events.len(), 1 + seats as usize);
}
