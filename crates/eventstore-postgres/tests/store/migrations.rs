//! How the tables of a store are made: by opening it, apart, and by hand.

use crate::support::{
    Schema, connect,
    events::{events, stream},
    server,
};
use eventstore_api::{EventStoreBackend, ExpectedVersion};
use eventstore_postgres::{Migrations, PostgresBackend, PostgresConfig, SchemaName, migrate};

const FILES: [&str; 5] = [
    include_str!("../../migrations/0001_tables.sql"),
    include_str!("../../migrations/0002_appending.sql"),
    include_str!("../../migrations/0003_views.sql"),
    include_str!("../../migrations/0004_partitions.sql"),
    include_str!("../../migrations/0005_roles.sql"),
];

/// As the first file says.
async fn by_hand(schema: &Schema, files: &[&str]) {
    let name = &schema.name;
    let files = files.concat();
    let script =
        format!("BEGIN; CREATE SCHEMA {name}; SET LOCAL search_path = {name}, pg_temp; {files} COMMIT");
    connect().await.batch_execute(&script).await.unwrap();
}

async fn works(store: &PostgresBackend) {
    store.append(&stream("a"), ExpectedVersion::NoStream, events(2)).await.unwrap();
    assert_eq!(store.get_events(&stream("a")).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_made_by_hand_are_a_store() {
    let schema = Schema::new();
    by_hand(&schema, &FILES).await;
    let config = PostgresConfig { migrations: Migrations::Check, ..schema.config() };
    works(&schema.open_with(config).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_an_earlier_version_is_brought_up_to_date() {
    let schema = Schema::new();
    by_hand(&schema, FILES.get(..3).unwrap()).await;
    let refused = PostgresConfig { migrations: Migrations::Check, ..schema.config() };
    assert!(PostgresBackend::with_config(&server(), refused).await.is_err());
    let migrated = migrate(&server(), &schema.config()).await.unwrap();
    assert_eq!((migrated.from, migrated.to), (3, 5));
    works(&schema.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_migrate_again_changes_nothing() {
    let schema = Schema::new();
    let first = migrate(&server(), &schema.config()).await.unwrap();
    assert_eq!((first.from, first.to), (0, 5));
    works(&schema.open().await).await;
    let again = migrate(&server(), &schema.config()).await.unwrap();
    assert_eq!((again.from, again.to), (5, 5));
    assert_eq!(schema.open().await.stats().await.unwrap().total_events, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owns_a_schema_needs_no_right_to_make_one() {
    let schema = Schema::new();
    let (name, role) = (&schema.name, format!("owner_of_{}", schema.name));
    let client = connect().await;
    let given = format!("CREATE ROLE {role} LOGIN; CREATE SCHEMA {name} AUTHORIZATION {role}");
    client.batch_execute(&given).await.unwrap();
    let url = server().replacen("postgres@", &format!("{role}@"), 1);
    let migrated = migrate(&url, &schema.config()).await;
    let dropped = format!("DROP SCHEMA {name} CASCADE; DROP OWNED BY {role}; DROP ROLE {role}");
    client.batch_execute(&dropped).await.unwrap();
    assert_eq!(migrated.unwrap().to, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_word_that_the_server_keeps_for_itself_is_the_name_of_a_schema() {
    let reserved = "SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')";
    let words = connect().await.query(reserved, &[]).await.unwrap();
    assert!(words.len() > 50);
    for word in words.iter().map(|row| row.get::<_, &str>(0)) {
        assert!(SchemaName::new(word).is_err(), "{word}");
    }
}
