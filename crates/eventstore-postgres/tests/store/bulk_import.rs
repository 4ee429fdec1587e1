//! Much at once, by `COPY`.

use std::{error::Error, time::Duration};

use crate::support::{
    Schema, connect,
    events::{all, append_of, events, motley, places, stream},
    outcome::{eventually, number},
};
use eventstore_api::{
    EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition, InvalidInput, ReadAll, StoreError,
    StreamAppend, Tags, Version,
};
use eventstore_postgres::{Partitioning, PostgresConfig};
use tokio::time::timeout;
use tokio_postgres::Client;

#[tokio::test(flavor = "multi_thread")]
async fn imported_events_are_as_if_they_had_been_appended() {
    let (one, other) = (Schema::new(), Schema::new());
    let (imported, appended) = (one.open().await, other.open().await);
    let same = motley();
    let answer = imported.import(vec![append_of("äccount-7", same.clone())]).await.unwrap();
    let first = appended.append(&stream("äccount-7"), ExpectedVersion::Any, same.clone()).await.unwrap();
    assert_eq!(answer, [first]);

    let (left, right) = (all(&imported).await, all(&appended).await);
    assert_eq!(places(&left), places(&right));
    for ((left, right), event) in left.iter().zip(&right).zip(&same) {
        assert!(left.same_content(event) && right.same_content(event), "{left:?}\n{right:?}");
    }
    let tagged = ReadAll::forward().filter(EventFilter::tagged(Tags::parse(["k:NULL"]).unwrap()));
    assert_eq!(imported.read_all(&tagged).await.unwrap().events.len(), 1);
    assert_eq!(imported.stats().await.unwrap(), appended.stats().await.unwrap());
}

/// What is known of streams from one import holds for the next as long as nobody else appends.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_append_between_two_imports_is_seen() {
    let schema = Schema::new();
    let (store, other) = (schema.open().await, schema.open().await);
    for _ in 0..3 {
        store.import(vec![append_of("a", events(2)), append_of("b", events(1))]).await.unwrap();
    }
    other.append(&stream("a"), ExpectedVersion::Any, events(1)).await.unwrap();
    let answer = store.import(vec![append_of("a", events(1)), append_of("c", events(1))]).await.unwrap();
    assert_eq!(answer[0].last_version, Version::new(8));
    other.import(vec![append_of("c", events(1))]).await.unwrap();
    store.append(&stream("b"), ExpectedVersion::Any, events(1)).await.unwrap();

    let guarded =
        StreamAppend { expected: ExpectedVersion::Exact(Version::new(9)), ..append_of("a", events(1)) };
    let refused = store.import(vec![guarded]).await.unwrap_err();
    assert!(matches!(refused, StoreError::WrongExpectedVersion { actual, .. } if actual == Version::new(8)));
    let answers = store.import(["c", "b", "a", "d"].map(|name| append_of(name, events(1))).to_vec()).await;
    let last: Vec<u64> = answers.unwrap().iter().map(|answer| answer.last_version.get()).collect();
    assert_eq!(last, [3, 5, 9, 1]);
    let found = all(&store).await;
    let of = |name| found.iter().filter(move |event| event.stream == stream(name));
    for (name, count) in [("a", 9), ("b", 5), ("c", 3), ("d", 1)] {
        let versions: Vec<u64> = of(name).map(|event| event.version.get()).collect();
        assert_eq!(versions, (1..=count).collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_appends_becomes_that_of_the_store_though_streams_come_back() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.append(&stream("b"), ExpectedVersion::Any, events(1)).await.unwrap();
    let appends = ["a", "b", "a", "c", "b"].map(|name| append_of(name, events(2)));
    let answers = store.import(appends.to_vec()).await.unwrap();
    let last: Vec<u64> = answers.iter().map(|answer| answer.last_version.get()).collect();
    assert_eq!(last, [2, 3, 4, 2, 5]);
    let expected = [("b", 1), ("a", 1), ("a", 2), ("b", 2), ("b", 3), ("a", 3), ("a", 4), ("c", 1), ("c", 2)];
    let found = places(&all(&store).await);
    for ((position, name, version), expected) in found.iter().zip(expected) {
        assert_eq!((name.as_str(), *version), expected, "at position {position}");
    }
    assert_eq!(found.len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_append_is_guarded_as_its_stream_is_by_then() {
    let schema = Schema::new();
    let store = schema.open().await;
    let guarded = |expected| StreamAppend { expected, ..append_of("a", events(2)) };
    let exact = |version| ExpectedVersion::Exact(Version::new(version));
    store.import(vec![guarded(ExpectedVersion::NoStream), guarded(exact(2))]).await.unwrap();

    let refused = store.import(vec![append_of("b", events(1)), guarded(exact(4)), guarded(exact(4))]).await;
    let Err(StoreError::WrongExpectedVersion { actual, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(actual, Version::new(6));
    assert_eq!(store.stats().await.unwrap().total_events, 4, "nothing of it is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_again_gives_the_first_answers_and_stores_nothing() {
    let schema = Schema::new();
    let store = schema.open().await;
    let appends: Vec<_> = ["a", "b", "a"].map(|name| append_of(name, events(3))).to_vec();
    let first = store.import(appends.clone()).await.unwrap();
    assert_eq!(store.import(appends.clone()).await.unwrap(), first);

    // Some are there, and some are not.
    let more = [appends.clone(), vec![append_of("c", events(2))]].concat();
    let answers = store.import(more).await.unwrap();
    assert_eq!(answers[..3], first);
    assert_eq!(answers[3].last_position.get(), 11);
    assert_eq!(store.stats().await.unwrap().total_events, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_known_in_part_refuses_the_whole_import() {
    let schema = Schema::new();
    let store = schema.open().await;
    let known = events(1);
    store.import(vec![append_of("a", known.clone())]).await.unwrap();
    let partly = append_of("a", [known, events(1)].concat());
    let refused = store.import(vec![append_of("b", events(1)), partly]).await;
    let known_in_part = matches!(refused, Err(StoreError::InvalidInput(InvalidInput::PartlyKnown { .. })));
    assert!(known_in_part, "{refused:?}");
    assert_eq!(store.stats().await.unwrap().total_events, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_and_appends_at_once_make_one_order() {
    let schema = Schema::new();
    let config = eventstore_postgres::PostgresConfig {
        partitioning: Some(Partitioning::by_events(700.try_into().unwrap())),
        pool_size: 16,
        ..schema.config()
    };
    let store = schema.open_with(config).await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..10 {
                if task % 2 == 0 {
                    let appends = (0..10).map(|n| append_of(&format!("s-{n}"), events(5))).collect();
                    store.import(appends).await.unwrap();
                } else {
                    store
                        .append(&stream(&format!("s-{task}")), ExpectedVersion::Any, events(3))
                        .await
                        .unwrap();
                }
            }
        });
    }
    tasks.join_all().await;
    let events = all(&store).await;
    assert_eq!(events.len(), 4 * 10 * 50 + 4 * 10 * 3);
    let mut versions = std::collections::HashMap::new();
    let mut last_time = events[0].recorded_at;
    for (position, event) in (1..).zip(&events) {
        assert_eq!(event.position.get(), position);
        let version = versions.entry(event.stream.clone()).or_insert(0);
        *version += 1;
        assert_eq!(event.version.get(), *version, "of {} at {position}", event.stream);
        assert!(event.recorded_at >= last_time, "time runs backwards at {position}");
        last_time = event.recorded_at;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_no_import() {
    let schema = Schema::new();
    let store = schema.open().await;
    assert_eq!(store.import(Vec::new()).await.unwrap(), []);
    let refused = store.import(vec![append_of("a", Vec::new())]).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(InvalidInput::NoEvents { .. }))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_with_guards_again_gives_the_first_answers() {
    let schema = Schema::new();
    let store = schema.open().await;
    let guarded = |expected| StreamAppend { expected, ..append_of("a", events(2)) };
    let appends = vec![guarded(ExpectedVersion::NoStream), guarded(ExpectedVersion::Exact(Version::new(2)))];
    let first = store.import(appends.clone()).await.unwrap();
    assert_eq!(store.import(appends).await.unwrap(), first);
}

/// So that nobody hears that something is stored which is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_trigger_keeps_out_is_an_error_and_leaves_no_gap() {
    let schema = Schema::new();
    let store = schema.open().await;
    let name = &schema.name;
    let trigger = format!(
        "CREATE FUNCTION {name}.keep_out() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN RETURN CASE WHEN NEW.event_type = 'Counted' THEN NULL ELSE NEW END; END $$; \
        CREATE TRIGGER keeps_out BEFORE INSERT ON {name}.event_log FOR EACH ROW EXECUTE FUNCTION {name}.keep_out()"
    );
    connect().await.batch_execute(&trigger).await.unwrap();
    assert!(store.append(&stream("a"), ExpectedVersion::Any, events(2)).await.is_err());
    assert!(store.import(vec![append_of("a", motley()), append_of("a", events(1))]).await.is_err());
    store.append(&stream("a"), ExpectedVersion::NoStream, motley()).await.unwrap();
    assert_eq!(store.stats().await.unwrap().total_events, motley().len() as u64);
}

/// It has the same events, and streams have other numbers.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_dropped_and_filled_anew_is_not_taken_for_the_one_that_was_known() {
    let (schema, from) = (Schema::new(), Schema::new());
    let source = from.open().await;
    for name in ["z", "a", "a"] {
        source.append(&stream(name), ExpectedVersion::Any, events(1)).await.unwrap();
    }
    let all_of_it = all(&source).await;
    let store = schema.open().await;
    // Apart, so that they are numbered as they come; together they are not.
    for event in &all_of_it[..2] {
        store.restore(vec![event.clone()]).await.unwrap();
    }
    connect().await.batch_execute(&format!("DROP SCHEMA {} CASCADE", schema.name)).await.unwrap();
    schema.open().await.restore(all_of_it[..2].to_vec()).await.unwrap();
    store.restore(all_of_it[2..].to_vec()).await.unwrap();
    assert_eq!(all(&schema.open().await).await, all_of_it);
}

/// For their turn to append, in this store.
async fn until_so_many_wait(observer: &Client, schema: &Schema, many: i64) {
    let waiting = format!(
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
        WHERE l.locktype = 'advisory' AND NOT l.granted AND a.query LIKE '%{}.take_turn%'",
        schema.name
    );
    eventually("they wait for their turn", async || number(observer, &waiting).await == many).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_import_leaves_connections_that_can_be_used() {
    let schema = Schema::new();
    let config = eventstore_postgres::PostgresConfig { pool_size: 2, ..schema.config() };
    let store = schema.open_with(config).await;
    let holder = connect().await;
    holder.batch_execute(&format!("BEGIN; SELECT {}.take_turn()", schema.name)).await.unwrap();
    let observer = connect().await;
    for waiting in 1..=2 {
        tokio::select! {
            _ = store.import(vec![append_of("a", events(1))]) => panic!("nobody gave way"),
            () = until_so_many_wait(&observer, &schema, waiting) => {}
        }
    }
    holder.batch_execute("COMMIT").await.unwrap();
    let reads = async { store.get_events(&stream("a")).await.unwrap() };
    assert_eq!(timeout(Duration::from_secs(20), reads).await.unwrap(), []);
    timeout(Duration::from_secs(20), store.import(vec![append_of("a", events(1))])).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_one_table_is_restored_into_one_in_partitions() {
    let (one, other) = (Schema::new(), Schema::new());
    let store = one.open().await;
    store.append(&stream("a"), ExpectedVersion::Any, motley()).await.unwrap();
    store.append(&stream("b"), ExpectedVersion::Any, events(30)).await.unwrap();
    let partitioning = Some(Partitioning::by_events(10.try_into().unwrap()));
    let copy = other.open_with(PostgresConfig { partitioning, ..other.config() }).await;
    copy.restore(all(&store).await).await.unwrap();
    assert_eq!(all(&copy).await, all(&store).await);
    // An id that is known in its stream is not stored a second time, wherever it would stand.
    let mut again = all(&store).await.pop().unwrap();
    (again.position, again.version) = (GlobalPosition::new(again.position.get() + 1), again.version.next());
    let refused = copy.restore(vec![again]).await.unwrap_err();
    assert!(matches!(refused, StoreError::InvalidInput(InvalidInput::StoredElsewhere)), "{refused:?}");
    assert_eq!(all(&copy).await, all(&store).await);
}

/// By something that somebody has put on a table of the store.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_kept_out_are_missed() {
    let schema = Schema::new();
    let (store, sql, name) = (schema.open().await, connect().await, schema.config().schema);
    let nothing = "RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'";
    sql.batch_execute(&format!("CREATE FUNCTION {name}.nothing() {nothing}")).await.unwrap();
    let stopped_by = async |table: &str| {
        let create = format!(
            "CREATE TRIGGER keeps_out BEFORE INSERT ON {name}.{table} FOR EACH ROW EXECUTE FUNCTION {name}.nothing()"
        );
        sql.batch_execute(&create).await.unwrap();
        let error = store.import(vec![append_of("a", events(2))]).await.unwrap_err();
        sql.batch_execute(&format!("DROP TRIGGER keeps_out ON {name}.{table}")).await.unwrap();
        error.source().unwrap().to_string()
    };
    insta::assert_snapshot!(stopped_by("event_log").await, @"of 2 events the server would have stored 0: something on `event_log` keeps rows out");
    insta::assert_snapshot!(stopped_by("stream_names").await, @"the server has not numbered a stream that is new: something on `stream_names` keeps rows out");
    assert_eq!(store.stats().await.unwrap().total_events, 0);
    store.import(vec![append_of("a", events(2))]).await.unwrap();
}
