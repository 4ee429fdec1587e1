use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use deadpool_postgres::Pool;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, Encoding, EventStoreBackend, EventType, GlobalPosition, Page,
    ReadAll, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange, Version,
};

use crate::{
    Migrations, PostgresConfig,
    append::Queue,
    columns::{get, number, signed},
    connection::{Connections, check_server},
    error::of_write,
    head::Head,
    listener, migrate, read,
    settings::Settings,
    statements::Statements,
    store::Store,
};

/// An event store in a schema of a PostgreSQL database, shared by all who connect to it.
///
/// Cloning it is cheap, and shares connections. It works on the runtime on which it was opened.
///
/// ```no_run
/// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};
/// use eventstore_postgres::PostgresBackend;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> eventstore_api::Result<()> {
/// let store = PostgresBackend::connect("postgresql://localhost/app").await?;
/// let account = StreamId::new("account-7")?;
/// let opened = NewEvent::new(EventType::new("Opened")?, "ann");
/// store.append(&account, ExpectedVersion::NoStream, vec![opened]).await?;
/// # Ok(()) }
/// ```
///
/// # Durability
///
/// What an append answers `Ok` for is as durable as the server makes a commit: with `fsync` and `synchronous_commit` on, as
/// they are by default, it survives a crash of the server; with synchronous replicas, the loss of its machine.
#[derive(Clone)]
pub struct PostgresBackend {
    store: Arc<Store>,
    queue: Arc<Queue>,
}

impl PostgresBackend {
    /// Opens the store in schema `eventstore` of a database, and makes its tables where there are none.
    ///
    /// The URL is of the form `postgresql://user:password@host/database`, or `key=value` pairs; several hosts may be named,
    /// and `target_session_attrs=read-write` picks the one that takes appends.
    ///
    /// # Errors
    ///
    /// As [`PostgresBackend::with_config`].
    pub async fn connect(url: &str) -> Result<Self> {
        Self::with_config(url, PostgresConfig::default()).await
    }

    /// Opens the store in a schema of a database.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the server cannot be reached now; [`StoreError::Storage`], with a
    /// [`PostgresError`](crate::PostgresError) as its source, when the URL cannot be read, the password is wrong, the server's
    /// certificate is not trusted, the server is too old, or the tables are not there and cannot be made.
    pub async fn with_config(url: &str, config: PostgresConfig) -> Result<Self> {
        let settings = Settings::of(url, &config)?;
        let connections = Connections::to(&settings, &config)?;
        Self::open(connections, config, Some(settings)).await
    }

    /// Opens the store over connections of the application's own pool, which has a runtime and timeouts as it was built.
    ///
    /// It hears of what other processes append by asking now and then ([`PostgresConfig::poll_interval`]), since a pool has no
    /// connection to listen on.
    ///
    /// # Errors
    ///
    /// As [`PostgresBackend::with_config`].
    pub async fn from_pool(pool: Pool, config: PostgresConfig) -> Result<Self> {
        let connections = Connections::of(pool, &config);
        Self::open(connections, config, None).await
    }

    async fn open(
        connections: Connections,
        config: PostgresConfig,
        settings: Option<Settings>,
    ) -> Result<Self> {
        let mut connection = connections.get().await?;
        check_server(&connection).await?;
        match config.migrations {
            Migrations::Run => migrate::run(&mut connection, &config.schema).await?,
            Migrations::Check => migrate::check(&connection, &config.schema).await?,
        }
        drop(connection);
        let store =
            Arc::new(Store { connections, sql: Statements::of(&config.schema), head: Head::default() });
        tokio::spawn(listener::poll(Arc::downgrade(&store), config.poll_interval));
        if let Some(settings) = settings {
            let rows = read::query(&store, &store.sql.channel, &[]).await?;
            let channel: String = rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or_default();
            tokio::spawn(listener::listen(Arc::downgrade(&store), settings, channel));
        }
        let queue = Arc::new(Queue::start(Arc::clone(&store)));
        Ok(Self { store, queue })
    }

    fn check_open(&self) -> Result<()> {
        if self.store.connections.is_closed() { Err(StoreError::Closed) } else { Ok(()) }
    }
}

#[async_trait]
impl EventStoreBackend for PostgresBackend {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        self.check_open()?;
        self.queue.append(batch).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.check_open()?;
        read::read_stream(&self.store, stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        self.check_open()?;
        read::read_all(&self.store, query).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.check_open()?;
        self.store.head.past(position).await.map_err(|_| StoreError::Closed)
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        snapshot.validate()?;
        self.check_open()?;
        let connection = self.store.connections.get().await?;
        let (stream, state_type) = (snapshot.stream.as_str(), snapshot.state_type.as_str());
        let version = signed(snapshot.version.get());
        let schema_version = i64::from(snapshot.schema_version);
        let encoding = i16::from(snapshot.encoding.get());
        let payload: &[u8] = &snapshot.payload;
        let save = async {
            let statement = connection.prepare_cached(&self.store.sql.save_snapshot).await?;
            connection
                .execute(&statement, &[&stream, &version, &state_type, &schema_version, &encoding, &payload])
                .await
        };
        connection.within(save).await.map(|_| ()).map_err(of_write)
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.check_open()?;
        let rows = read::query(&self.store, &self.store.sql.latest_snapshot, &[&stream.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let wrong = |why: &dyn fmt::Display| StoreError::Corrupted {
            place: format!("snapshots, stream {stream}"),
            detail: why.to_string(),
        };
        let state_type = EventType::try_from(get::<&str>(row, 1)?).map_err(|why| wrong(&why))?;
        let payload = Bytes::copy_from_slice(get(row, 4)?);
        let version = Version::new(number(row, 0)?);
        let snapshot = Snapshot::new(stream.clone(), version, state_type, payload)
            .with_schema_version(u32::try_from(number(row, 2)?).map_err(|why| wrong(&why))?)
            .with_encoding(Encoding::new(u8::try_from(get::<i16>(row, 3)?).map_err(|why| wrong(&why))?));
        Ok(Some(snapshot))
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.check_open()?;
        let rows = read::query(&self.store, &self.store.sql.stats, &[]).await?;
        let Some(row) = rows.first() else { return Ok(BackendStats::default()) };
        // Positions have no gap.
        let head = number(row, 0)?;
        Ok(BackendStats::new(head, number(row, 1)?, number(row, 2)?, GlobalPosition::new(head)))
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.check_open()?;
        read::head(&self.store).await
    }

    async fn close(&self) -> Result<()> {
        self.store.head.close();
        self.store.connections.close();
        Ok(())
    }
}

impl fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBackend").field("schema", &self.store.sql.schema).finish_non_exhaustive()
    }
}
