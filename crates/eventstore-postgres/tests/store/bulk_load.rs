//! An empty log that is filled with another store's events: two indexes are left out meanwhile.

use crate::support::{
    Schema, connect,
    events::{all, append_of, events, places, stream},
    outcome::{cause, eventually, in_time},
};
use eventstore_api::{
    EventFilter, EventStoreBackend, EventType, ExpectedVersion, RecordedEvent, StoreError, StreamRange, Tags,
    Version,
};
use eventstore_postgres::{
    Migrations, Partitioning, PostgresBackend, PostgresConfig, PostgresError, migrate,
};

/// As many at a time as are a bulk, or more.
const BULK: usize = 1_024;

/// So many events of another store, of forty streams in turn, some of them with a tag.
async fn of_another_store(count: usize) -> Vec<RecordedEvent> {
    let schema = Schema::new();
    let store = schema.open().await;
    let append = |number: usize| {
        let mut events = events(1);
        if number.is_multiple_of(100) {
            events = vec![events.remove(0).with_tags(Tags::parse(["a:b"]).unwrap())];
        }
        append_of(&format!("s-{}", number % 40), events)
    };
    store.import((0..count).map(append).collect()).await.unwrap();
    all(&store).await
}

fn loading(schema: &Schema) -> PostgresConfig {
    PostgresConfig { bulk_load: true, ..schema.config() }
}

/// A store to which a beginning was restored, and those events.
async fn under_way(schema: &Schema) -> (PostgresBackend, Vec<RecordedEvent>) {
    let others = of_another_store(3 * BULK).await;
    let store = schema.open_with(loading(schema)).await;
    store.restore(others[..BULK].to_vec()).await.unwrap();
    assert!(!has_all_indexes(schema).await, "it is not under way");
    (store, others)
}

/// What indexes there are on the log, as the server says it, of a schema whose name is left out.
async fn indexes(schema: &Schema) -> Vec<String> {
    let select = format!(
        "SELECT replace(indexdef, '{0}', '') FROM pg_indexes WHERE schemaname = '{0}' AND tablename = 'event_log' ORDER BY 1",
        schema.name
    );
    connect().await.query(&select, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn has_all_indexes(schema: &Schema) -> bool {
    let found = indexes(schema).await;
    let has = |name: &str| found.iter().any(|index| index.contains(name));
    match (has("event_log_version"), has("event_log_type")) {
        (true, true) => true,
        (false, false) => false,
        _ => panic!("one was left out and the other not: {found:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_filled_is_the_other_one_and_has_all_that_a_new_one_has() {
    let (schema, new) = (Schema::new(), Schema::new());
    let (store, others) = under_way(&schema).await;
    for page in others[BULK..].chunks(BULK) {
        store.restore(page.to_vec()).await.unwrap();
        assert!(!has_all_indexes(&schema).await);
    }
    assert_eq!(store.head().await.unwrap().get(), others.len() as u64);
    assert_eq!(all(&store).await, others, "the order of all events needs none of them");
    assert!(!has_all_indexes(&schema).await);
    store.close().await.unwrap();

    new.open().await;
    assert_eq!(indexes(&schema).await, indexes(&new).await);
    let store = schema.open().await;
    assert_eq!(all(&store).await, others);
    let answer = store.append(&stream("s-0"), ExpectedVersion::Any, events(1)).await.unwrap();
    let version = others.iter().filter(|event| event.stream == stream("s-0")).count() + 1;
    assert_eq!(answer.first_version, Version::new(version as u64));
}

/// As whoever migrates does it: what has arrived is read back, on another connection, while more is stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_made_meanwhile_has_no_stream_looked_for_again() {
    let schema = Schema::new();
    let (store, others) = under_way(&schema).await;
    let never_again = format!(
        "CREATE OR REPLACE FUNCTION {}.stream_heads(names text[]) RETURNS TABLE (name text, stream_id bigint, version bigint) \
        LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'streams are looked for again'; END $$",
        schema.name
    );
    connect().await.batch_execute(&never_again).await.unwrap();
    for page in others[BULK..].chunks(BULK) {
        // More than there are connections yet: some are made.
        let (first, second) = tokio::join!(all(&store), all(&store));
        assert_eq!(first, second);
        store.restore(page.to_vec()).await.unwrap();
    }
    assert!(!has_all_indexes(&schema).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_needs_the_indexes_has_them_made() {
    type Ask =
        for<'s> fn(&'s PostgresBackend) -> futures_util::future::BoxFuture<'s, Result<u64, StoreError>>;
    let asked: [(&str, u64, Ask); 5] = [
        ("append", BULK as u64 + 1, |store| {
            Box::pin(async {
                let appended = store.append(&stream("s-1"), ExpectedVersion::Any, events(1)).await?;
                Ok(appended.last_position.get())
            })
        }),
        ("import", BULK as u64 + 1, |store| {
            Box::pin(async {
                let appended = store.import(vec![append_of("s-1", events(1))]).await?;
                Ok(appended[0].last_position.get())
            })
        }),
        ("stream", 26, |store| {
            Box::pin(async {
                let page = store.read_stream(&stream("s-1"), StreamRange::all()).await?;
                Ok(page.events.len() as u64)
            })
        }),
        ("filter", BULK as u64, |store| {
            Box::pin(async {
                let filter = EventFilter::types([EventType::new("Counted").unwrap()]);
                let page = store
                    .read_all(&eventstore_api::ReadAll::forward().filter(filter).limit(2 * BULK))
                    .await?;
                Ok(page.events.len() as u64)
            })
        }),
        ("close", 0, |store| Box::pin(async { store.close().await.map(|()| 0) })),
    ];
    for (what, expected, ask) in asked {
        let schema = Schema::new();
        let (store, _) = under_way(&schema).await;
        assert_eq!(ask(&store).await.unwrap(), expected, "{what}");
        assert!(has_all_indexes(&schema).await, "{what}");
    }
}

/// Whoever restores little at a time has caught up, and follows.
#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_little_that_is_restored() {
    let schema = Schema::new();
    let (store, others) = under_way(&schema).await;
    store.restore(others[BULK..2 * BULK - 1].to_vec()).await.unwrap();
    assert!(has_all_indexes(&schema).await);
    store.restore(others[2 * BULK - 1..].to_vec()).await.unwrap();
    assert!(has_all_indexes(&schema).await, "they are not left out a second time");
    assert_eq!(all(&store).await, others);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_a_page_that_was_refused() {
    let schema = Schema::new();
    let (store, others) = under_way(&schema).await;
    store.restore(others[BULK + 1..].to_vec()).await.unwrap_err();
    store.restore(others[BULK..2 * BULK].to_vec()).await.unwrap();
    assert!(has_all_indexes(&schema).await);
    store.restore(others[2 * BULK..].to_vec()).await.unwrap();
    assert_eq!(all(&store).await, others);
}

/// At whichever moment: the first page, which leaves the indexes out, and the second.
#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_a_page_whose_caller_has_left() {
    let (others, client) = (of_another_store(2 * BULK).await, connect().await);
    for stored in [0, BULK] {
        for polls in [1, 2, 3, 5, 8, 13, 21, 34] {
            let schema = Schema::new();
            let store = schema.open_with(loading(&schema)).await;
            store.restore(others[..stored].to_vec()).await.unwrap();
            let mut restoring = Box::pin(store.restore(others[stored..stored + BULK].to_vec()));
            let mut is_done = false;
            for _ in 0..polls {
                is_done = is_done || futures_util::poll!(&mut restoring).is_ready();
                if !is_done {
                    // About as long as the server takes to answer.
                    in_time(client.simple_query("SELECT 1")).await.unwrap();
                }
            }
            drop(restoring);
            in_time(store.close()).await.unwrap();
            assert!(has_all_indexes(&schema).await, "{stored} {polls}");
            let store = schema.open().await;
            let there = all(&store).await;
            assert_eq!(there, others[..there.len()], "{stored} {polls}");
            store.restore(others[there.len()..].to_vec()).await.unwrap();
            assert_eq!(all(&store).await, others, "{stored} {polls}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_refused_at_the_beginning_leaves_every_index_there() {
    let schema = Schema::new();
    let others = of_another_store(2 * BULK).await;
    let store = schema.open_with(loading(&schema)).await;
    let twice = [&others[..BULK], &others[..BULK]].concat();
    store.restore(twice).await.unwrap_err();
    store.restore(others[1..].to_vec()).await.unwrap_err();
    assert!(has_all_indexes(&schema).await);
    store.restore(others.clone()).await.unwrap();
    store.close().await.unwrap();
    assert!(has_all_indexes(&schema).await);
    assert_eq!(all(&schema.open().await).await, others);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_had_it_open_before_is_answered_rightly_meanwhile() {
    let schema = Schema::new();
    let other = schema.open().await;
    let (store, others) = under_way(&schema).await;
    let page = other.read_stream(&stream("s-3"), StreamRange::all()).await.unwrap();
    let expected: Vec<_> =
        others[..BULK].iter().filter(|event| event.stream == stream("s-3")).cloned().collect();
    assert_eq!(page.events, expected);
    let last = Version::new(page.events.len() as u64);
    let new = events(1);
    let refused = other.append(&stream("s-3"), ExpectedVersion::Exact(last.next()), new.clone()).await;
    assert!(matches!(refused, Err(StoreError::WrongExpectedVersion { actual, .. }) if actual == last));
    let first = other.append(&stream("s-3"), ExpectedVersion::Exact(last), new.clone()).await.unwrap();
    let again = other.append(&stream("s-3"), ExpectedVersion::Exact(last), new).await.unwrap();
    assert_eq!((first.last_version, &first), (last.next(), &again));
    // What is there now is no beginning of the other store.
    store.restore(others[BULK..2 * BULK].to_vec()).await.unwrap_err();
    store.close().await.unwrap();
    assert_eq!(places(&all(&other).await).len(), BULK + 1);
}

/// Streams are looked for by each who restores what he has not stored before, while everybody waits for his turn.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_fill_a_store_at_once_look_for_no_stream_without_its_index() {
    let (schema, others) = (Schema::new(), of_another_store(4 * BULK).await);
    let (one, two) = (schema.open_with(loading(&schema)).await, schema.open_with(loading(&schema)).await);
    one.restore(others[..BULK].to_vec()).await.unwrap();
    assert!(!has_all_indexes(&schema).await);
    two.restore(others[BULK..2 * BULK].to_vec()).await.unwrap();
    assert!(has_all_indexes(&schema).await, "they are made before streams are looked for");
    one.restore(others[2 * BULK..3 * BULK].to_vec()).await.unwrap();
    two.restore(others[3 * BULK..].to_vec()).await.unwrap();
    for store in [one, two] {
        assert_eq!(all(&store).await, others);
        store.close().await.unwrap();
    }
    assert!(has_all_indexes(&schema).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_into_a_store_that_is_filled_makes_the_indexes() {
    let schema = Schema::new();
    let other = schema.open().await;
    let (_store, _) = under_way(&schema).await;
    let answer = other.import(vec![append_of("s-0", events(1))]).await.unwrap();
    assert_eq!(answer[0].last_version, Version::new(u64::try_from(BULK).unwrap().div_ceil(40) + 1));
    assert!(has_all_indexes(&schema).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_was_cut_off_ends_when_it_is_opened_again() {
    let schema = Schema::new();
    let (store, others) = under_way(&schema).await;
    drop(store);
    let check = PostgresConfig { migrations: Migrations::Check, ..schema.config() };
    let refused = PostgresBackend::with_config(&schema.url, check.clone()).await.unwrap_err();
    assert!(matches!(cause(&refused), PostgresError::BulkLoad { .. }), "{refused:?}");

    let store = schema.open_with(loading(&schema)).await;
    assert!(has_all_indexes(&schema).await);
    PostgresBackend::with_config(&schema.url, check).await.unwrap();
    store.restore(others[BULK..].to_vec()).await.unwrap();
    assert!(has_all_indexes(&schema).await, "the log was not empty");
    assert_eq!(all(&store).await, others);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_was_cut_off_ends_by_a_migration_too() {
    let schema = Schema::new();
    let (store, _) = under_way(&schema).await;
    drop(store);
    let migrated = migrate(&schema.url, &schema.config()).await.unwrap();
    assert_eq!(migrated.from, migrated.to);
    assert!(has_all_indexes(&schema).await);
}

/// As a dump does it, for hours.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_is_in_nobodys_way_at_the_end() {
    let schema = Schema::new();
    let (store, others) = under_way(&schema).await;
    let mut reader = connect().await;
    let reading = reader.transaction().await.unwrap();
    let count = format!("SELECT count(*) FROM {}.event_log", schema.name);
    reading.query_one(&count, &[]).await.unwrap();
    in_time(store.close()).await.unwrap();
    assert!(has_all_indexes(&schema).await);
    let counted: i64 = reading.query_one(&count, &[]).await.unwrap().get(0);
    assert_eq!(counted, i64::try_from(BULK).unwrap());
    assert_eq!(all(&schema.open().await).await, others[..BULK]);
}

/// And at the beginning it is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_at_the_beginning_keeps_the_indexes_there() {
    let (schema, others) = (Schema::new(), of_another_store(2 * BULK).await);
    let store = schema.open_with(loading(&schema)).await;
    let mut reader = connect().await;
    let reading = reader.transaction().await.unwrap();
    reading.query(&format!("SELECT FROM {}.event_log", schema.name), &[]).await.unwrap();
    in_time(store.restore(others.clone())).await.unwrap();
    assert!(has_all_indexes(&schema).await);
    reading.rollback().await.unwrap();
    assert_eq!(all(&store).await, others);
}

/// A store that is closed, or asked for a stream by another handle, while the first page is on its way.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_it_waits_for_the_page_that_begins_it() {
    for closes in [true, false] {
        let (schema, others) = (Schema::new(), of_another_store(2 * BULK).await);
        let store = schema.open_with(loading(&schema)).await;
        // The name of a stream is taken by somebody who has not made up his mind: the page waits behind its beginning.
        let mut client = connect().await;
        let name_taken = client.transaction().await.unwrap();
        name_taken
            .batch_execute(&format!("INSERT INTO {}.stream_names (name) VALUES ('s-1')", schema.name))
            .await
            .unwrap();
        let pid: i32 = name_taken.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        let watching = connect().await;
        let blocked_by = async |pid: i32| {
            let blocked = "SELECT pid FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))";
            watching.query_opt(blocked, &[&pid]).await.unwrap().map(|row| row.get::<_, i32>(0))
        };
        let restoring = tokio::spawn({
            let (store, others) = (store.clone(), others.clone());
            async move { store.restore(others).await }
        });
        eventually("the page waits", async || blocked_by(pid).await.is_some()).await;
        let page = blocked_by(pid).await.unwrap();
        let ending = tokio::spawn(async move {
            match closes {
                true => store.close().await,
                false => store.read_stream(&stream("s-1"), StreamRange::all()).await.map(drop),
            }
        });
        eventually("the end waits", async || blocked_by(page).await.is_some()).await;
        name_taken.rollback().await.unwrap();
        in_time(restoring).await.unwrap().unwrap();
        in_time(ending).await.unwrap().unwrap();
        assert!(has_all_indexes(&schema).await, "closes: {closes}");
        assert_eq!(all(&schema.open().await).await, others);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_out_where_something_hangs_on_it_or_it_was_not_asked_for() {
    let others = of_another_store(2 * BULK).await;
    let not_asked = Schema::new();
    let store = not_asked.open().await;
    store.restore(others.clone()).await.unwrap();
    assert!(has_all_indexes(&not_asked).await);

    let checked = Schema::new();
    checked.open().await;
    let config = PostgresConfig { migrations: Migrations::Check, ..loading(&checked) };
    checked.open_with(config).await.restore(others.clone()).await.unwrap();
    assert!(has_all_indexes(&checked).await);

    let referred = Schema::new();
    let store = referred.open_with(loading(&referred)).await;
    let refer = format!(
        "CREATE TABLE {0}.notes (s bigint, v bigint, FOREIGN KEY (s, v) REFERENCES {0}.event_log (stream_id, version))",
        referred.name
    );
    connect().await.batch_execute(&refer).await.unwrap();
    store.restore(others.clone()).await.unwrap();
    assert!(has_all_indexes(&referred).await);

    let partitioned = Schema::new();
    let partitioning = Some(Partitioning::by_events(1_000.try_into().unwrap()));
    let store = partitioned.open_with(PostgresConfig { partitioning, ..loading(&partitioned) }).await;
    store.restore(others.clone()).await.unwrap();
    assert_eq!(all(&store).await, others);
    let found = indexes(&partitioned).await;
    assert!(found.iter().any(|index| index.contains("event_log_version")), "{found:?}");
    store.close().await.unwrap();
}
