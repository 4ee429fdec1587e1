//! Old partitions become Parquet files, and go.

use std::{fs::File, time::Duration};

use crate::support::{
    Schema, connect,
    events::{all, events, motley, stream},
};
use eventstore_api::{
    EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition, ReadAll, RecordedEvent, StoreError,
    Version,
};
use eventstore_parquet::ParquetReader;
use eventstore_postgres::{
    Partitioning, PostgresBackend, PostgresConfig, PostgresStats, RetentionPolicy, RetiredPartition,
};

const NOTHING_STAYS: RetentionPolicy = RetentionPolicy { keep_for: Duration::ZERO, keep_events: 0 };

async fn open(schema: &Schema) -> PostgresBackend {
    let partitioning = Some(Partitioning::by_events(10.try_into().unwrap()));
    schema.open_with(PostgresConfig { partitioning, ..schema.config() }).await
}

fn read(retired: &RetiredPartition) -> Vec<RecordedEvent> {
    let mut reader = ParquetReader::open(File::open(&retired.file).unwrap()).unwrap();
    reader.events().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_in_a_file_or_in_the_log() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(20)).await.unwrap();
    store.append(&stream("b"), ExpectedVersion::Any, motley()).await.unwrap();
    let before = all(&store).await;

    let retired = store.retire(directory.path(), NOTHING_STAYS).await.unwrap();
    let bounds: Vec<(u64, u64)> =
        retired.iter().map(|it| (it.first_position.get(), it.last_position.get())).collect();
    assert_eq!(bounds, [(1, 10), (11, 20)]);
    let files: Vec<RecordedEvent> = retired.iter().flat_map(read).collect();
    assert_eq!([files, all(&store).await].concat(), before);
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2, "nothing else is left in the directory");
    assert_eq!(
        store.retire(directory.path(), NOTHING_STAYS).await.unwrap(),
        [],
        "the last partition never goes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_go_on_and_counts_are_of_what_is_there() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("gone"), ExpectedVersion::Any, events(4)).await.unwrap();
    store.append(&stream("stays"), ExpectedVersion::Any, events(12)).await.unwrap();
    store.retire(directory.path(), NOTHING_STAYS).await.unwrap();

    let stats = store.stats().await.unwrap();
    assert_eq!((stats.total_events, stats.head), (6, GlobalPosition::new(16)));
    assert_eq!(stats.total_streams, 1, "a stream without events is none");
    let page = store.get_events(&stream("stays")).await.unwrap();
    assert_eq!(page.first().map(|event| event.version), Some(Version::new(7)));

    let refused = store.append(&stream("gone"), ExpectedVersion::NoStream, events(1)).await;
    let Err(StoreError::WrongExpectedVersion { actual, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(actual, Version::new(4));
    let exact = ExpectedVersion::Exact(Version::new(4));
    let appended = store.append(&stream("gone"), exact, events(1)).await.unwrap();
    assert_eq!(appended.first_version, Version::new(5));
    assert_eq!(store.stats().await.unwrap().total_streams, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_out_is_not_stored_a_second_time() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    let old = events(10);
    store.append(&stream("a"), ExpectedVersion::Any, old.clone()).await.unwrap();
    store.append(&stream("a"), ExpectedVersion::Any, events(1)).await.unwrap();
    store.retire(directory.path(), NOTHING_STAYS).await.unwrap();
    let refused = store.append(&stream("a"), ExpectedVersion::Any, old).await;
    let Err(error @ StoreError::Storage { .. }) = refused else { panic!("{refused:?}") };
    assert!(String::from(error).contains("has been moved out of the log"));
    assert_eq!(store.stats().await.unwrap().total_events, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_begin_behind_what_was_moved_out() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("x"), ExpectedVersion::Any, motley()).await.unwrap();
    store.append(&stream("x"), ExpectedVersion::Any, motley()).await.unwrap();
    store.retire(directory.path(), NOTHING_STAYS).await.unwrap();
    let tagged = EventFilter::tagged(eventstore_api::Tags::parse(["a:b"]).unwrap());
    let page = store.read_all(&ReadAll::forward().filter(tagged)).await.unwrap();
    let found: Vec<u64> = page.events.iter().map(|event| event.position.get()).collect();
    assert_eq!(found, [14], "the one at 7 is gone");
    let tags = format!("SELECT count(*) FROM {}.event_tags", schema.name);
    assert_eq!(connect().await.query_one(&tags, &[]).await.unwrap().get::<_, i64>(0), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_bounds_somebody_has_changed_stays_and_is_told() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(20)).await.unwrap();
    let change = format!("UPDATE {}.partitions SET first_position = 0 WHERE first_position = 1", schema.name);
    connect().await.batch_execute(&change).await.unwrap();
    let refused = store.retire(directory.path(), NOTHING_STAYS).await;
    let Err(StoreError::Corrupted { place, detail }) = refused else { panic!("{refused:?}") };
    let told = "one goes from position 0 to before 11";
    assert_eq!((place.as_str(), detail.as_str()), ("the table partitions", told));
    assert_eq!(all(&store).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_says_what_stays() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(35)).await.unwrap();
    let retire = |policy| store.retire(directory.path(), policy);
    assert_eq!(retire(RetentionPolicy::default()).await.unwrap(), [], "they are no year old");
    let retired = retire(RetentionPolicy { keep_events: 20, ..NOTHING_STAYS }).await.unwrap();
    assert_eq!(retired.len(), 1, "20 events stay, and the partition that holds the 21st");
    let retired = retire(RetentionPolicy { keep_events: 15, ..NOTHING_STAYS }).await.unwrap();
    assert_eq!(retired.last().map(|it| it.last_position.get()), Some(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_file_can_be_written_nothing_goes() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(15)).await.unwrap();
    let refused = store.retire(directory.path().join("not there"), NOTHING_STAYS).await;
    let Err(error @ StoreError::Storage { .. }) = refused else { panic!("{refused:?}") };
    assert!(String::from(error).contains("not there"));
    assert_eq!(all(&store).await.len(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_one_table_has_nothing_to_move_out() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = schema.open().await;
    store.append(&stream("a"), ExpectedVersion::Any, events(15)).await.unwrap();
    assert_eq!(store.retire(directory.path(), NOTHING_STAYS).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_may_share_a_directory() {
    let (one, other, directory) = (Schema::new(), Schema::new(), tempfile::tempdir().unwrap());
    let mut expected = Vec::new();
    for schema in [&one, &other] {
        let store = open(schema).await;
        store.append(&stream("a"), ExpectedVersion::Any, events(11)).await.unwrap();
        expected.push(all(&store).await.into_iter().take(10).collect::<Vec<_>>());
        let retired = store.retire(directory.path(), NOTHING_STAYS).await.unwrap();
        assert_eq!(retired.len(), 1);
    }
    let mut found: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort_by_key(|path| path.to_str().unwrap().contains(other.name.as_str()));
    for (path, expected) in found.iter().zip(&expected) {
        let mut reader = ParquetReader::open(File::open(path).unwrap()).unwrap();
        assert_eq!(reader.events().map(Result::unwrap).collect::<Vec<_>>(), *expected);
    }
    assert_eq!(found.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_there_already_is_not_touched_unless_it_is_the_same() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(11)).await.unwrap();
    let before = all(&store).await;
    let place = directory.path().join(format!("{}-000000000001-000000000010.parquet", schema.name));
    std::fs::write(&place, "somebody's only copy").unwrap();
    let refused = store.retire(directory.path(), NOTHING_STAYS).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(std::fs::read(&place).unwrap(), b"somebody's only copy");
    assert_eq!(all(&store).await, before);
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "what was written aside is gone");

    // As a call leaves it that ended between the file and the partition.
    std::fs::remove_file(&place).unwrap();
    let retired = store.retire(directory.path(), NOTHING_STAYS).await.unwrap();
    assert_eq!(retired.first().map(|it| it.file.clone()), Some(place.canonicalize().unwrap()));
    let other = open(&schema).await;
    assert_eq!(other.retire(directory.path(), NOTHING_STAYS).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_retire_at_once_lose_nothing() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(45)).await.unwrap();
    let before = all(&store).await;
    let both = [store.clone(), open(&schema).await].map(|store| {
        let directory = directory.path().to_owned();
        tokio::spawn(async move { store.retire(directory, NOTHING_STAYS).await })
    });
    for one in both {
        // The slower one may find that the partition which it has written out is gone.
        let _ = one.await.unwrap();
    }
    store.retire(directory.path(), NOTHING_STAYS).await.unwrap();
    let mut files: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    for path in &files {
        let mut reader = ParquetReader::open(File::open(path).unwrap()).unwrap();
        found.extend(reader.events().map(Result::unwrap));
    }
    assert_eq!(files.len(), 4);
    assert_eq!([found, all(&store).await].concat(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_say_what_is_in_partitions_and_what_was_moved_out() {
    let (schema, directory) = (Schema::new(), tempfile::tempdir().unwrap());
    let store = open(&schema).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(25)).await.unwrap();
    let before = *store.stats().await.unwrap().specific::<PostgresStats>().unwrap();
    store.retire(directory.path(), NOTHING_STAYS).await.unwrap();
    let stats = store.stats().await.unwrap();
    let after = *stats.specific::<PostgresStats>().unwrap();
    assert_eq!((before.retired_events, after.retired_events), (0, 20));
    assert_eq!(before.partitions - after.partitions, 2);
    assert!(after.event_bytes > 0 && after.event_bytes < before.event_bytes, "{before:?} {after:?}");
    assert!(after.connections >= 1 && after.connections <= after.max_connections, "{after:?}");
    assert_eq!(stats.backend_specific()["backend_type"], "postgres");
    // Another store could not have it: it has no beginning.
    let other = Schema::new();
    let refused = other.open().await.restore(all(&store).await).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::InvalidInput(_) | StoreError::WrongExpectedVersion { .. }),
        "{refused:?}"
    );
}
