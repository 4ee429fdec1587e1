//! What a commit asks of the disk, however much it appends, and what becomes of room.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by failing")]

use std::sync::Arc;

use eventstore_api::{AppendBatch, EventType, ExpectedVersion, NewEvent, StreamId};
use eventstore_torture::workload;
use eventstore_wal::{
    disk::{
        Disk as _, Open,
        faulty::{Faults, FaultyDisk, SyncFault, When},
    },
    log::{Log, LogOptions, Request},
};

/// So many appends, each to a stream of its own.
fn requests(count: usize) -> Vec<Request> {
    let request = |stream| {
        let event = NewEvent::new(EventType::new("Happened").unwrap(), "payload");
        let stream = StreamId::new(format!("stream-{stream}")).unwrap();
        Request::new(AppendBatch::single(stream, ExpectedVersion::Any, vec![event]))
    };
    (0..count).map(request).collect()
}

/// A log with room for all that is appended here.
fn open(disk: &FaultyDisk) -> Log {
    let options = LogOptions { segment_bytes: 1 << 20, extent_bytes: 1 << 20, ..workload::options(None) };
    let (mut log, _) = Log::open(Arc::new(disk.clone()), options).unwrap();
    log.commit(&requests(1));
    log
}

#[test]
fn a_commit_is_one_write_one_sync_and_the_word_to_others_for_any_number_of_appends() {
    let disk = FaultyDisk::new();
    let mut log = open(&disk);
    for appends in [1, 2, 50, 500] {
        let before = disk.boundaries();
        let answers = log.commit(&requests(appends));
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(disk.boundaries() - before, 3, "{appends} appends");
    }
}

#[test]
fn the_sync_of_a_commit_is_the_only_one() {
    let disk = FaultyDisk::new();
    let mut log = open(&disk);
    // The second sync from here on fails: a commit that made two would notice.
    disk.set_faults(Faults::new(1).on_sync(When::Nth(1), SyncFault::Broken));
    assert!(log.commit(&requests(50)).iter().all(Result::is_ok));
    assert!(log.commit(&requests(1)).iter().all(Result::is_err));
}

const CAPACITY: usize = 400 << 10;
const EXTENT: usize = 128 << 10;

fn open_on_a_small_disk(disk: &FaultyDisk) -> Log {
    disk.set_faults(Faults::new(1).capacity(CAPACITY));
    let options =
        LogOptions { segment_bytes: 1 << 20, extent_bytes: EXTENT as u64, ..workload::options(None) };
    Log::open(Arc::new(disk.clone()), options).unwrap().0
}

#[test]
fn where_the_next_extent_does_not_fit_what_is_appended_may() {
    let mut log = open_on_a_small_disk(&FaultyDisk::new());
    let mut stored = 0;
    while log.commit(&requests(10)).iter().all(Result::is_ok) {
        stored += 10;
    }
    let bytes_of_an_event = 100;
    assert!(stored * bytes_of_an_event > CAPACITY - EXTENT / 2, "{stored} events");
}

#[test]
fn what_does_not_fit_takes_no_room_from_others() {
    let disk = FaultyDisk::new();
    let mut log = open_on_a_small_disk(&disk);
    let event = NewEvent::new(EventType::new("Large").unwrap(), vec![1; CAPACITY]);
    let batch = AppendBatch::single(StreamId::new("large").unwrap(), ExpectedVersion::Any, vec![event]);
    assert!(log.commit(&[Request::new(batch)]).iter().all(Result::is_err));

    let other = disk.open("other", Open::Create).unwrap();
    assert_eq!(
        other.write_at(&vec![1; CAPACITY - EXTENT - (64 << 10)], 0).unwrap(),
        CAPACITY - EXTENT - (64 << 10)
    );
    assert!(log.commit(&requests(1)).iter().all(Result::is_ok));
}
