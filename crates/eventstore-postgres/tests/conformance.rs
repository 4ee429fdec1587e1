//! The store on PostgreSQL passes every case of the suite, each in a schema of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the factory of a test says what went wrong by failing"
)]

mod support;

use eventstore_conformance::{BackendFactory, Persistence, SecondOpener, async_trait, conformance_tests};
use eventstore_postgres::{Partitioning, PostgresBackend, PostgresConfig};
use support::Schema;

/// Stores with a log of this form.
struct InSchemas {
    partitioning: Option<Partitioning>,
}

#[async_trait]
impl BackendFactory for InSchemas {
    type Backend = PostgresBackend;
    type Place = Schema;

    async fn new_place(&self) -> Schema {
        Schema::new()
    }

    async fn open(&self, place: &Schema) -> PostgresBackend {
        let config = PostgresConfig { partitioning: self.partitioning, ..place.config() };
        place.open_with(config).await
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    async fn open_second(&self, place: &Schema) -> SecondOpener<PostgresBackend> {
        SecondOpener::Shared(self.open(place).await)
    }
}

conformance_tests!(InSchemas { partitioning: None });

/// So few events each that cases with many go over the end of some.
mod in_partitions {
    use std::num::NonZeroU64;

    use super::*;

    conformance_tests!(InSchemas {
        partitioning: Some(Partitioning::by_events(NonZeroU64::new(1_000).unwrap()))
    });
}
