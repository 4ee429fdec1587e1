//! A verification finds each key that is not as it should be, and names it: keys are changed as only somebody does who has the
//! database open without this crate, so that every checksum is right.

use std::path::Path;

use eventstore_api::EventStoreBackend;
use eventstore_rocksdb::verify;
use rust_rocksdb::{DB, IteratorMode, Options};
use tempfile::TempDir;

use crate::support::{all, append, assert_corrupted, contents, copy, open, save_snapshots};

const FAMILIES: [&str; 6] = ["events", "streams", "ids", "postings", "snapshots", "meta"];

async fn sound() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..50).await;
    save_snapshots(&store).await;
    store.close().await.unwrap();
    directory
}

/// The database, as anybody opens it.
struct Anybody(DB);

impl Anybody {
    fn open(path: &Path) -> Self {
        Self(DB::open_cf(&Options::default(), path, FAMILIES).unwrap())
    }

    /// The keys of a family that begin so, in their order.
    fn keys(&self, family: &str, beginning: &[u8]) -> Vec<Vec<u8>> {
        let handle = self.0.cf_handle(family).unwrap();
        let keys = self.0.iterator_cf(handle, IteratorMode::Start).map(|item| item.unwrap().0.into_vec());
        keys.filter(|key| key.starts_with(beginning)).collect()
    }

    fn get(&self, family: &str, key: &[u8]) -> Vec<u8> {
        self.0.get_cf(self.0.cf_handle(family).unwrap(), key).unwrap().unwrap()
    }

    fn put(&self, family: &str, key: &[u8], value: &[u8]) {
        self.0.put_cf(self.0.cf_handle(family).unwrap(), key, value).unwrap();
    }

    fn remove(&self, family: &str, key: &[u8]) {
        assert!(self.0.get_cf(self.0.cf_handle(family).unwrap(), key).unwrap().is_some());
        self.0.delete_cf(self.0.cf_handle(family).unwrap(), key).unwrap();
    }
}

/// That after this change the damage is told in these words, and nothing is changed by looking.
#[track_caller]
fn finds(sound: &TempDir, change: impl FnOnce(&Anybody), words: &str) {
    let damaged = copy(sound.path());
    let anybody = Anybody::open(damaged.path());
    change(&anybody);
    drop(anybody);
    let before = contents(damaged.path());
    assert_corrupted(verify(damaged.path()), words);
    assert!(contents(damaged.path()) == before, "it was changed");
}

fn position(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

#[tokio::test]
async fn a_sound_store_is_found_to_be_so_and_is_not_changed() {
    let sound = sound().await;
    let before = contents(sound.path());
    let stats = verify(sound.path()).unwrap().stats;
    assert_eq!((stats.total_events, stats.total_streams, stats.total_snapshots), (50, 7, 7));
    assert!(contents(sound.path()) == before);
    // Nor does it matter who has opened it.
    drop(Anybody::open(sound.path()));
    verify(sound.path()).unwrap();
}

#[tokio::test]
async fn an_event_that_is_missing_or_another_one_is_found() {
    let sound = sound().await;
    finds(&sound, |it| it.remove("events", &position(3)), "the event at position 3 is missing");
    finds(&sound, |it| it.remove("events", &position(1)), "the event at position 1 is missing");
    finds(&sound, |it| it.remove("events", &position(50)), "the store ends at 49");
    finds(
        &sound,
        |it| it.put("events", &position(51), &it.get("events", &position(50))),
        "51 is the last one",
    );
    let swapped = |it: &Anybody| it.put("events", &position(4), &it.get("events", &position(3)));
    finds(&sound, swapped, "does not lead to the event at position 4");
    finds(&sound, |it| it.put("events", &position(4), b"short"), "what is stored at position 4 is no event");
    finds(&sound, |it| it.put("events", b"odd", b"value"), "the key of an event is no position");
    let cut = |it: &Anybody| {
        let value = it.get("events", &position(4));
        it.put("events", &position(4), &value[..value.len() - 1]);
    };
    finds(&sound, cut, "what is stored at position 4 is no event");
}

#[tokio::test]
async fn an_entry_of_a_stream_that_is_missing_wrong_or_too_many_is_found() {
    let sound = sound().await;
    let entry = |version: u64| [b"account-2\0".as_slice(), &version.to_be_bytes()].concat();
    finds(&sound, |it| it.remove("streams", &entry(2)), "version 2 of stream `account-2` is missing");
    finds(
        &sound,
        |it| it.remove("streams", &entry(7)),
        "the index of streams does not lead to the event at position 45",
    );
    let moved = |it: &Anybody| it.put("streams", &entry(2), &it.get("streams", &entry(3)));
    finds(&sound, moved, "the index of streams does not lead to the event at position 10");
    let more = |it: &Anybody| it.put("streams", &entry(8), &it.get("streams", &entry(7)));
    finds(&sound, more, "the index of streams has 51 entries");
    let foreign =
        |it: &Anybody| it.put("streams", b"nobody\0\0\0\0\0\0\0\0\x01", &it.get("streams", &entry(1)));
    finds(&sound, foreign, "and it holds");
}

#[tokio::test]
async fn an_id_that_is_missing_wrong_or_too_many_is_found() {
    let sound = sound().await;
    finds(
        &sound,
        |it| it.remove("ids", &it.keys("ids", b"")[4]),
        "the index of ids does not lead to the event",
    );
    let moved = |it: &Anybody| it.put("ids", &it.keys("ids", b"")[4], &position(9));
    finds(&sound, moved, "the index of ids does not lead to the event");
    // As many entries as before, with the same keys and the same values.
    let exchanged = |it: &Anybody| {
        let keys = it.keys("ids", b"");
        let values = [it.get("ids", &keys[4]), it.get("ids", &keys[5])];
        it.put("ids", &keys[4], &values[1]);
        it.put("ids", &keys[5], &values[0]);
    };
    finds(&sound, exchanged, "the index of ids does not lead to the event");
    let another = |it: &Anybody| {
        it.remove("ids", &it.keys("ids", b"")[4]);
        it.put("ids", b"0123456789abcdefaccount-1", &position(9));
    };
    finds(&sound, another, "the index of ids does not lead to the event");
    finds(
        &sound,
        |it| it.put("ids", b"0123456789abcdefaccount-1", &position(9)),
        "the index of ids has 51 entries",
    );
}

#[tokio::test]
async fn a_posting_that_is_missing_or_too_many_is_found() {
    let sound = sound().await;
    let of = |it: &Anybody, kind: &[u8]| it.keys("postings", kind)[2].clone();
    finds(
        &sound,
        |it| it.remove("postings", &of(it, b"t")),
        "the index of tags does not lead to the event at position",
    );
    finds(
        &sound,
        |it| it.remove("postings", &of(it, b"y")),
        "the index of types does not lead to the event at position",
    );
    let tag = |it: &Anybody| it.put("postings", b"tbranch:9\0\0\0\0\0\0\0\0\x04", b"");
    finds(&sound, tag, "the index of tags has 51 entries");
    let filled = |it: &Anybody| it.put("postings", &of(it, b"t"), b"something");
    finds(&sound, filled, "the index of tags does not lead to the event at position");
    let kind = |it: &Anybody| it.put("postings", b"yPaid\0\0\0\0\0\0\0\0\x04", b"");
    finds(&sound, kind, "the index of types has 4 entries");
    finds(&sound, |it| it.put("postings", b"zebra", b""), "a posting is neither of a tag nor of a type");
}

#[tokio::test]
async fn a_snapshot_that_is_missing_unreadable_or_another_s_is_found() {
    let sound = sound().await;
    finds(&sound, |it| it.remove("snapshots", b"account-3"), "the store says that it holds");
    finds(
        &sound,
        |it| it.put("snapshots", b"account-3", b"nothing"),
        "the snapshot of stream `account-3` cannot be read",
    );
    let another = |it: &Anybody| it.put("snapshots", b"account-3", &it.get("snapshots", b"account-4"));
    finds(&sound, another, "under stream `account-3` there is the snapshot of `account-4`");
    finds(&sound, |it| it.put("snapshots", b"\x01", b""), "a snapshot is of no stream");
}

#[tokio::test]
async fn what_the_store_says_of_itself_is_held_against_what_is_there() {
    let sound = sound().await;
    finds(&sound, |it| it.remove("meta", b"state"), "the store says that its last event is at 0");
    finds(&sound, |it| it.put("meta", b"state", b"short"), "the counts of the store have another length");
    // Events, streams, snapshots and head; the same of what is durable; the last time, and the greatest id.
    for (number, words) in [
        (0, "the store says that it holds"),
        (1, "the store says that it holds"),
        (2, "the store says that it holds"),
        (3, "the store says that its last event is at"),
        (4, "more is durable"),
        (7, "more is durable"),
        (8, "another greatest id or last time"),
        (9, "another greatest id or last time"),
    ] {
        let change = |it: &Anybody| {
            let mut state = it.get("meta", b"state");
            state[number * 8 + 1] ^= 0x40;
            it.put("meta", b"state", &state);
        };
        finds(&sound, change, words);
    }
    finds(&sound, |it| it.remove("meta", b"format"), "the key `format` in the column family `meta`");
}

/// Reads tell of what they meet, and go on elsewhere.
#[tokio::test]
async fn whoever_reads_what_is_missing_is_told() {
    let sound = sound().await;
    Anybody::open(sound.path()).remove("events", &position(9));
    let store = open(sound.path());
    assert_corrupted(all(&store).await, "the event at position 9 is missing");
    assert_corrupted(
        store.get_events(&crate::support::stream(8)).await,
        "the event at position 9 is missing",
    );
    assert_eq!(store.get_events(&crate::support::stream(0)).await.unwrap().len(), 8);
}
