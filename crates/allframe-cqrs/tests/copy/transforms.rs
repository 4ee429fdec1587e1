//! What a transform may make of an event.

use std::error::Error as _;

use allframe_cqrs::{
    EventStoreBackend, ExpectedVersion, InMemoryBackend, Metadata, Panicked, Tags,
    api::{Encoding, InvalidInput, RecordedEvent},
    copy::{CopyError, CopyOrder, ORIGINALLY_RECORDED_AT, StoreCopy, originally_recorded_at},
};

use crate::stores::{append, event, records, store_of, stream, told, types};

#[tokio::test]
async fn without_a_transform_every_event_is_as_it_was_and_says_when_it_was_recorded() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let original = event("Opened", r#"{"owner":"ann"}"#)
        .with_schema_version(3)
        .with_metadata(Metadata::new().with_correlation_id("request-9").with_causation_id("message-8"))
        .with_tags(Tags::parse(["branch:berlin"]).unwrap());
    old.append(&stream("account-7"), ExpectedVersion::Any, vec![original.clone()]).await.unwrap();
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();

    let (before, after) = (records(&old).await.remove(0), records(&new).await.remove(0));
    assert_eq!(originally_recorded_at(&after), before.recorded_at);
    assert_eq!((&after.stream, after.version), (&before.stream, before.version));
    let kept = original.metadata.clone();
    let micros = before.recorded_at.as_micros().to_string();
    assert!(after.same_content(&original.with_metadata(kept.with(ORIGINALLY_RECORDED_AT, micros))));

    // Copied once more, it still says the same.
    let newest = InMemoryBackend::new();
    StoreCopy::new("all").from(&new).to(&newest).run().await.unwrap();
    assert_eq!(originally_recorded_at(&records(&newest).await[0]), before.recorded_at);
}

#[tokio::test]
async fn a_stream_is_split() {
    let (old, new) = (store_of("a1 a2 a3 a4").await, InMemoryBackend::new());
    let copy = StoreCopy::new("split").from(&old).to(&new).transform(|record, output| {
        output.keep_in(if record.version.get().is_multiple_of(2) { "even" } else { "odd" });
    });
    copy.run().await.unwrap();
    assert_eq!(told(&new).await, "odd.1=a1 even.1=a2 odd.2=a3 even.2=a4");
}

#[tokio::test]
async fn streams_are_merged() {
    let (old, new) = (store_of("a1 b1 a2 c1 b2").await, InMemoryBackend::new());
    let copy = StoreCopy::new("merge").from(&old).to(&new).transform(|_, output| output.keep_in("all"));
    copy.run().await.unwrap();
    assert_eq!(told(&new).await, "all.1=a1 all.2=b1 all.3=a2 all.4=c1 all.5=b2");
}

#[tokio::test]
async fn events_are_renamed_and_dropped() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    for event_type in ["Opened", "Ping", "Deposited", "Ping"] {
        append(&old, "account-7", event_type, "1").await;
    }
    let copy = StoreCopy::new("rename").from(&old).to(&new).transform(|record, output| {
        match record.event_type.as_str() {
            "Ping" => output.discard(),
            "Deposited" => output.keep_as("MoneyDeposited"),
            _ => output.keep(),
        }
    });
    let report = copy.run().await.unwrap();
    assert_eq!(types(&new).await, ["Opened", "MoneyDeposited"]);
    insta::assert_snapshot!(report.copied, @"4 events read, 2 written, 2 dropped, 0 of the toolkit left out");
    let of_types = report.copied.by_type.iter();
    let of_types = of_types
        .map(|(name, counts)| format!("{name} {}/{}/{}", counts.read, counts.written, counts.discarded));
    assert_eq!(
        of_types.collect::<Vec<_>>(),
        ["Deposited 1/0/0", "MoneyDeposited 0/1/0", "Opened 1/1/0", "Ping 2/0/2"]
    );
    assert_eq!(report.verified.counts, report.copied);
}

#[tokio::test]
async fn an_event_becomes_several_of_which_the_first_keeps_the_id() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    let copy = StoreCopy::new("several").from(&old).to(&new).transform(|record, output| {
        let mut event = output.event();
        event.encoding = Encoding::BINARY;
        event.schema_version = 7;
        output.write("audit", event.clone());
        output.write(&record.stream, event.clone());
        output.write("audit", event);
    });
    copy.run().await.unwrap();
    let written = records(&new).await;
    let streams: Vec<_> = written.iter().map(|record| record.stream.as_str()).collect();
    // Those of one stream stand next to each other.
    assert_eq!(streams, ["audit", "audit", "a"]);
    let id = records(&old).await[0].id;
    assert_eq!(written[0].id, id);
    assert!(written[1].id != id && written[2].id != id && written[1].id != written[2].id);
    assert!(written.iter().all(|record| record.schema_version == 7 && record.encoding == Encoding::BINARY));
}

#[tokio::test]
async fn the_order_of_all_events_is_kept_however_streams_take_turns() {
    let events = "a1 b1 a2 b2 c1 c2 b3 a3 a4 c3 b4";
    let (old, new) = (store_of(events).await, InMemoryBackend::new());
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    assert_eq!(told(&new).await, told(&old).await);
}

#[tokio::test]
async fn where_the_order_of_streams_is_enough_appends_are_large() {
    let (old, new) = (store_of("a1 b1 a2 b2 a3 b3").await, InMemoryBackend::new());
    let copy = StoreCopy::new("all").from(&old).to(&new).order(CopyOrder::Streams);
    copy.run().await.unwrap();
    assert_eq!(told(&new).await, "a.1=a1 a.2=a2 a.3=a3 b.1=b1 b.2=b2 b.3=b3");
    let marks = new.get_events(&stream("$copy-all")).await.unwrap().len();
    // The one it began with, the one of the only append, and the one that says that it was verified.
    assert_eq!(marks, 3);
    assert!(copy.verify().await.unwrap().is_same());
}

fn fails_at_b1(record: &RecordedEvent) -> Result<(), std::num::ParseIntError> {
    if &record.payload[..] == b"\"b1\"" { "x".parse::<u32>().map(drop) } else { Ok(()) }
}

#[tokio::test]
async fn a_transform_that_fails_says_where_and_keeps_its_cause() {
    let (old, new) = (store_of("a1 a2 b1 a3").await, InMemoryBackend::new());
    let copy = StoreCopy::new("fails").from(&old).to(&new).batch_events(1);
    let failed = copy
        .transform(|record, output| {
            output.keep();
            fails_at_b1(record)
        })
        .run()
        .await
        .unwrap_err();
    insta::assert_snapshot!(failed, @"the transform failed at event 1 of stream `b` (position 3, `Done`)");
    assert!(failed.source().unwrap().is::<std::num::ParseIntError>());
    // What came before it is there, and the copy goes on once the transform does.
    assert_eq!(told(&new).await, "a.1=a1 a.2=a2");
    StoreCopy::new("fails").from(&old).to(&new).run().await.unwrap();
    assert_eq!(told(&new).await, told(&old).await);
}

#[tokio::test]
async fn a_transform_that_panics_is_an_error_and_leaves_nothing_half_done() {
    let (old, new) = (store_of("a1 b1").await, InMemoryBackend::new());
    let copy = StoreCopy::new("panics").from(&old).to(&new).transform(|record, output| {
        output.keep();
        assert_ne!(&record.payload[..], b"\"b1\"", "it is b1");
    });
    let failed = copy.run().await.unwrap_err();
    assert!(failed.source().unwrap().is::<Panicked>());
    assert_eq!(told(&new).await, "a.1=a1");
}

#[tokio::test]
async fn a_rehearsal_names_every_event_at_which_the_transform_fails() {
    let old = store_of("a1 a2 b1 a3 b2").await;
    let copy = StoreCopy::new("rehearsed").from(&old).transform(|record, output| {
        match (record.stream.as_str(), record.version.get()) {
            ("a", 2) => output.discard(),
            ("a", 3) => {}
            _ => output.keep(),
        }
        assert_ne!(&record.payload[..], b"\"b2\"", "it is b2");
        fails_at_b1(record)
    });
    let rehearsal = copy.rehearse().await.unwrap();
    assert_eq!((rehearsal.counts.written, rehearsal.counts.discarded, rehearsal.failure_count), (1, 1, 3));
    let failures: Vec<_> = rehearsal.failures.iter().map(ToString::to_string).collect();
    insta::assert_debug_snapshot!(failures, @r#"
    [
        "the transform failed at event 1 of stream `b` (position 3, `Done`)",
        "the transform did not say what becomes of event 3 of stream `a` (position 4, `Done`); let it `discard` what is not to be copied",
        "the transform failed at event 2 of stream `b` (position 5, `Done`)",
    ]
    "#);
}

#[tokio::test]
async fn a_transform_that_says_nothing_does_not_drop_the_event() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    let copy = StoreCopy::new("forgets").from(&old).to(&new).transform(|_, _| ());
    insta::assert_snapshot!(copy.run().await.unwrap_err(), @"the transform did not say what becomes of event 1 of stream `a` (position 1, `Done`); let it `discard` what is not to be copied");
}

#[tokio::test]
async fn a_name_that_is_not_legal_makes_the_transform_fail() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    for name in ["", "two\nlines"] {
        let copy = StoreCopy::new("names").from(&old).to(&new);
        let failed = copy.transform(|_, output| output.keep_in(name)).run().await.unwrap_err();
        assert!(failed.source().unwrap().is::<InvalidInput>(), "{failed}");
        let copy = StoreCopy::new("names").from(&old).to(&new);
        let failed = copy.transform(|_, output| output.keep_as(name)).run().await.unwrap_err();
        assert!(failed.source().unwrap().is::<InvalidInput>(), "{failed}");
    }
}

#[tokio::test]
async fn two_events_of_one_id_in_a_merged_stream_are_refused_and_neither_is_lost() {
    let old = InMemoryBackend::new();
    let twice = event("Done", "1");
    for name in ["a", "b"] {
        old.append(&stream(name), ExpectedVersion::Any, vec![twice.clone()]).await.unwrap();
    }
    for events in [1, 2] {
        let new = InMemoryBackend::new();
        let copy = StoreCopy::new("merge").from(&old).to(&new).batch_events(events);
        let refused = copy.transform(|_, output| output.keep_in("all")).run().await.unwrap_err();
        assert!(
            matches!(&refused, CopyError::Refused { place, .. } if place.stream.as_str() == "b"),
            "{refused:?}"
        );
    }
    let new = InMemoryBackend::new();
    let other = allframe_cqrs::EventId::generate();
    let copy = StoreCopy::new("merge").from(&old).to(&new).transform(move |record, output| {
        let event = output.event();
        let id = if record.stream.as_str() == "b" { other } else { event.id };
        output.write_under_its_id("all", event.with_id(id));
    });
    copy.run().await.unwrap();
    assert_eq!(told(&new).await, "all.1=1 all.2=1");
}

#[tokio::test]
async fn what_no_store_would_take_is_the_transforms_fault() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    let copy = StoreCopy::new("large").from(&old).to(&new).transform(|_, output| {
        let mut event = output.event();
        event.payload = vec![b'x'; (8 << 20) + 1].into();
        output.write("a", event);
    });
    assert!(matches!(copy.run().await, Err(CopyError::Transform { .. })));
}

#[tokio::test]
async fn many_events_of_which_nothing_is_written_are_not_read_again() {
    let (old, new) = (store_of("a1 a2 a3 a4 a5 a6 a7 a8 a9").await, InMemoryBackend::new());
    let copy =
        StoreCopy::new("none").from(&old).to(&new).batch_events(1).transform(|_, output| output.discard());
    let report = copy.run().await.unwrap();
    assert_eq!((report.copied.read, report.copied.discarded), (9, 9));
    assert_eq!(copy.run().await.unwrap().copied.read, 0);
}

#[tokio::test]
async fn how_far_it_is_is_written_also_while_nothing_else_is() {
    let events: Vec<String> = (0..40).map(|number| format!("a{number}")).collect();
    let (old, new) = (store_of(&events.join(" ")).await, InMemoryBackend::new());
    let copy = StoreCopy::new("none").from(&old).to(&new).batch_events(1);
    copy.transform(|_, output| output.discard()).run().await.unwrap();
    let marks = new.get_events(&stream("$copy-none")).await.unwrap().len();
    // The one it began with, one after 16, 32 and 40 events, and the one that says that it was verified.
    assert_eq!(marks, 5);
}
