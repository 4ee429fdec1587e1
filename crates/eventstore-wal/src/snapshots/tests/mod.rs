mod crashes;
mod damage;
mod faults;
mod reader;
mod saving;

use eventstore_api::{EventType, Version};

use super::{
    format::{FILE_HEADER_BYTES, FIRST_RECORD, FileHeader, RECORD_HEADER_BYTES},
    *,
};
use crate::disk::{Open, faulty::FaultyDisk};

const EXTENT: u64 = 4096;

/// Small enough for a rewrite among a few saves.
const LEAST_GARBAGE: u64 = 2048;

fn store() -> StoreId {
    StoreId::from_bytes(*b"a store of tests")
}

fn options(durability: Durability) -> SnapshotOptions {
    SnapshotOptions { extent_bytes: EXTENT, durability, least_garbage: LEAST_GARBAGE }
}

fn open_reporting(disk: &FaultyDisk) -> (Snapshots, SnapshotReport) {
    open_fallibly(disk).unwrap()
}

fn open_fallibly(disk: &FaultyDisk) -> Result<(Snapshots, SnapshotReport), Failure> {
    Snapshots::open_with(Arc::new(disk.clone()), store(), options(Durability::Always))
}

fn open(disk: &FaultyDisk) -> Snapshots {
    open_reporting(disk).0
}

fn stream(number: u64) -> StreamId {
    StreamId::new(format!("account-{number}")).unwrap()
}

/// A snapshot that no other stream and no other version has.
fn snapshot(number: u64, version: u64, payload_bytes: usize) -> Snapshot {
    let payload: Vec<u8> = format!("{number}@{version} ").bytes().cycle().take(payload_bytes).collect();
    Snapshot::new(stream(number), Version::new(version), EventType::new("Account").unwrap(), payload)
        .with_schema_version(7)
}

fn latest(snapshots: &Snapshots, number: u64) -> Option<Snapshot> {
    snapshots.latest(&stream(number), Wait::Allowed).unwrap()
}

fn index(offset: u64) -> usize {
    offset.try_into().unwrap()
}

/// Where the next record goes.
fn end(snapshots: &Snapshots) -> usize {
    index(snapshots.writer.lock().end)
}

fn generation(snapshots: &Snapshots) -> u64 {
    snapshots.writer.lock().records.generation
}

fn file_length(disk: &FaultyDisk) -> usize {
    disk.contents()[FILE_NAME].len()
}

/// A disk on which the file of snapshots holds these bytes, and all is durable.
fn disk_with(bytes: &[u8]) -> FaultyDisk {
    let disk = FaultyDisk::new();
    crate::disk::replace(&disk, FILE_NAME, bytes).unwrap();
    disk
}
