//! Bytes that are flipped, wiped out and cut off, and files that are gone: whatever it is, the store holds exactly what was
//! acknowledged, or says what is wrong and where.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use eventstore_api::{
    BackendStats, EventStoreBackend, RecordedEvent, Result, Snapshot, StoreError, message_with_causes,
};
use eventstore_rocksdb::{
    Durability, Recovery, RocksDbBackend, RocksDbConfig, RocksDbError, RocksDbReader, verify,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    log_format::{length, records},
    support::{
        STREAMS, all, append, cause, contents, copy, count_from_the_first, files, open, save_snapshots,
        small, stream, try_copy, verified,
    },
};

const EVENTS: usize = 5_000;
const LATER: usize = 400;

/// A store, and what was acknowledged of it.
struct Sound {
    directory: TempDir,
    events: Vec<RecordedEvent>,
    stats: BackendStats,
}

/// Fills a store, and closes it. It is the same as if each append had waited for the disk.
async fn fill(directory: &Path) {
    let store = RocksDbBackend::with_config(directory, without_waiting()).unwrap();
    append(&store, 0..EVENTS).await;
    save_snapshots(&store).await;
    store.close().await.unwrap();
}

fn without_waiting() -> RocksDbConfig {
    RocksDbConfig { durability: Durability::OsBuffered, ..small() }
}

/// One that was closed: everything is in sorted files.
async fn closed() -> Sound {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    let store = open(directory.path());
    let (events, stats) = (all(&store).await.unwrap(), store.stats().await.unwrap());
    assert_eq!(count_from_the_first(&events), EVENTS);
    store.close().await.unwrap();
    assert!(files(directory.path(), ".sst").len() >= 6);
    Sound { directory, events, stats }
}

/// One whose process has ended without closing it: the last events are in the log alone.
async fn left_open() -> Sound {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path()).await;
    // So much memory that none of it gets into a file.
    let config = RocksDbConfig { write_buffer_bytes: 64 << 20, ..without_waiting() };
    let store = RocksDbBackend::with_config(directory.path(), config).unwrap();
    append(&store, EVENTS..EVENTS + LATER).await;
    store.flush().await.unwrap();
    let (events, stats) = (all(&store).await.unwrap(), store.stats().await.unwrap());
    assert_eq!(count_from_the_first(&events), EVENTS + LATER);
    let left = whole_copy(directory.path(), &stats);
    assert!(fs::read(newest_log(left.path())).unwrap().len() > 5 * (32 << 10));
    Sound { directory: left, events, stats }
}

/// Of a store that is open. It is whole when no file is written or merged while it is made.
fn whole_copy(directory: &Path, stats: &BackendStats) -> TempDir {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let wrong = match try_copy(directory) {
            Ok(left) => match verify(left.path()) {
                Ok(report) if report.stats == *stats => return left,
                Ok(report) => format!("it holds {:?} instead of {stats:?}", report.stats),
                Err(error) => message_with_causes(&error),
            },
            Err(error) => error.to_string(),
        };
        assert!(Instant::now() < patience, "no copy of {} is whole: {wrong}", directory.display());
    }
}

fn newest_log(directory: &Path) -> PathBuf {
    files(directory, ".log").pop().unwrap()
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip(usize),
    Wipe(usize, usize),
    Cut(usize),
    Remove,
}

impl Damage {
    fn to(self, file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        match self {
            Self::Flip(at) => bytes[at] ^= 0x10,
            Self::Wipe(at, count) => {
                let end = bytes.len().min(at + count);
                bytes[at..end].fill(0);
            }
            Self::Cut(length) => bytes.truncate(length),
            Self::Remove => return fs::remove_file(file).unwrap(),
        }
        fs::write(file, bytes).unwrap();
    }
}

/// What came of a damage.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Everything is as it was.
    Harmless,
    /// It was told.
    Told,
}

impl Sound {
    /// Does this to a copy of the store, and looks what comes of it.
    async fn with(&self, file: &Path, damage: Damage) -> Outcome {
        let copy = copy(self.directory.path());
        let file = copy.path().join(file.file_name().unwrap());
        damage.to(&file);
        let mut outcome = Outcome::Harmless;
        let mut told = |error: StoreError| {
            outcome = Outcome::Told;
            let text = message_with_causes(&error);
            assert!(
                matches!(error, StoreError::Corrupted { .. } | StoreError::Storage { .. }),
                "{damage:?} in {}: {error:?}",
                file.display()
            );
            assert!(text.contains(copy.path().to_str().unwrap()), "which store is damaged: {text}");
        };
        if let Err(error) = verify(copy.path()) {
            told(error);
        }
        match RocksDbBackend::with_config(copy.path(), small()) {
            Err(error) => told(error),
            Ok(store) => {
                for wrong in self.what_is_read(&store, &format!("{damage:?} in {}", file.display())).await {
                    told(wrong);
                }
                // What is met in the background is told by then: as damage where it is met for the first time, and as
                // the reason for which the store gave up after that.
                match store.close().await {
                    Err(error) if matches!(cause(&error), Some(RocksDbError::GaveUp { .. })) => {
                        outcome = Outcome::Told;
                    }
                    Err(error) => told(error),
                    Ok(()) => {}
                }
            }
        }
        outcome
    }

    /// Reads everything in every way; what is answered is right, and the errors are given back.
    async fn what_is_read(&self, store: &RocksDbBackend, what: &str) -> Vec<StoreError> {
        let mut wrong = Vec::new();
        match all(store).await {
            Ok(events) => {
                assert!(events == self.events, "{what}: {} events of {}", events.len(), self.events.len());
            }
            Err(error) => wrong.push(error),
        }
        match store.stats().await {
            Ok(stats) => assert_eq!(stats, self.stats, "{what}"),
            Err(error) => wrong.push(error),
        }
        for number in 0..STREAMS {
            match store.get_events(&stream(number)).await {
                Ok(events) => {
                    let expected = self.events.iter().skip(number).step_by(STREAMS);
                    assert!(events.iter().eq(expected), "{what}: stream {number}, {} events", events.len());
                }
                Err(error) => wrong.push(error),
            }
            match self.snapshot(store, number).await {
                Ok(snapshot) => assert!(snapshot.is_some(), "{what}: snapshot {number}"),
                Err(error) => wrong.push(error),
            }
        }
        wrong
    }

    async fn snapshot(&self, store: &RocksDbBackend, number: usize) -> Result<Option<Snapshot>> {
        let snapshot = store.get_latest_snapshot(&stream(number)).await?;
        Ok(snapshot.inspect(|it| assert_eq!(it.payload, format!("state {number}"))))
    }

    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let found = files(self.directory.path(), ending);
        found.into_iter().filter(|file| fs::metadata(file).unwrap().len() > 0).collect()
    }

    /// Flips bits, wipes out, and cuts off at about so many places of a file; how many were told.
    async fn everywhere(&self, file: &Path, places: usize) -> usize {
        let length = fs::read(file).unwrap().len();
        let mut told = 0;
        for at in (0..length).step_by((length / places).max(1)) {
            for damage in [Damage::Flip(at), Damage::Wipe(at, 512), Damage::Cut(at)] {
                told += usize::from(self.with(file, damage).await == Outcome::Told);
            }
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_store_is_found_to_be_so() {
    for sound in [closed().await, left_open().await] {
        let file = sound.files("CURRENT").pop().unwrap();
        assert_eq!(sound.with(&file, Damage::Wipe(0, 0)).await, Outcome::Harmless);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_a_sorted_file_is_told() {
    let sound = Arc::new(closed().await);
    // All files at once: RocksDB waits for a second after each compaction that met damage.
    let mut files = JoinSet::new();
    for file in sound.files(".sst") {
        let sound = Arc::clone(&sound);
        files.spawn(async move {
            let told = sound.everywhere(&file, 3).await;
            assert!(told >= 6, "{}: {told}", file.display());
        });
    }
    while let Some(file) = files.join_next().await {
        file.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_the_log_is_told() {
    let sound = left_open().await;
    for file in sound.files(".log") {
        let told = sound.everywhere(&file, 60).await;
        assert!(told >= 150, "{}: {told}", file.display());
    }
}

/// Where the frame of a record is hit, RocksDB passes over what follows, and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn damage_to_the_frames_of_the_log_is_told() {
    let sound = left_open().await;
    let log = newest_log(sound.directory.path());
    let bytes = fs::read(&log).unwrap();
    let records = records(&bytes);
    assert!(records.len() > LATER, "{}", records.len());
    let some = records.iter().step_by(records.len() / 25).chain(records.iter().rev().take(3));
    for record in some.copied() {
        for damage in [
            Damage::Flip(length(record)),
            Damage::Wipe(record, 7),
            Damage::Wipe(record, 512),
            Damage::Cut(record),
        ] {
            assert_eq!(sound.with(&log, damage).await, Outcome::Told, "{damage:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_the_manifest_is_told() {
    for sound in [closed().await, left_open().await] {
        let manifest = files(sound.directory.path(), "").into_iter().find(|file| is_manifest(file)).unwrap();
        let told = sound.everywhere(&manifest, 40).await;
        assert!(told >= 100, "{told}");
        let records = records(&fs::read(&manifest).unwrap());
        for record in records.iter().copied() {
            for damage in [Damage::Flip(length(record)), Damage::Wipe(record, 7), Damage::Cut(record)] {
                sound.with(&manifest, damage).await;
            }
        }
    }
}

fn is_manifest(file: &Path) -> bool {
    file.file_name().unwrap().to_str().unwrap().starts_with("MANIFEST-")
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_what_names_the_manifest_is_told() {
    let sound = closed().await;
    let current = sound.files("CURRENT").pop().unwrap();
    for at in 0..fs::read(&current).unwrap().len() {
        assert_eq!(sound.with(&current, Damage::Flip(at)).await, Outcome::Told, "{at}");
        assert_eq!(sound.with(&current, Damage::Cut(at)).await, Outcome::Told, "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_what_only_notes_the_settings_is_harmless() {
    let sound = closed().await;
    for options in
        files(sound.directory.path(), "").iter().filter(|it| it.to_str().unwrap().contains("OPTIONS-"))
    {
        assert_eq!(sound.everywhere(options, 10).await, 0);
        assert_eq!(sound.with(options, Damage::Remove).await, Outcome::Harmless);
    }
}

/// Without a file, it is told which, or nothing is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_told() {
    for sound in [closed().await, left_open().await] {
        for file in sound.files("") {
            let outcome = sound.with(&file, Damage::Remove).await;
            let name = file.file_name().unwrap().to_str().unwrap();
            let is_needed =
                name.ends_with(".sst") || name.ends_with(".log") || name == "CURRENT" || is_manifest(&file);
            assert_eq!(outcome == Outcome::Told, is_needed, "{name}");
        }
    }
}

/// A reader would show a family as it was before that file, and all others as they are: a stream that has no events.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_told_of_every_file_that_is_gone_or_cut_off() {
    let sound = closed().await;
    let tables = sound.files(".sst");
    for file in &tables {
        let half = fs::read(file).unwrap().len() / 2;
        for damage in [Damage::Remove, Damage::Cut(half), Damage::Cut(0)] {
            let damaged = copy(sound.directory.path());
            let file = damaged.path().join(file.file_name().unwrap());
            damage.to(&file);
            let opened = RocksDbReader::open(damaged.path()).map(drop);
            assert!(matches!(opened, Err(StoreError::Corrupted { .. })), "{damage:?} {file:?}: {opened:?}");
            let (_, damages) = RocksDbReader::open_damaged(damaged.path()).unwrap();
            let told: Vec<_> = damages.iter().map(|damage| message_with_causes(damage)).collect();
            let name = file.file_stem().unwrap().to_str().unwrap();
            assert!(told.iter().any(|told| told.contains(name)), "{damage:?} {file:?}: {told:?}");
        }
    }
    assert!(RocksDbReader::open(sound.directory.path()).is_ok());
}

/// One whose process has ended without closing it, after it has written files: the manifest tells of them at its end.
async fn left_open_with_files() -> Sound {
    let directory = tempfile::tempdir().unwrap();
    let store = RocksDbBackend::with_config(directory.path(), without_waiting()).unwrap();
    append(&store, 0..EVENTS).await;
    save_snapshots(&store).await;
    store.flush().await.unwrap();
    let (events, stats) = (all(&store).await.unwrap(), store.stats().await.unwrap());
    let left = whole_copy(directory.path(), &stats);
    Sound { directory: left, events, stats }
}

/// RocksDB would take the files that it does not name any more for left over, and delete them.
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_has_lost_its_end_is_told_before_a_file_is_deleted() {
    let sound = left_open_with_files().await;
    let manifest = files(sound.directory.path(), "").into_iter().find(|file| is_manifest(file)).unwrap();
    let records = records(&fs::read(&manifest).unwrap());
    assert!(records.len() > 20, "{}", records.len());
    for record in records.iter().rev().take(40).copied() {
        for damage in [Damage::Cut(record), Damage::Flip(length(record)), Damage::Wipe(record, 7)] {
            let damaged = copy(sound.directory.path());
            damage.to(&damaged.path().join(manifest.file_name().unwrap()));
            let before = contents(damaged.path());
            match RocksDbBackend::with_config(damaged.path(), small()) {
                Err(_) => assert!(contents(damaged.path()) == before, "{damage:?}: it was changed"),
                // Of a file that was merged into another, or would have been.
                Ok(store) => assert!(all(&store).await.unwrap() == sound.events, "{damage:?}"),
            }
        }
    }
}

/// Opening tells before anything is changed: what is whole can be saved.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_left_as_it_is() {
    let sound = left_open().await;
    let log = newest_log(sound.directory.path());
    let cut = fs::read(&log).unwrap().len() - 700;
    Damage::Cut(cut).to(&log);
    let before = contents(sound.directory.path());
    assert!(RocksDbBackend::with_config(sound.directory.path(), small()).is_err());
    assert!(contents(sound.directory.path()) == before);
}

/// What RocksDB alone cannot tell apart from a write that the power has met; the file `SYNCED` can.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_note_of_what_is_durable_is_gone_too_a_log_that_is_cut_off_is_taken_for_one_that_was_being_written()
 {
    let sound = left_open().await;
    fs::remove_file(sound.directory.path().join("SYNCED")).unwrap();
    let (whole, log) = (sound.directory.path(), newest_log(sound.directory.path()));
    let records = records(&fs::read(&log).unwrap());
    let cut = copy(whole);
    Damage::Cut(records[records.len() - 3]).to(&cut.path().join(log.file_name().unwrap()));
    let store = open(cut.path());
    let left = count_from_the_first(&all(&store).await.unwrap());
    assert!(left < EVENTS + LATER && left > EVENTS + LATER - 5, "{left}");
    store.close().await.unwrap();
    assert_eq!(verified(cut.path()), left);
    // In the middle of it, it is noticed all the same.
    for record in [records[1], records[records.len() / 2]] {
        assert_eq!(sound.with(&log, Damage::Wipe(record, 7)).await, Outcome::Told);
    }
}

/// Also where the frame of a write is gone, of which RocksDB says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_it_gets_what_lies_before_the_damage() {
    let sound = left_open().await;
    let log = newest_log(sound.directory.path());
    let records = records(&fs::read(&log).unwrap());
    let middle = records[records.len() / 2];
    for (damage, at_least) in [
        (Damage::Cut(records[records.len() - 3]), EVENTS + LATER - 5),
        (Damage::Flip(middle + 20), EVENTS + LATER / 3),
        (Damage::Wipe(middle, 7), EVENTS + LATER / 3),
        (Damage::Remove, EVENTS),
    ] {
        let damaged = copy(sound.directory.path());
        damage.to(&damaged.path().join(log.file_name().unwrap()));
        assert!(RocksDbBackend::with_config(damaged.path(), small()).is_err(), "{damage:?}");
        let config = RocksDbConfig { recovery: Recovery::UpToDamage, ..small() };
        let store = RocksDbBackend::with_config(damaged.path(), config).unwrap();
        let left = count_from_the_first(&all(&store).await.unwrap());
        assert!((at_least..EVENTS + LATER).contains(&left), "{damage:?}: {left}");
        append(&store, left..left + 10).await;
        store.close().await.unwrap();
        // What was overlooked once is not asked about again.
        assert_eq!(verified(damaged.path()), left + 10);
        assert_eq!(all(&open(damaged.path())).await.unwrap().len(), left + 10);
    }
}

/// RocksDB would look for the end of such a frame for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_an_unknown_kind_that_leads_beyond_the_end_is_told() {
    let sound = left_open().await;
    for file in files(sound.directory.path(), "") {
        if !is_manifest(&file) && file.extension().is_none_or(|it| it != "log") {
            continue;
        }
        let damaged = copy(sound.directory.path());
        let damaged_file = damaged.path().join(file.file_name().unwrap());
        let mut bytes = fs::read(&damaged_file).unwrap();
        bytes.extend_from_slice(&[0x7c, 0x5a, 0x5c, 0xc9, 0x67, 0x00, 0x83]);
        fs::write(&damaged_file, bytes).unwrap();
        for recovery in [Recovery::Strict, Recovery::UpToDamage] {
            let opened = RocksDbBackend::with_config(damaged.path(), RocksDbConfig { recovery, ..small() });
            let error = opened.err().map(|error| message_with_causes(&error)).unwrap_or_default();
            assert!(error.contains("a frame is of the unknown kind 131"), "{}: {error}", file.display());
        }
        assert!(matches!(verify(damaged.path()), Err(StoreError::Corrupted { .. })));
    }
}
