//! Which store a URL names.

use std::{net::TcpListener, time::Duration};

use eventstore_api::StoreError;
use eventstore_postgres::{PostgresConfig, PostgresError, SchemaName, identity};
use postgres_cluster::Cluster;

use crate::support::{Schema, outcome::cause, server};

fn with(url: &str, parameter: &str) -> String {
    format!("{url}{}{parameter}", if url.contains('?') { '&' } else { '?' })
}

/// Another text for the same.
fn respelled(url: &str) -> String {
    with(url, "application_name=another")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_the_same_however_its_url_is_written() {
    let schema = Schema::new();
    let before = identity(&schema.url, &schema.config()).await.unwrap();
    assert_eq!(identity(&respelled(&schema.url), &schema.config()).await.unwrap(), before);
    // Nor is it another one once it is there.
    let _store = schema.open().await;
    assert_eq!(identity(&schema.url, &schema.config()).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_schema_database_or_server_is_another_store() {
    let config = PostgresConfig::default();
    let here = identity(&server(), &config).await.unwrap();
    let schema = PostgresConfig { schema: SchemaName::new("billing").unwrap(), ..PostgresConfig::default() };
    assert_ne!(identity(&server(), &schema).await.unwrap(), here);

    let cluster = Cluster::start().unwrap();
    let there = identity(&cluster.url(), &config).await.unwrap();
    assert_ne!(there, here);
    assert_ne!(identity(&cluster.url_of("template1"), &config).await.unwrap(), there);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_server_cannot_be_asked_is_told() {
    let config = PostgresConfig::default();
    let no_url = identity("mysql://host/db", &config).await.unwrap_err();
    assert!(matches!(no_url, StoreError::Storage { .. }), "{no_url:?}");
    assert!(matches!(cause(&no_url), PostgresError::Url { .. }), "{no_url:?}");

    let no_database = identity(&with(&server(), "dbname=nowhere"), &config).await.unwrap_err();
    assert!(matches!(no_database, StoreError::Storage { .. }), "{no_database:?}");
    assert!(matches!(cause(&no_database), PostgresError::Connect { .. }), "{no_database:?}");

    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgresql://app@{}/app", silent.local_addr().unwrap());
    let patience = Duration::from_millis(100);
    let hurried = PostgresConfig { acquire_timeout: patience, ..config };
    let too_late = identity(&url, &hurried).await.unwrap_err();
    assert!(matches!(too_late, StoreError::Unavailable { .. }), "{too_late:?}");
    let waited = matches!(cause(&too_late), PostgresError::ConnectTimeout { waited } if *waited == patience);
    assert!(waited, "{too_late:?}");
}
