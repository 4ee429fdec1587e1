//! The store on PostgreSQL passes every case of the suite, each in a schema of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the factory of a test says what went wrong by failing"
)]

mod support;

use eventstore_conformance::{BackendFactory, Persistence, SecondOpener, async_trait, conformance_tests};
use eventstore_postgres::PostgresBackend;
use support::Schema;

struct InSchemas;

#[async_trait]
impl BackendFactory for InSchemas {
    type Backend = PostgresBackend;
    type Place = Schema;

    async fn new_place(&self) -> Schema {
        Schema::new()
    }

    async fn open(&self, place: &Schema) -> PostgresBackend {
        place.open().await
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    async fn open_second(&self, place: &Schema) -> SecondOpener<PostgresBackend> {
        SecondOpener::Shared(place.open().await)
    }
}

conformance_tests!(InSchemas);
