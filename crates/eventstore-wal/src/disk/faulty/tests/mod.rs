//! That the faulty disk is as bad as it says, and no worse.

mod choosers;
mod crashes;
mod failed_syncs;
mod faults;
mod laws;
mod names;
mod processes;
mod recordings;

use std::{collections::BTreeSet, sync::Arc};

use super::{Always, Exhaustive, FaultyDisk, Seeded};
use crate::disk::{Disk, DiskFile, Open};

const SECTOR: usize = 512;
const SEEDS: std::ops::Range<u64> = 0..200;

type Handle = Arc<dyn DiskFile>;

/// A disk with one file of so many sectors of `a`, all durable.
fn disk_with_file(sectors: usize) -> (FaultyDisk, Handle) {
    let disk = FaultyDisk::new();
    let file = disk.open("log", Open::Create).unwrap();
    file.write_at(&vec![b'a'; sectors * SECTOR], 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_names().unwrap();
    (disk, file)
}

/// What the file holds after a crash, if it is there.
fn found(disk: &FaultyDisk) -> Option<Vec<u8>> {
    disk.contents().remove("log")
}

/// The first byte of every sector.
fn sectors(bytes: &[u8]) -> String {
    bytes
        .chunks(SECTOR)
        .map(|sector| char::from(sector[0]))
        .map(|it| if it == '\0' { '0' } else { it })
        .collect()
}

fn after_seed(disk: &FaultyDisk, seed: u64) -> String {
    sectors(&found(&disk.fork().crash(&mut Seeded::new(seed))).unwrap())
}

/// All that crashes can leave of the file, by sector, and how many combinations were tried for it.
fn all_crashes(disk: &FaultyDisk) -> (BTreeSet<String>, usize) {
    let mut every = Exhaustive::new(16);
    let (mut states, mut tried) = (BTreeSet::new(), 0);
    while every.advance() {
        tried += 1;
        let left = found(&disk.fork().crash(&mut every));
        states.insert(left.map_or("gone".to_owned(), |bytes| sectors(&bytes)));
    }
    assert!(!every.has_skipped());
    (states, tried)
}

fn set(states: &[&str]) -> BTreeSet<String> {
    states.iter().map(ToString::to_string).collect()
}

/// The least and the most that a crash leaves.
fn extremes(disk: &FaultyDisk) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    (found(&disk.fork().crash(&mut Always::Oldest)), found(&disk.fork().crash(&mut Always::Newest)))
}
