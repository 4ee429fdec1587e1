use std::sync::atomic::{AtomicI64, Ordering};

use eventstore_api::{AppendBatch, EventType, ExpectedVersion, NewEvent, StreamId, Timestamp};

use crate::{log::Log, streams::Streams, tags::TagIndex, writer::Writer};

/// A clock that is set back before its second reading, and has not caught up by its third.
fn set_back() -> Timestamp {
    static READINGS: AtomicI64 = AtomicI64::new(0);
    let times = [1_000, 400, 999, 1_001];
    let reading = READINGS.fetch_add(1, Ordering::Relaxed);
    Timestamp::from_micros(times[usize::try_from(reading).unwrap()])
}

#[test]
fn a_clock_that_is_set_back_does_not_take_recorded_at_back() {
    let (log, streams, tags) = (Log::default(), Streams::default(), TagIndex::default());
    let mut writer = Writer::with_clock(set_back);
    for _ in 0..4 {
        let event = NewEvent::new(EventType::new("Happened").unwrap(), "");
        let batch = AppendBatch::single(StreamId::new("clock").unwrap(), ExpectedVersion::Any, vec![event]);
        writer.append(batch, &log, &streams, &tags).unwrap();
    }
    let recorded: Vec<i64> = (1..=4).map(|position| log.event(position).recorded_at.as_micros()).collect();
    assert_eq!(recorded, [1_000, 1_000, 1_000, 1_001]);
}
