//! What keeps a store from being opened, and how that is said.

use std::sync::LazyLock;

use crate::support::outcome::{append_surely, cause, event, in_time, message};
use eventstore_api::{EventStoreBackend, StoreError};
use eventstore_postgres::{Migrations, PostgresBackend, PostgresConfig, PostgresError, SchemaName};
use postgres_cluster::Cluster;

const PASSWORD: &str = "a-secret-word";

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::builder().tcp(PASSWORD).start().unwrap());

fn url() -> String {
    CLUSTER.tcp_url().unwrap()
}

fn in_schema(name: &str, migrations: Migrations) -> PostgresConfig {
    let schema = SchemaName::new(name).unwrap();
    PostgresConfig { schema, migrations, pool_size: 2, ..PostgresConfig::default() }
}

async fn refused(url: &str, config: PostgresConfig) -> StoreError {
    let error = in_time(PostgresBackend::with_config(url, config)).await.unwrap_err();
    assert!(!format!("{error:?}").contains(PASSWORD) && !message(error.clone()).contains(PASSWORD));
    error
}

/// What stays so, whatever is tried again.
async fn refused_for_good(url: &str, config: PostgresConfig) -> StoreError {
    let error = refused(url, config).await;
    assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_makes_no_sense_is_refused_without_showing_it() {
    let mut messages = Vec::new();
    for url in [
        "postgresql://user:a-secret-word@host:port/db",
        "postgresql://user:a-secret-word@host/db?sslmode=sometimes",
        "postgresql://user:a-secret-word@host/db?passwort=a-secret-word",
        "host=h password='a-secret-word",
        "mysql://user:a-secret-word@host/db",
    ] {
        let error = refused_for_good(url, PostgresConfig::default()).await;
        assert!(matches!(cause(&error), PostgresError::Url { .. }), "{error:?}");
        messages.push(message(error));
    }
    insta::assert_snapshot!(messages.join("\n"), @r"
    the storage failed: the connection URL cannot be read: invalid connection string: invalid value for option `port`
    the storage failed: the connection URL cannot be read: invalid connection string: invalid value for option `sslmode`
    the storage failed: the connection URL cannot be read: invalid connection string: unknown option `passwort`
    the storage failed: the connection URL cannot be read: invalid connection string: unterminated quoted connection parameter value
    the storage failed: the connection URL cannot be read: invalid connection string: unexpected EOF
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_for_good() {
    let error = refused_for_good(&url().replace(PASSWORD, "guess"), PostgresConfig::default()).await;
    insta::assert_snapshot!(message(error), @r#"the storage failed: cannot connect to the server: db error: FATAL: password authentication failed for user "postgres""#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_refused_for_good() {
    let error = refused_for_good(&CLUSTER.url_of("nowhere"), PostgresConfig::default()).await;
    insta::assert_snapshot!(message(error), @r#"the storage failed: cannot connect to the server: db error: FATAL: database "nowhere" does not exist"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_not_there_is_refused_for_good() {
    let url = CLUSTER.url().replace("postgres@", "somebody@");
    let error = refused_for_good(&url, PostgresConfig::default()).await;
    insta::assert_snapshot!(message(error), @r#"the storage failed: cannot connect to the server: db error: FATAL: role "somebody" does not exist"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_may_come() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let error = refused(&format!("postgresql://u:a-secret-word@{free}/db"), PostgresConfig::default()).await;
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    // The number of the error is the system's.
    let message = message(error);
    let (message, _) = message.split_once(" (os error").unwrap();
    insta::assert_snapshot!(message, @"the store cannot answer for now; try again later: cannot connect to the server: error connecting to server: Connection refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_without_a_store_is_refused_where_nothing_may_be_made() {
    let error = refused_for_good(&url(), in_schema("empty", Migrations::Check)).await;
    assert!(matches!(cause(&error), PostgresError::NotMigrated { found: 0, .. }), "{error:?}");
    // Which version is needed changes with every migration.
    let message = message(error);
    let (before, after) = message.split_once(" of ").unwrap();
    let after = after.trim_start_matches(|character: char| character.is_ascii_digit());
    insta::assert_snapshot!(format!("{before} of N{after}"), @"the storage failed: schema `empty` is at version 0 of N; let a program bring its tables up to date with a role that may (in Rust, `eventstore_postgres::migrate`), or run the files in `migrations`");
    assert_eq!(CLUSTER.psql("SELECT to_regnamespace('empty') IS NULL").unwrap(), "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_program_is_refused() {
    let store = PostgresBackend::with_config(&url(), in_schema("newer", Migrations::Run)).await.unwrap();
    append_surely(&store, "account-1", &event("one")).await;
    CLUSTER
        .psql("INSERT INTO newer.schema_migrations (version, name) VALUES (1000, 'from_the_future')")
        .unwrap();
    for migrations in [Migrations::Run, Migrations::Check] {
        let error = refused_for_good(&url(), in_schema("newer", migrations)).await;
        assert!(matches!(cause(&error), PostgresError::TooNew { found: 1000, .. }), "{error:?}");
        let message = message(error);
        let (before, _) = message.rsplit_once("up to ").unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(before, @"the storage failed: schema `newer` is at version 1000, and this program knows versions ");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_make_a_schema_is_refused_for_good() {
    CLUSTER.psql("CREATE ROLE visitor LOGIN").unwrap();
    let url = CLUSTER.url().replace("postgres@", "visitor@");
    let error = refused_for_good(&url, in_schema("forbidden", Migrations::Run)).await;
    assert!(matches!(cause(&error), PostgresError::NotAllowed { .. }), "{error:?}");
    insta::assert_snapshot!(message(error), @"the storage failed: the role may not do this; let the owner of the store grant it (`grant_reading`, `grant_writing`), or migrate as a role that may: db error: ERROR: permission denied for database postgres");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_encoding_is_refused() {
    let create = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
    CLUSTER.psql(create).unwrap();
    let error = refused_for_good(&CLUSTER.url_of("latin"), PostgresConfig::default()).await;
    assert!(matches!(cause(&error), PostgresError::Encoding { .. }), "{error:?}");
    insta::assert_snapshot!(message(error), @"the storage failed: the database keeps text as LATIN1, and events take UTF8; create it with `ENCODING 'UTF8'`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_shown_does_not_show_its_password() {
    let store = PostgresBackend::with_config(&url(), in_schema("shown", Migrations::Run)).await.unwrap();
    assert!(!format!("{store:?}").contains(PASSWORD));
}

/// With the feature, this server has no TLS; without, this program has none.
#[tokio::test(flavor = "multi_thread")]
async fn encryption_that_cannot_be_had_is_never_left_out() {
    let error = refused(&format!("{}?sslmode=require", url()), PostgresConfig::default()).await;
    match cfg!(feature = "tls") {
        true => assert!(message(error).contains("server does not support TLS")),
        false => assert!(matches!(cause(&error), PostgresError::TlsFeature)),
    }
}

/// Of those who wait for the one that makes the tables, each has asked before whether there are some.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_open_a_new_store_at_once_find_one() {
    for number in 0..5 {
        let mut openers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let config = in_schema(&format!("at_once_{number}"), Migrations::Run);
            openers
                .spawn(async move { in_time(PostgresBackend::with_config(&url(), config)).await.map(drop) });
        }
        for opened in openers.join_all().await {
            opened.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_was_given_is_left_open_by_a_store_that_closes() {
    let manager = deadpool_postgres::Manager::new(url().parse().unwrap(), tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(3).build().unwrap();
    let config = in_schema("given_pool", Migrations::Run);
    let store = in_time(PostgresBackend::from_pool(pool.clone(), config)).await.unwrap();
    append_surely(&store, "a", &event("one")).await;
    in_time(store.close()).await.unwrap();
    assert!(matches!(in_time(store.head()).await, Err(StoreError::Closed)));
    in_time(pool.get()).await.unwrap().query_one("SELECT 1", &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_isolation_level_by_default_is_overruled_or_told() {
    CLUSTER.psql("CREATE DATABASE careful").unwrap();
    CLUSTER.psql("ALTER DATABASE careful SET default_transaction_isolation = 'serializable'").unwrap();
    let url = format!("{}/careful", url().strip_suffix("/postgres").unwrap());
    let store =
        in_time(PostgresBackend::with_config(&url, in_schema("careful", Migrations::Run))).await.unwrap();
    append_surely(&store, "a", &event("one")).await;

    let manager = deadpool_postgres::Manager::new(url.parse().unwrap(), tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(2).build().unwrap();
    let refused = in_time(PostgresBackend::from_pool(pool, in_schema("careful", Migrations::Run))).await;
    let error = refused.unwrap_err();
    assert!(
        matches!(cause(&error), PostgresError::Isolation { level } if level == "serializable"),
        "{error:?}"
    );
}
