//! What a program without an event store would do: one insert an event, or one of many rows, as fast as it can.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use deadpool_postgres::{Manager, Pool};
use eventstore_api::NewEvent;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// A table of the same columns and indexes, where positions come from a sequence.
#[derive(Clone)]
pub(crate) struct Bare {
    pool: Pool,
    insert_one: Arc<str>,
    insert_many: Arc<str>,
    versions: Arc<AtomicI64>,
}

impl Bare {
    pub(crate) async fn new(url: &str, connections: usize) -> Self {
        let pool =
            Pool::builder(Manager::new(url.parse().unwrap(), NoTls)).max_size(connections).build().unwrap();
        let table = format!("bare_{}", super::unique());
        let create = format!(
            "CREATE TABLE {table} (
                position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream_id bigint NOT NULL, version bigint NOT NULL,
                recorded_at timestamptz NOT NULL DEFAULT now(), event_id uuid NOT NULL, schema_version bigint NOT NULL,
                encoding smallint NOT NULL, event_type text COLLATE \"C\" NOT NULL, data json, payload bytea, metadata jsonb,
                tags text[], UNIQUE (stream_id, version), UNIQUE (event_id, stream_id)
            );
            CREATE INDEX ON {table} (event_type, position)"
        );
        pool.get().await.unwrap().batch_execute(&create).await.unwrap();
        let columns = "(stream_id, version, event_id, schema_version, encoding, event_type, payload)";
        let insert_one = format!("INSERT INTO {table} {columns} VALUES ($1, $2, $3, 1, 0, 'Deposited', $4)");
        let insert_many = format!(
            "INSERT INTO {table} {columns} \
            SELECT $1, u.version, u.id, 1, 0, 'Deposited', u.payload \
            FROM unnest($2::bigint[], $3::uuid[], $4::bytea[]) AS u (version, id, payload)"
        );
        Self {
            pool,
            insert_one: insert_one.into(),
            insert_many: insert_many.into(),
            versions: Arc::new(AtomicI64::new(1)),
        }
    }

    /// Each writer the work that is its own.
    pub(crate) async fn insert(&self, work: Vec<Vec<Vec<NewEvent>>>) {
        let mut writers = JoinSet::new();
        for (writer, appends) in (0_i64..).zip(work) {
            let this = self.clone();
            writers.spawn(async move {
                for events in appends {
                    this.append(writer, events).await;
                }
            });
        }
        writers.join_all().await;
    }

    async fn append(&self, stream: i64, events: Vec<NewEvent>) {
        let count = i64::try_from(events.len()).unwrap();
        let first = self.versions.fetch_add(count, Ordering::Relaxed);
        let connection = self.pool.get().await.unwrap();
        let inserted = if let [event] = &*events {
            let insert = connection.prepare_cached(&self.insert_one).await.unwrap();
            connection.execute(&insert, &[&stream, &first, event.id.as_uuid(), &&*event.payload]).await
        } else {
            let versions: Vec<i64> = (first..first + count).collect();
            let ids: Vec<Uuid> = events.iter().map(|event| *event.id.as_uuid()).collect();
            let payloads: Vec<&[u8]> = events.iter().map(|event| &*event.payload).collect();
            let insert = connection.prepare_cached(&self.insert_many).await.unwrap();
            connection.execute(&insert, &[&stream, &versions, &ids, &payloads]).await
        };
        assert_eq!(inserted.unwrap(), events.len() as u64);
    }
}
