//! Which store a URL names.

use eventstore_postgres::{PostgresConfig, SchemaName, identity};
use postgres_cluster::Cluster;

use crate::support::{Schema, server};

/// Another text for the same.
fn respelled(url: &str) -> String {
    format!("{url}{}application_name=another", if url.contains('?') { '&' } else { '?' })
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
