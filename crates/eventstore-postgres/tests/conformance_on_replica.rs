//! The store passes every case of the suite while a replica serves its reads. A program of its own: what is at `replicas` has
//! to be answered within milliseconds, which these cases would keep it from.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the factory of a test says what went wrong by failing"
)]

mod support;

use std::time::Duration;

use eventstore_conformance::{BackendFactory, Persistence, SecondOpener, async_trait, conformance_tests};
use eventstore_postgres::PostgresBackend;
use support::{Schema, pair::Pair};

struct OnAReplica;

/// Longer than a replica is ever behind on a machine that is busy, so that it is read from.
const WAIT: Duration = Duration::from_secs(5);

#[async_trait]
impl BackendFactory for OnAReplica {
    type Backend = PostgresBackend;
    type Place = Schema;

    async fn new_place(&self) -> Schema {
        Pair::shared().schema()
    }

    async fn open(&self, place: &Schema) -> PostgresBackend {
        Pair::shared().open(place, WAIT).await
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    async fn open_second(&self, place: &Schema) -> SecondOpener<PostgresBackend> {
        SecondOpener::Shared(self.open(place).await)
    }
}

conformance_tests!(OnAReplica);
