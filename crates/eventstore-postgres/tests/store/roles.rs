//! What roles can do to a store, and what the server keeps them from.

use std::sync::LazyLock;

use crate::support::{
    events::stream,
    outcome::{append, cause, client, event, in_time, message, number, payloads},
};
use eventstore_api::{
    AppendBatch, EventFilter, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, ReadAll,
    Snapshot, StoreError, StreamAppend, Tags, Version,
};
use eventstore_postgres::{Migrations, PostgresBackend, PostgresConfig, PostgresError, SchemaName};
use postgres_cluster::Cluster;
use tokio_postgres::{Client, error::SqlState};

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start().unwrap());

/// A store of the superuser with a writer, a reader and somebody without rights. Their names begin with that of the schema.
struct Place {
    schema: SchemaName,
    store: PostgresBackend,
}

impl Place {
    async fn new(name: &str) -> Self {
        let schema = SchemaName::new(name).unwrap();
        let config = PostgresConfig { schema: schema.clone(), ..PostgresConfig::default() };
        let store = PostgresBackend::with_config(&CLUSTER.url(), config).await.unwrap();
        let roles = format!(
            "CREATE ROLE {name}_writer LOGIN; CREATE ROLE {name}_reader LOGIN; CREATE ROLE {name}_nobody LOGIN; \
            SELECT {name}.grant_writing('{name}_writer'); SELECT {name}.grant_reading('{name}_reader')"
        );
        CLUSTER.psql(&roles).unwrap();
        Self { schema, store }
    }

    fn url(&self, role: &str) -> String {
        CLUSTER.url().replace("postgres@", &format!("{}_{role}@", self.schema))
    }

    async fn open(&self, role: &str, migrations: Migrations) -> eventstore_api::Result<PostgresBackend> {
        let config = PostgresConfig {
            schema: self.schema.clone(),
            migrations,
            pool_size: 2,
            ..PostgresConfig::default()
        };
        in_time(PostgresBackend::with_config(&self.url(role), config)).await
    }

    async fn client(&self, role: &str) -> Client {
        client(&self.url(role)).await
    }
}

/// That the server refuses it for want of a right.
async fn is_refused(client: &Client, sql: &str) {
    match client.batch_execute(sql).await {
        Ok(()) => panic!("`{sql}` was not refused"),
        Err(error) => assert_eq!(error.code().map(SqlState::code), Some("42501"), "{sql}: {error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_does_all_that_a_store_does() {
    let place = Place::new("all_of_it").await;
    for migrations in [Migrations::Run, Migrations::Check] {
        let store = place.open("writer", migrations).await.unwrap();
        let before = in_time(store.head()).await.unwrap();
        let waiting = {
            let store = store.clone();
            tokio::spawn(async move { store.wait_past(before).await })
        };
        let name = format!("account-{before}");
        let batch = AppendBatch::new().append(stream(&name), ExpectedVersion::NoStream, vec![event("one")]);
        let appended = in_time(store.append_all(batch.clone())).await.unwrap();
        assert_eq!(in_time(store.append_all(batch)).await.unwrap(), appended);
        assert_eq!(in_time(waiting).await.unwrap().unwrap(), GlobalPosition::new(before.get() + 1));
        assert_eq!(payloads(&store, &name).await, ["one"]);

        for version in 1..=2 {
            let state = EventType::new("State").unwrap();
            let snapshot = Snapshot::new(stream(&name), Version::new(version), state, "state");
            in_time(store.save_snapshot(snapshot)).await.unwrap();
        }
        let latest = in_time(store.get_latest_snapshot(&stream(&name))).await.unwrap().unwrap();
        assert_eq!(latest.version, Version::new(2));
        in_time(store.stats()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_changes_no_history_and_adds_to_it_by_appending_alone() {
    let place = Place::new("history").await;
    append(&place.store, "account-1", &event("one")).await.unwrap();
    let (writer, name) = (place.client("writer").await, &place.schema);
    for sql in [
        "UPDATE {}.event_log SET event_type = 'x'",
        "DELETE FROM {}.event_log",
        "TRUNCATE {}.event_log",
        "INSERT INTO {}.event_log SELECT * FROM {}.event_log",
        "UPDATE {}.stream_names SET name = 'x'",
        "DELETE FROM {}.stream_names",
        "INSERT INTO {}.stream_names (name) VALUES ('x')",
        "INSERT INTO {}.event_tags VALUES ('a:b', 1)",
        "DELETE FROM {}.event_tags",
        "DELETE FROM {}.snapshots",
        "TRUNCATE {}.snapshots",
        "DELETE FROM {}.schema_migrations",
        "DROP TABLE {}.event_log",
        "ALTER TABLE {}.event_log DISABLE TRIGGER ALL",
        "CREATE TABLE {}.mine ()",
        "CREATE OR REPLACE FUNCTION {}.take_turn() RETURNS void LANGUAGE sql AS ''",
        "DROP FUNCTION {}.append_events",
        "SELECT {}.grant_writing('postgres')",
    ] {
        let sql = sql.replace("{}", name.as_str());
        match sql.starts_with("CREATE OR REPLACE") || sql.starts_with("DROP") || sql.starts_with("ALTER") {
            // Refused for not being the owner.
            true => assert!(writer.batch_execute(&sql).await.is_err(), "{sql}"),
            false => is_refused(&writer, &sql).await,
        }
    }
    assert_eq!(payloads(&place.store, "account-1").await, ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_reads_and_does_nothing_else() {
    let place = Place::new("reading").await;
    append(&place.store, "account-1", &event("one")).await.unwrap();
    let store = place.open("reader", Migrations::Check).await.unwrap();
    assert_eq!(payloads(&store, "account-1").await, ["one"]);
    assert_eq!(in_time(store.wait_past(GlobalPosition::START)).await.unwrap(), GlobalPosition::new(1));
    in_time(store.get_latest_snapshot(&stream("account-1"))).await.unwrap();
    in_time(store.stats()).await.unwrap();

    let error = append(&store, "account-1", &event("two")).await.unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }) && error.outcome_is_known(), "{error:?}");
    assert!(matches!(cause(&error), PostgresError::NotAllowed { .. }), "{error:?}");
    insta::assert_snapshot!(message(error), @"the storage failed: the role may not do this; let the owner of the store grant it (`grant_reading`, `grant_writing`), or migrate as a role that may: db error: ERROR: permission denied for function append_events");
    let state = EventType::new("State").unwrap();
    let snapshot = Snapshot::new(stream("account-1"), Version::new(1), state, "state");
    let error = in_time(store.save_snapshot(snapshot)).await.unwrap_err();
    assert!(matches!(cause(&error), PostgresError::NotAllowed { .. }), "{error:?}");
    let reader = place.client("reader").await;
    for sql in ["DELETE FROM {}.event_log", "INSERT INTO {}.event_tags VALUES ('a:b', 1)"] {
        is_refused(&reader, &sql.replace("{}", place.schema.as_str())).await;
    }
    assert_eq!(payloads(&place.store, "account-1").await, ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_granted_nothing_does_not_get_in() {
    let place = Place::new("nothing").await;
    for migrations in [Migrations::Run, Migrations::Check] {
        let error = place.open("nobody", migrations).await.unwrap_err();
        assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
        assert!(matches!(cause(&error), PostgresError::NotAllowed { .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_types_of_a_writer_s_own_are_never_taken_for_the_store_s() {
    let place = Place::new("temporary").await;
    append(&place.store, "account-1", &event("one")).await.unwrap();
    let (writer, name) = (place.client("writer").await, &place.schema);
    // The names that a session makes for itself come before all others, unless somebody says otherwise; and a trigger
    // on such a table would run with the rights of whoever writes to it.
    writer
        .batch_execute(
            "CREATE TABLE pg_temp.taken (by text); \
            CREATE FUNCTION pg_temp.take() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN INSERT INTO pg_temp.taken VALUES (current_user); RETURN NEW; END $$; \
            CREATE TEMP TABLE event_log (LIKE {}.event_log); \
            CREATE TEMP TABLE stream_names (stream_id bigint GENERATED ALWAYS AS IDENTITY (START 1000), name text); \
            CREATE TEMP TABLE event_tags (tag text, position bigint); \
            CREATE TEMP TABLE unnest (n int); CREATE TYPE pg_temp.json AS (x int); \
            CREATE TRIGGER t BEFORE INSERT ON pg_temp.event_log FOR EACH ROW EXECUTE FUNCTION pg_temp.take(); \
            CREATE TRIGGER t BEFORE INSERT ON pg_temp.stream_names FOR EACH ROW EXECUTE FUNCTION pg_temp.take(); \
            GRANT ALL ON pg_temp.event_log, pg_temp.stream_names, pg_temp.event_tags, pg_temp.taken TO PUBLIC; \
            SET search_path = pg_temp"
                .replace("{}", name.as_str())
                .as_str(),
        )
        .await
        .unwrap();
    let append = format!(
        "SELECT count(*) FROM {name}.append_events(ARRAY['account-1'], '{{}}', '{{}}', '{{}}', NULL, 0, '{{1}}', '{{1}}', \
        '{{1}}', '{{1}}', ARRAY[gen_random_uuid()], '{{Happened}}', '{{1}}', '{{1}}', ARRAY[NULL::text], \
        ARRAY['two'::bytea], ARRAY[NULL::text], ARRAY['{{\"a:b\"}}'], false)"
    );
    assert_eq!(number(&writer, &append).await, 1);
    for own in ["taken", "event_log", "stream_names", "event_tags"] {
        assert_eq!(number(&writer, &format!("SELECT count(*) FROM pg_temp.{own}")).await, 0, "{own}");
    }
    // In the store it is, behind the first.
    assert_eq!(payloads(&place.store, "account-1").await, ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_says_that_temporary_names_come_last() {
    let place = Place::new("search_paths").await;
    let others = format!(
        "SELECT count(*) FROM pg_proc p WHERE p.pronamespace = '{}'::regnamespace AND NOT coalesce('search_path={}, pg_temp' = ANY (p.proconfig), false)",
        place.schema, place.schema
    );
    let client = client(&CLUSTER.url()).await;
    assert_eq!(number(&client, &others).await, 0);
    let all =
        format!("SELECT count(*) FROM pg_proc p WHERE p.pronamespace = '{}'::regnamespace", place.schema);
    assert!(number(&client, &all).await > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_granted_to_who_may_create_things_beside_the_store() {
    let place = Place::new("creating").await;
    let name = &place.schema;
    CLUSTER.psql(&format!("GRANT CREATE ON SCHEMA {name} TO {name}_nobody")).unwrap();
    let error = CLUSTER.psql(&format!("SELECT {name}.grant_writing('{name}_nobody')")).unwrap_err();
    assert!(error.to_string().contains("may create things in schema"), "{error}");
    let granted = format!(
        "SELECT has_function_privilege('{name}_nobody', oid, 'EXECUTE') FROM pg_proc \
        WHERE proname = 'append_events' AND pronamespace = '{name}'::regnamespace"
    );
    assert_eq!(CLUSTER.psql(&granted).unwrap(), "f");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_any_name_is_granted_to_and_nothing_else_is_run() {
    let place = Place::new("quoting").await;
    CLUSTER.psql(r#"CREATE ROLE "x; DROP SCHEMA quoting --" LOGIN"#).unwrap();
    CLUSTER.psql("SELECT quoting.grant_writing('x; DROP SCHEMA quoting --')").unwrap();
    // Twice is as good as once.
    CLUSTER.psql("SELECT quoting.grant_writing('x; DROP SCHEMA quoting --')").unwrap();
    append(&place.store, "account-1", &event("still there")).await.unwrap();
}

/// The arguments of `append_events` that say how much there is, and of which streams.
fn append_events(
    schema: &SchemaName,
    streams: &str,
    batches: &str,
    of: &str,
    counts: &str,
    appends: &str,
) -> String {
    let events = appends.matches(',').count() + 1;
    let each = |value: &str| vec![value; events].join(", ");
    format!(
        "SELECT {schema}.append_events('{streams}', '{{}}', '{{}}', '{{}}', NULL, 0, '{batches}', '{of}', '{counts}', \
        '{appends}', ARRAY[{ids}], ARRAY[{types}], ARRAY[{versions}]::bigint[], ARRAY[{encodings}]::smallint[], \
        ARRAY[{none}]::text[], ARRAY[{payloads}]::bytea[], ARRAY[{none}]::text[], ARRAY[{none}]::text[], false)",
        ids = each("gen_random_uuid()"),
        types = each("'Counted'"),
        versions = each("1"),
        encodings = each("0"),
        none = each("NULL"),
        payloads = each("'x'"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_who_counts_wrong_leaves_no_gap_and_no_version_twice() {
    let place = Place::new("counting").await;
    let writer = place.client("writer").await;
    let wrong = [
        // Of two appends the second and a third have events.
        ("{a,b}", "{1,1}", "{1,2}", "{1,1}", "{2,3}"),
        // More were told of than were given, and fewer.
        ("{a}", "{1}", "{1}", "{2}", "{1}"),
        ("{a}", "{1}", "{1}", "{1}", "{1,1}"),
        // One stream in two appends, or under two numbers, or none.
        ("{a}", "{1,1}", "{1,1}", "{1,1}", "{1,2}"),
        ("{a,a}", "{1,1}", "{1,2}", "{1,1}", "{1,2}"),
        ("{a}", "{1}", "{2}", "{1}", "{1}"),
    ];
    for (streams, batches, of, counts, appends) in wrong {
        let call = append_events(&place.schema, streams, batches, of, counts, appends);
        let error = writer.batch_execute(&call).await.unwrap_err();
        assert_eq!(error.code().map(SqlState::code), Some("22023"), "{call}: {error:?}");
    }
    let right = append_events(&place.schema, "{a,b}", "{1,1}", "{1,2}", "{1,2}", "{1,2,2}");
    writer.batch_execute(&right).await.unwrap();
    assert_eq!(place.store.stats().await.unwrap().total_events, 3);
    assert_eq!(place.store.get_all_events().await.unwrap().len(), 3);
}

/// An exact match comes before a polymorphic one, wherever it is found.
#[tokio::test(flavor = "multi_thread")]
async fn functions_and_operators_of_somebody_else_are_never_run() {
    let place = Place::new("overloaded").await;
    CLUSTER
        .psql(
            "CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql AS \
                $$ BEGIN RAISE EXCEPTION 'somebody else''s'; END $$; \
            CREATE FUNCTION public.contains(text[], text[]) RETURNS boolean LANGUAGE plpgsql AS \
                $$ BEGIN RAISE EXCEPTION 'somebody else''s'; END $$; \
            CREATE OPERATOR public.@> (LEFTARG = text[], RIGHTARG = text[], FUNCTION = public.contains)",
        )
        .unwrap();
    let pool = deadpool_postgres::Manager::new(CLUSTER.url().parse().unwrap(), tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(pool).max_size(2).build().unwrap();
    let config = PostgresConfig { schema: place.schema.clone(), ..PostgresConfig::default() };
    let given = PostgresBackend::from_pool(pool, config).await.unwrap();
    let tagged = event("one").with_tags(Tags::parse(["a:b"]).unwrap());
    for store in [place.store.clone(), given] {
        append(&store, "account-1", &tagged).await.unwrap();
        store
            .import(vec![StreamAppend {
                stream: stream("account-2"),
                expected: ExpectedVersion::Any,
                events: vec![event("two")],
            }])
            .await
            .unwrap();
        for filter in [
            EventFilter::tagged(Tags::parse(["a:b"]).unwrap()),
            EventFilter::types([EventType::new("Counted").unwrap()]),
        ] {
            store.read_all(&ReadAll::forward().filter(filter)).await.unwrap();
        }
    }
    CLUSTER
        .psql(
            "DROP OPERATOR public.@> (text[], text[]); DROP FUNCTION public.contains(text[], text[]); \
            DROP FUNCTION public.unnest(text[])",
        )
        .unwrap();
}

/// Two indexes are left out while a log is filled. Who may not make them is told why he has to wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_is_told_of_indexes_that_are_left_out_and_cannot_leave_them_out() {
    let place = Place::new("filling").await;
    append(&place.store, "a", &event("a")).await.unwrap();
    CLUSTER.psql("DROP INDEX filling.event_log_version, filling.event_log_type").unwrap();
    for migrations in [Migrations::Run, Migrations::Check] {
        let refused = place.open("writer", migrations).await.unwrap_err();
        assert!(matches!(cause(&refused), PostgresError::BulkLoad { .. }), "{migrations:?}: {refused:?}");
    }
    let config = PostgresConfig { schema: place.schema.clone(), ..PostgresConfig::default() };
    PostgresBackend::with_config(&CLUSTER.url(), config).await.unwrap();
    append(&place.open("writer", Migrations::Run).await.unwrap(), "a", &event("b")).await.unwrap();
    is_refused(&place.client("writer").await, "DROP INDEX filling.event_log_version").await;
}

/// Whoever gives events their places could give any: that takes the owner of the tables.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_cannot_restore_and_is_told_who_can() {
    let place = Place::new("restoring").await;
    append(&place.store, "a", &event("a")).await.unwrap();
    let all = place.store.get_all_events().await.unwrap();
    let other = Place::new("restored").await;
    let writer = other.open("writer", Migrations::Check).await.unwrap();
    let refused = in_time(writer.restore(all.clone())).await.unwrap_err();
    assert!(matches!(cause(&refused), PostgresError::MayNotCopy), "{refused:?}");
    other.store.restore(all.clone()).await.unwrap();
    assert_eq!(other.store.get_all_events().await.unwrap(), all);
}
