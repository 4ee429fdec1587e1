//! For any streams and any transform, the target is what a naive model says.

use allframe_cqrs::{
    EventStoreBackend, ExpectedVersion, InMemoryBackend,
    api::RecordedEvent,
    copy::{CopyOrder, Output, StoreCopy},
};
use proptest::{collection::vec, prelude::*};

use crate::stores::{event, records, stream};

/// What becomes of the events of a stream.
#[derive(Clone, Debug)]
enum Rule {
    Keep,
    Discard,
    Rename,
    Move(u8),
    Split,
    Repeat(Vec<u8>),
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        Just(Rule::Keep),
        Just(Rule::Discard),
        Just(Rule::Rename),
        (0..6_u8).prop_map(Rule::Move),
        Just(Rule::Split),
        vec(0..6_u8, 0..5).prop_map(Rule::Repeat),
    ]
}

/// Appends of so many events to this stream.
fn appends() -> impl Strategy<Value = Vec<(u8, usize)>> {
    vec((0..6_u8, 1..4_usize), 0..40)
}

/// One event, as the model sees it: where, of what name, with which payload.
type Line = (String, String, String);

fn said(rules: &[Rule], record: &RecordedEvent, output: &mut Output<'_>) {
    let place = usize::from(record.stream.as_str().as_bytes()[2] - b'0');
    match &rules[place] {
        Rule::Keep => output.keep(),
        Rule::Discard => output.discard(),
        Rule::Rename => output.keep_as("Renamed"),
        Rule::Move(to) => output.keep_in(format!("s-{to}")),
        Rule::Split => output.keep_in(format!("{}-{}", record.stream, record.version.get() % 2)),
        Rule::Repeat(streams) => {
            streams.iter().for_each(|to| output.keep_in(format!("s-{to}")));
            output.discard();
        }
    }
}

fn model(rules: &[Rule], appends: &[(u8, usize)]) -> Vec<Line> {
    let mut versions = [0_usize; 6];
    let mut lines = Vec::new();
    for (number, (stream, events)) in appends.iter().enumerate() {
        for part in 0..*events {
            versions[usize::from(*stream)] += 1;
            let line =
                |name: String, event_type: &str| (name, event_type.to_owned(), format!("{number}.{part}"));
            match &rules[usize::from(*stream)] {
                Rule::Keep => lines.push(line(format!("s-{stream}"), "Done")),
                Rule::Discard => {}
                Rule::Rename => lines.push(line(format!("s-{stream}"), "Renamed")),
                Rule::Move(to) => lines.push(line(format!("s-{to}"), "Done")),
                Rule::Split => {
                    let half = versions[usize::from(*stream)] % 2;
                    lines.push(line(format!("s-{stream}-{half}"), "Done"));
                }
                Rule::Repeat(streams) => {
                    // Those of one stream stand next to each other, where the first of them is said.
                    let mut order: Vec<u8> = Vec::new();
                    streams.iter().for_each(|to| {
                        if !order.contains(to) {
                            order.push(*to);
                        }
                    });
                    for to in order {
                        let times = streams.iter().filter(|other| **other == to).count();
                        lines.extend((0..times).map(|_| line(format!("s-{to}"), "Done")));
                    }
                }
            }
        }
    }
    lines
}

fn line_of(record: &RecordedEvent) -> Line {
    let payload = String::from_utf8(record.payload.to_vec()).unwrap();
    (record.stream.to_string(), record.event_type.to_string(), payload)
}

async fn copied(
    rules: &[Rule],
    appends: &[(u8, usize)],
    (batch, order, cut): (usize, CopyOrder, usize),
) -> Vec<RecordedEvent> {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let copy = StoreCopy::new("model").from(&old).to(&new).batch_events(batch).order(order);
    let copy = copy.transform(|record, output| said(rules, record, output));
    for (number, (name, events)) in appends.iter().enumerate() {
        if number == cut {
            copy.run().await.unwrap();
        }
        let events = (0..*events).map(|part| event("Done", &format!("{number}.{part}"))).collect();
        old.append(&stream(&format!("s-{name}")), ExpectedVersion::Any, events).await.unwrap();
    }
    copy.run().await.unwrap();
    assert!(copy.verify().await.unwrap().is_same());
    records(&new).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_target_is_what_a_naive_model_says(
        rules in vec(rule(), 6),
        appends in appends(),
        batch in 1..20_usize,
        cut in 0..40_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let expected = model(&rules, &appends);
        let exact = runtime.block_on(copied(&rules, &appends, (batch, CopyOrder::Positions, cut)));
        prop_assert_eq!(&exact.iter().map(line_of).collect::<Vec<_>>(), &expected);

        // In the order of streams, each stream is the same.
        let by_stream = runtime.block_on(copied(&rules, &appends, (batch, CopyOrder::Streams, cut)));
        let sorted = |mut lines: Vec<Line>| { lines.sort_by(|one, other| one.0.cmp(&other.0)); lines };
        prop_assert_eq!(sorted(by_stream.iter().map(line_of).collect()), sorted(expected));
    }
}
