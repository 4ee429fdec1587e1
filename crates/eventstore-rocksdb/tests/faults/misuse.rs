//! Whoever uses a store as he should not is told so, and nothing is lost by it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use eventstore_api::{
    EventStoreBackend, ExpectedVersion, GlobalPosition, Snapshot, StoreError, Version, message_with_causes,
};
use eventstore_rocksdb::{
    Durability, RocksDbBackend, RocksDbConfig, RocksDbError, RocksDbReader, restore, verify,
};
use rust_rocksdb::{DB, Options};
use tokio::task::JoinSet;

use crate::support::{
    Killed, all, append, assert_corrupted, cause, contents, count_from_the_first, event, open, other_process,
    part, small, stream,
};

const PATIENCE: Duration = Duration::from_secs(60);

fn refused(path: &Path) -> StoreError {
    RocksDbBackend::with_config(path, small()).unwrap_err()
}

#[track_caller]
fn assert_in_use(path: &Path) {
    let error = refused(path);
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(matches!(cause(&error), Some(RocksDbError::InUse { .. })), "{error:?}");
}

#[track_caller]
fn assert_foreign(path: &Path, words: &str) {
    let before = contents(path);
    let error = refused(path);
    assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    assert!(matches!(cause(&error), Some(RocksDbError::NotAnEventStore { .. })), "{error:?}");
    let text = message_with_causes(&error);
    assert!(text.contains(words), "{text}");
    assert!(contents(path) == before, "it was changed");
}

#[tokio::test]
async fn a_second_writer_in_this_process_is_refused_and_the_first_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..10).await;
    for _ in 0..3 {
        assert_in_use(directory.path());
        append(&store, 10..10).await;
    }
    // Without the file that both lock, RocksDB's own lock is there.
    fs::remove_file(directory.path().join("SYNCED")).unwrap();
    assert_in_use(directory.path());
    append(&store, 10..20).await;
    store.close().await.unwrap();
    assert_eq!(count_from_the_first(&all(&open(directory.path())).await.unwrap()), 20);
}

/// A process that has the store until it is told to let go.
fn holder(test: &str, path: &Path) -> (Killed, ChildStdin, BufReader<ChildStdout>) {
    let mut process = other_process(test, path);
    let mut child = Killed(process.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(child.0.stdout.take().unwrap());
    assert!(said.by_ref().lines().any(|line| line.unwrap().ends_with("it is open")), "it ended");
    let stdin = child.0.stdin.take().unwrap();
    (child, stdin, said)
}

#[tokio::test]
async fn a_writer_in_another_process_is_refused_until_the_first_has_closed_or_is_killed() {
    if let Some(path) = part() {
        let store = open(&path);
        println!("it is open");
        let _ = std::io::stdin().read_line(&mut String::new());
        return store.close().await.unwrap();
    }
    let test = "misuse::a_writer_in_another_process_is_refused_until_the_first_has_closed_or_is_killed";
    let directory = tempfile::tempdir().unwrap();
    let (mut child, mut stdin, _said) = holder(test, directory.path());
    assert_in_use(directory.path());
    RocksDbReader::open(directory.path()).unwrap();
    writeln!(stdin, "let go").unwrap();
    assert!(child.0.wait().unwrap().success());
    append(&open(directory.path()), 0..3).await;

    let (mut child, _stdin, _said) = holder(test, directory.path());
    assert_in_use(directory.path());
    child.kill();
    append(&open(directory.path()), 3..6).await;
}

#[tokio::test]
async fn files_of_somebody_else_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["notes.txt", "app.log", "picture.sst"] {
        fs::write(directory.path().join(name), name).unwrap();
    }
    fs::create_dir(directory.path().join("more")).unwrap();
    let store = open(directory.path());
    append(&store, 0..2_000).await;
    store.close().await.unwrap();
    verify(directory.path()).unwrap();
    for name in ["notes.txt", "app.log", "picture.sst"] {
        assert_eq!(fs::read_to_string(directory.path().join(name)).unwrap(), name);
    }
}

#[test]
fn a_database_of_somebody_else_is_refused_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // In the default family alone.
    let path = directory.path().join("default");
    DB::open(&options, &path).unwrap().put("key", "value").unwrap();
    assert_foreign(&path, "without the column families");
    // Others, with and without what is called as ours are.
    for (name, families) in [("others", ["default", "users"]), ("ours", ["meta", "users"])] {
        let path = directory.path().join(name);
        let foreign = DB::open_cf(&options, &path, families).unwrap();
        foreign.put_cf(foreign.cf_handle("users").unwrap(), "key", "value").unwrap();
        drop(foreign);
        assert_foreign(&path, "`users`");
    }
}

#[tokio::test]
async fn a_store_of_a_later_format_is_refused_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..10).await;
    store.close().await.unwrap();
    let later = |families: &[&str]| {
        let mut options = Options::default();
        options.create_missing_column_families(true);
        let all = ["events", "streams", "ids", "postings", "snapshots", "meta"].iter().chain(families);
        let database = DB::open_cf(&options, directory.path(), all).unwrap();
        database.put_cf(database.cf_handle("meta").unwrap(), "format", 2_u32.to_le_bytes()).unwrap();
        // Whoever brings a store up to date writes that into a file before he goes on.
        database.flush_cf(database.cf_handle("meta").unwrap()).unwrap();
    };
    // It may have families that nobody knows here.
    for families in [&[][..], &["positions"]] {
        later(families);
        let before = contents(directory.path());
        for error in [refused(directory.path()), verify(directory.path()).unwrap_err()] {
            let is_later =
                matches!(cause(&error), Some(RocksDbError::UnknownFormat { found: 2, known: 1, .. }));
            assert!(is_later, "{error:?}");
        }
        assert!(contents(directory.path()) == before, "it was changed");
    }
}

#[tokio::test]
async fn a_directory_that_has_lost_what_names_its_files_is_refused_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..10).await;
    store.close().await.unwrap();
    fs::remove_file(directory.path().join("CURRENT")).unwrap();
    let before = contents(directory.path());
    assert_corrupted(RocksDbBackend::open(directory.path()), "`CURRENT` is missing");
    // Nor when nothing else is left but what says that there was something.
    for (file, _) in &before {
        if !file.ends_with("SYNCED") {
            fs::remove_file(file).unwrap();
        }
    }
    assert_corrupted(RocksDbBackend::open(directory.path()), "events up to position 10");
}

#[test]
fn a_file_is_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("plain");
    fs::write(&file, "text").unwrap();
    for path in [file.clone(), file.join("below")] {
        let failures = [
            refused(&path),
            verify(&path).unwrap_err(),
            RocksDbReader::open(&path).unwrap_err(),
            restore(&path, directory.path().join("new")).unwrap_err(),
        ];
        for error in failures {
            assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
            let text = message_with_causes(&error);
            assert!(text.contains(path.to_str().unwrap()), "{text}");
        }
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");
}

#[test]
fn what_is_not_there_is_not_made_by_looking() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    assert!(verify(&missing).is_err());
    assert!(RocksDbReader::open(&missing).is_err());
    assert!(restore(&missing, directory.path().join("new")).is_err());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// As somebody who may not write there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_permission_it_is_said_where() {
    use std::os::unix::fs::PermissionsExt;

    if let Some(path) = part() {
        let error = refused(&path);
        assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
        let text = message_with_causes(&error);
        return assert!(text.contains(path.to_str().unwrap()) && text.contains("ermission denied"), "{text}");
    }
    if let Err(why) = small_disk::available() {
        return small_disk::leave_out("what a store on RocksDB says without permission (`misuse`)", &why);
    }
    let directory = tempfile::tempdir().unwrap();
    let (closed, readable) = (directory.path().join("closed"), directory.path().join("readable"));
    fs::create_dir(&closed).unwrap();
    let store = open(&readable);
    append(&store, 0..10).await;
    store.close().await.unwrap();
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o500)).unwrap();
    for file in crate::support::files(&readable, "") {
        fs::set_permissions(file, PermissionsExt::from_mode(0o400)).unwrap();
    }
    fs::set_permissions(&readable, PermissionsExt::from_mode(0o500)).unwrap();
    for path in [closed.join("store"), readable.clone()] {
        let process = other_process("misuse::without_permission_it_is_said_where", &path);
        // In a user name space, even root is nobody special.
        let mut unprivileged = std::process::Command::new("unshare");
        unprivileged
            .args(["-U", "--map-user=1000", "--map-group=1000"])
            .arg(process.get_program())
            .args(process.get_args());
        unprivileged.envs(process.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert!(unprivileged.status().unwrap().success(), "{}", path.display());
    }
    for path in [&closed, &readable] {
        fs::set_permissions(path, PermissionsExt::from_mode(0o700)).unwrap();
    }
}

#[tokio::test]
async fn a_writer_opens_what_a_reader_has_open() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let reader = RocksDbReader::open(directory.path()).unwrap();
    let store = open(directory.path());
    append(&store, 0..10).await;
    store.close().await.unwrap();
    assert_eq!(count_from_the_first(&all(&reader).await.unwrap()), 10);
    drop(reader);
    assert_eq!(count_from_the_first(&all(&open(directory.path())).await.unwrap()), 10);
}

#[tokio::test]
async fn a_store_that_is_closed_says_so_whatever_it_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..10).await;
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.wait_past(GlobalPosition::new(10)).await.map(drop) }
    });
    let (first, second) = tokio::join!(store.close(), store.close());
    assert_eq!((first.is_ok(), second.is_ok()), (true, true));
    store.close().await.unwrap();

    let kind = eventstore_api::EventType::new("Account").unwrap();
    let answers = [
        store.append(&stream(1), ExpectedVersion::Any, vec![event(1)]).await.map(drop),
        store.get_events(&stream(1)).await.map(drop),
        store.get_all_events().await.map(drop),
        store.get_latest_snapshot(&stream(1)).await.map(drop),
        store.save_snapshot(Snapshot::new(stream(1), Version::new(1), kind, "state")).await,
        store.stats().await.map(drop),
        store.head().await.map(drop),
        store.flush().await,
        store.backup_to(directory.path().join("backup")).await,
        waiting.await.unwrap(),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::Closed)), "{answer:?}");
    }
}

/// Nobody waits for such reads any more, and the store is let go all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_dropped_with_reads_and_appends_on_their_way_can_be_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let config = || RocksDbConfig { durability: Durability::OsBuffered, ..small() };
    let store = RocksDbBackend::with_config(directory.path(), config()).unwrap();
    append(&store, 0..5_000).await;
    drop(store);
    for round in 0..20 {
        let store = RocksDbBackend::with_config(directory.path(), config()).unwrap();
        let wait = Duration::from_micros(200 * round);
        let _ = tokio::time::timeout(wait, store.get_all_events()).await;
        let _ = tokio::time::timeout(wait, append(&store, 0..1)).await;
    }
    verify(directory.path()).unwrap();
}

/// Some are dropped at any point of their way; those that stay are answered, and what they were told is true.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn whoever_stays_is_answered_though_others_leave() {
    for durability in
        [Durability::Always, Durability::Interval(Duration::from_millis(2)), Durability::OsBuffered]
    {
        let directory = tempfile::tempdir().unwrap();
        let config = RocksDbConfig { durability, queue_bytes: 1_024, ..small() };
        let store = RocksDbBackend::with_config(directory.path(), config).unwrap();
        let (mut staying, mut leaving) = (JoinSet::new(), JoinSet::new());
        for task in 0..7 {
            let (stays, leaves) = (store.clone(), store.clone());
            staying.spawn(async move {
                for number in 0..60 {
                    stays.append(&stream(task), ExpectedVersion::Any, vec![event(number)]).await.unwrap();
                }
            });
            leaving.spawn(async move { append(&leaves, 0..1_000).await });
        }
        let all_of_them = async {
            while let Some(done) = staying.join_next().await {
                done.unwrap();
                leaving.abort_all();
            }
        };
        tokio::time::timeout(PATIENCE, all_of_them).await.unwrap();
        while leaving.join_next().await.is_some() {}
        for task in 0..7 {
            assert!(store.get_events(&stream(task)).await.unwrap().len() >= 60);
        }
        store.close().await.unwrap();
        verify(directory.path()).unwrap();
    }
}
