//! What holds for every workload, against a model that knows nothing of sectors, pages or ages.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Write { file: usize, offset: usize, length: usize, byte: u8 },
    SetLength { file: usize, length: usize },
    Sync { file: usize },
    Rename { from: usize, to: usize },
    Remove { file: usize },
    SyncNames,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn step() -> impl Strategy<Value = Step> {
    let file = 0..NAMES.len();
    prop_oneof![
        6 => (file.clone(), 0..6000_usize, 1..3000_usize, 1..=255_u8)
            .prop_map(|(file, offset, length, byte)| Step::Write { file, offset, length, byte }),
        2 => (file.clone(), 0..9000_usize).prop_map(|(file, length)| Step::SetLength { file, length }),
        2 => file.clone().prop_map(|file| Step::Sync { file }),
        1 => (file.clone(), file.clone()).prop_map(|(from, to)| Step::Rename { from, to }),
        1 => file.prop_map(|file| Step::Remove { file }),
        1 => Just(Step::SyncNames),
    ]
}

/// Takes the step, where it can be taken, on the disk and on plain bytes.
fn take(step: &Step, disk: &FaultyDisk, plain: &mut BTreeMap<String, Vec<u8>>) {
    let open = |file: usize| match disk.names().unwrap().iter().any(|name| name == NAMES[file]) {
        true => disk.open(NAMES[file], Open::Write).unwrap(),
        false => disk.open(NAMES[file], Open::Create).unwrap(),
    };
    match *step {
        Step::Write { file, offset, length, byte } => {
            open(file).write_at(&vec![byte; length], offset as u64).unwrap();
            let bytes = plain.entry(NAMES[file].to_owned()).or_default();
            bytes.resize(bytes.len().max(offset + length), 0);
            bytes[offset..offset + length].fill(byte);
        }
        Step::SetLength { file, length } => {
            open(file).set_len(length as u64).unwrap();
            plain.entry(NAMES[file].to_owned()).or_default().resize(length, 0);
        }
        Step::Sync { file } => {
            open(file).sync_data().unwrap();
            plain.entry(NAMES[file].to_owned()).or_default();
        }
        Step::Rename { from, to } => {
            if let Some(bytes) = plain.get(NAMES[from]).cloned() {
                disk.rename(NAMES[from], NAMES[to]).unwrap();
                plain.remove(NAMES[from]);
                plain.insert(NAMES[to].to_owned(), bytes);
            }
        }
        Step::Remove { file } => {
            if plain.remove(NAMES[file]).is_some() {
                disk.remove(NAMES[file]).unwrap();
            }
        }
        Step::SyncNames => disk.sync_names().unwrap(),
    }
}

proptest! {
    #[test]
    fn reads_see_what_was_written_and_a_crash_that_loses_nothing_leaves_it(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let (disk, mut plain) = (FaultyDisk::new(), BTreeMap::new());
        for step in &steps {
            take(step, &disk, &mut plain);
            prop_assert_eq!(&disk.contents(), &plain);
        }
        prop_assert_eq!(&disk.fork().crash(&mut Always::Newest).contents(), &plain);
        for name in plain.keys() {
            disk.open(name, Open::Write).unwrap().sync_all().unwrap();
        }
        disk.sync_names().unwrap();
        for seed in 0..10 {
            prop_assert_eq!(&disk.fork().crash(&mut Seeded::new(seed)).contents(), &plain);
        }
    }

    #[test]
    fn a_byte_that_survives_was_there_since_the_last_sync_or_is_zero(
        steps in proptest::collection::vec(step(), 1..30),
        seed in any::<u64>(),
    ) {
        let (disk, mut plain) = (FaultyDisk::new(), BTreeMap::new());
        let file = disk.open("a", Open::Create).unwrap();
        disk.sync_names().unwrap();
        plain.insert("a".to_owned(), Vec::new());
        let mut since_the_sync = vec![Vec::new()];
        let only_this_file = |step: &&Step| matches!(
            step,
            Step::Write { file: 0, .. } | Step::SetLength { file: 0, .. } | Step::Sync { file: 0 }
        );
        for step in steps.iter().filter(only_this_file) {
            take(step, &disk, &mut plain);
            if matches!(step, Step::Sync { .. }) {
                since_the_sync.clear();
            }
            since_the_sync.push(plain["a"].clone());
        }
        drop(file);
        let left = found_a(&disk.crash(&mut Seeded::new(seed)));
        prop_assert!(since_the_sync.iter().any(|version| version.len() == left.len()));
        for (offset, byte) in left.iter().enumerate() {
            let was_there = since_the_sync.iter().any(|version| version.get(offset) == Some(byte));
            let may_be_zero = since_the_sync.iter().any(|version| version.len() <= offset);
            prop_assert!(was_there || (*byte == 0 && may_be_zero), "byte {} at {}", byte, offset);
        }
    }
}

fn found_a(disk: &FaultyDisk) -> Vec<u8> {
    disk.contents().remove("a").unwrap()
}
