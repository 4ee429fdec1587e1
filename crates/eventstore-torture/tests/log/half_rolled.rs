//! A segment that is sealed while what comes after it cannot be begun.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by failing")]

use std::sync::Arc;

use eventstore_api::{AppendBatch, EventType, ExpectedVersion, NewEvent, ReadAll, StreamId};
use eventstore_torture::workload;
use eventstore_wal::{
    disk::faulty::{ChangeFault, Faults, FaultyDisk, When},
    log::{Log, LogOptions, Request},
};

fn options() -> LogOptions {
    LogOptions { segment_bytes: 4 << 10, extent_bytes: 4 << 10, ..workload::options(None) }
}

fn event(number: usize) -> Request {
    let event = NewEvent::new(EventType::new("Happened").unwrap(), number.to_string());
    Request::new(AppendBatch::single(StreamId::new("account-1").unwrap(), ExpectedVersion::Any, vec![event]))
}

/// Of all parts of the store, one segment would be the last: a store goes on behind a segment.
#[test]
fn a_segment_without_a_successor_is_not_archived() {
    let mut failed = 0;
    for change in 0..6 {
        let disk = FaultyDisk::new();
        let (mut log, _) = Log::open(Arc::new(disk.clone()), options()).unwrap();
        log.run_background_work();
        disk.set_faults(Faults::new(1).on_change(When::Nth(change), ChangeFault::Broken));
        let mut stored = 0;
        while stored < 200 && log.commit(&[event(stored)]).iter().all(Result::is_ok) {
            stored += 1;
        }
        failed += usize::from(stored < 200);
        disk.set_faults(Faults::new(1));
        while let Ok(true) = log.archive_oldest() {}
        drop(log);
        let (log, _) = Log::open(Arc::new(disk.kill()), options()).unwrap();
        let page = log.read_all(&ReadAll::forward()).unwrap();
        assert!(
            page.end_reached && page.events.len() >= stored,
            "change {change}: of {stored} events {}",
            page.events.len()
        );
    }
    assert!(failed > 0, "no change that failed was in the way of a segment");
}
