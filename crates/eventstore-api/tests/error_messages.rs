//! What people read when something goes wrong: what happened, where, and what to do.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::error::Error;

use eventstore_api::{
    AppendBatch, EventId, EventType, ExpectedVersion, GlobalPosition, InvalidInput, Metadata, NewEvent,
    ReadAll, Snapshot, StoreError, StreamId, Tag, Tags, Timestamp, Version, limits, reexports::uuid::Uuid,
};

fn stream(name: &str) -> StreamId {
    StreamId::new(name.to_owned()).unwrap()
}

fn event(payload: Vec<u8>) -> NewEvent {
    NewEvent::new(EventType::new("Opened").unwrap(), payload)
}

fn id(n: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(n))
}

fn lines(errors: impl IntoIterator<Item = impl Error>) -> String {
    errors.into_iter().map(|error| format!("{error}\n")).collect()
}

#[test]
fn of_names_that_are_not_legal() {
    let long = "x".repeat(600);
    insta::assert_snapshot!(lines([
        StreamId::new("").unwrap_err(),
        StreamId::new(long.clone()).unwrap_err(),
        StreamId::new("two\nlines").unwrap_err(),
        EventType::new("").unwrap_err(),
        EventType::new(long.clone()).unwrap_err(),
        Tag::new("no colon").unwrap_err(),
        Tag::new(":value").unwrap_err(),
        Tag::of("a:b", "c").unwrap_err(),
        Tag::new(format!("key:{long}")).unwrap_err(),
        Tags::parse((0..33).map(|n| format!("n:{n}"))).unwrap_err(),
        "not-a-uuid".parse::<EventId>().unwrap_err(),
    ]));
}

#[test]
fn of_requests_that_can_never_be_carried_out() {
    let batch = |events| AppendBatch::single(stream("account-7"), ExpectedVersion::Any, events);
    let too_large = vec![0; limits::MAX_PAYLOAD_BYTES + 1];
    let repeated = || event(vec![]).with_id(id(1));
    let with_metadata = |metadata| batch(vec![event(vec![]).with_metadata(metadata)]).validate().unwrap_err();
    insta::assert_snapshot!(lines([
        AppendBatch::new().validate().unwrap_err(),
        AppendBatch::new().guard(stream("account-7"), ExpectedVersion::NoStream).validate().unwrap_err(),
        batch(vec![]).validate().unwrap_err(),
        batch(vec![event(vec![])]).guard(stream("account-7"), ExpectedVersion::Any).validate().unwrap_err(),
        batch(vec![event(vec![]).with_id(id(2)), repeated(), repeated()]).validate().unwrap_err(),
        batch(vec![event(too_large.clone())]).validate().unwrap_err(),
        batch((0..9).map(|_| event(vec![0; limits::MAX_PAYLOAD_BYTES])).collect()).validate().unwrap_err(),
        batch((0..=limits::MAX_BATCH_EVENTS).map(|_| event(vec![])).collect()).validate().unwrap_err(),
        with_metadata(Metadata::new().with("", "value")),
        with_metadata(Metadata::new().with("name", "x".repeat(limits::MAX_METADATA_BYTES))),
        with_metadata((0..65).map(|n| (format!("name {n}"), "value")).collect()),
        Snapshot::new(stream("account-7"), Version::new(1), EventType::new("Account").unwrap(), too_large)
            .validate()
            .unwrap_err(),
        ReadAll::forward().limit(0).validate().unwrap_err(),
        InvalidInput::EventIdReused { stream: stream("account-7"), id: id(1), version: Version::new(3) },
        InvalidInput::PartlyKnown { known: id(1), unknown: id(2) },
        InvalidInput::PositionNotNext { position: GlobalPosition::new(9), next: GlobalPosition::new(7) },
        InvalidInput::VersionNotNext {
            stream: stream("account-7"),
            version: Version::new(3),
            next: Version::new(2)
        },
        InvalidInput::TimeRunsBackwards {
            position: GlobalPosition::new(9),
            recorded_at: Timestamp::from_micros(5),
            last: Timestamp::from_micros(8),
        },
        InvalidInput::StoredElsewhere,
    ]));
}

#[test]
fn of_a_store_that_did_not_do_what_was_asked() {
    let conflict = |expected| StoreError::WrongExpectedVersion {
        stream: stream("account-7"),
        expected,
        actual: Version::new(4),
    };
    insta::assert_snapshot!(lines([
        conflict(ExpectedVersion::NoStream),
        conflict(ExpectedVersion::StreamExists),
        conflict(ExpectedVersion::Exact(Version::new(3))),
        StoreError::ConditionFailed { at: GlobalPosition::new(17) },
        StoreError::Corrupted {
            place: "00000001.seg, offset 4096".into(),
            detail: "checksum mismatch".into()
        },
        StoreError::outcome_unknown("connection reset"),
        StoreError::unavailable("no connection within 5 s"),
        StoreError::Closed,
        StoreError::ReadOnly,
        StoreError::storage("no space left on device"),
    ]));
}

#[test]
fn as_plain_text_with_all_causes() {
    let error = StoreError::storage("no space left on device");
    assert_eq!(String::from(error), "the storage failed: no space left on device");
}

#[test]
fn only_an_unknown_outcome_is_unknown_and_only_what_may_pass_is_retried() {
    let unknown = StoreError::outcome_unknown("connection reset");
    assert!(unknown.is_retryable() && !unknown.outcome_is_known());
    let unavailable = StoreError::unavailable("busy");
    assert!(unavailable.is_retryable() && unavailable.outcome_is_known());
    for refused in [StoreError::Closed, StoreError::ReadOnly] {
        assert!(!refused.is_retryable() && refused.outcome_is_known());
    }
}

#[test]
fn the_cause_of_an_error_is_what_the_backend_said_and_can_be_downcast() {
    type OfCause = fn(std::fmt::Error) -> StoreError;
    let errors: [OfCause; 3] = [StoreError::outcome_unknown, StoreError::unavailable, StoreError::storage];
    for error in errors {
        let error = error(std::fmt::Error);
        assert!(error.source().unwrap().is::<std::fmt::Error>(), "{error:?}");
        assert!(error.source().unwrap().source().is_none());
    }
    assert!(StoreError::Closed.source().is_none());
}
