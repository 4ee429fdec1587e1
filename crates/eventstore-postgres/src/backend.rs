use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use deadpool_postgres::Pool;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, Encoding, EventStoreBackend, EventType, GlobalPosition,
    InvalidInput, Page, ReadAll, RecordedEvent, RestoredBatch, Result, Snapshot, StoreError, StreamAppend,
    StreamId, StreamPage, StreamRange, Version,
};
use futures_util::future::BoxFuture;
use tokio_postgres::{Transaction, types::ToSql};

use crate::{
    Migrations, PostgresConfig,
    append::{BulkLoad, Inside, KnownStreams, Queue, end_bulk_load, import, restore},
    columns::{get, number, signed},
    connection::{Connections, check_server},
    error::of_write,
    head::Head,
    listener, migrate,
    page_reads::Counters,
    read,
    replica::{self, Replica},
    settings::Settings,
    statements::Statements,
    stats::PostgresStats,
    store::Store,
};

/// An event store in a schema of a PostgreSQL database, shared by all who connect to it.
///
/// Cloning it is cheap, and shares connections. It works on the runtime of tokio on which it was opened, whose IO and timers have to
/// be enabled.
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
    pub(crate) store: Arc<Store>,
    queue: Arc<Queue>,
}

impl PostgresBackend {
    /// Opens the store in schema `eventstore` of a database, and makes its tables where there are none.
    ///
    /// The URL is of the form `postgresql://user:password@host/database`, or `key=value` pairs. Of several hosts the one is
    /// used that takes appends, also after another has taken its place: `target_session_attrs=read-write` goes without saying.
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
    /// [`PostgresError`](crate::PostgresError) as its source, when the URL cannot be read, the password is wrong, the server takes
    /// no encrypted connections where the URL asks for one or its certificate is not trusted, the server is too old, the tables are not there and cannot be made, or the store is [being filled](PostgresConfig::bulk_load) and this role may not end that.
    pub async fn with_config(url: &str, config: PostgresConfig) -> Result<Self> {
        let settings = Settings::of_primary(url, &config)?;
        let connections = Connections::to(&settings, &config)?;
        Self::open(connections, config, Some(settings)).await
    }

    /// Opens the store over connections of the application's own pool, which has a runtime and timeouts as it was built.
    ///
    /// Of the configuration, what is about making connections does not count: `pool_size`, `tls`, `connect_timeout` and
    /// `statement_timeout`. Have them set `jit=off`: to compile a plan takes longer than to run any of ours. Closing the store
    /// leaves the pool open.
    ///
    /// It hears of what other processes append by asking now and then ([`PostgresConfig::poll_interval`]), and they of what it
    /// appends, since a pool has no connection to listen and tell on.
    ///
    /// # Errors
    ///
    /// As [`PostgresBackend::with_config`].
    pub async fn from_pool(pool: Pool, config: PostgresConfig) -> Result<Self> {
        let connections = Connections::of(pool, &config);
        Self::open(connections, config, None).await
    }

    /// Appends a batch in a transaction of the caller's own, so that his rows and the events are stored together or not at all.
    /// The transaction is one of the database in which this store is; any connection to it will do.
    ///
    /// It answers as [`append_all`](EventStoreBackend::append_all), but nothing is stored before the transaction is committed,
    /// and then all of it is. From here on, **everyone else who wants to append waits** for the end of the transaction: do
    /// this last in it, and commit. An append that is refused has done nothing, and the transaction can go on.
    ///
    /// Of the commit this store hears when it next asks, or at once where it is told: [`announce`](Self::announce). Who waits
    /// for events is woken by it, and with a [replica](crate::ReplicaConfig) it takes that to read what was appended here.
    ///
    /// ```no_run
    /// # use eventstore_api::{AppendBatch, EventType, ExpectedVersion, NewEvent, StreamId};
    /// # use eventstore_postgres::PostgresBackend;
    /// # async fn buy(
    /// #     store: &PostgresBackend, client: &mut tokio_postgres::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let sold = NewEvent::new(EventType::new("Sold")?, "ticket 7");
    /// let batch = AppendBatch::single(StreamId::new("ticket-7")?, ExpectedVersion::NoStream, vec![sold]);
    ///
    /// let transaction = client.transaction().await?;
    /// transaction.execute("INSERT INTO invoice (ticket) VALUES (7)", &[]).await?;
    /// store.append_in(&transaction, batch).await?;
    /// transaction.commit().await?;
    /// store.announce().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`append_all`](EventStoreBackend::append_all). After [`StoreError::Storage`] and [`StoreError::Unavailable`] roll the
    /// transaction back: it may have failed. One of another isolation level than read committed, which would not see what
    /// others have appended, is refused so.
    ///
    /// # Cancellation
    ///
    /// Dropped early, it may have appended in the transaction or not: roll it back.
    pub async fn append_in(
        &self,
        transaction: &Transaction<'_>,
        batch: AppendBatch,
    ) -> Result<Vec<Appended>> {
        batch.validate()?;
        self.check_open()?;
        let answers_within = self.store.connections.answers_within();
        let inside = Inside::of(transaction, &self.store.sql, answers_within);
        let answer = inside.append(&batch).await;
        if answer.is_err() {
            self.store.head.note_answer(&answer);
        }
        answer
    }

    /// Appends much at once: for imports, and for moving a store here from another backend.
    ///
    /// The appends are made in their order, in one transaction, all or nothing; a stream may come back as often as it likes,
    /// each append under its guard as the stream is by then. Rows go to the server as a stream (`COPY`), several times as
    /// fast as one append after the other; a role that may not insert into the tables itself takes the way of other appends.
    /// Everyone else who wants to append waits meanwhile, and the memory it takes is that of the appends: some ten thousand
    /// events at a time are a good measure. Where events are stored already it answers for them as a retry is
    /// answered, and it takes longer.
    ///
    /// ```no_run
    /// # use eventstore_api::{EventType, ExpectedVersion, NewEvent, StreamAppend, StreamId};
    /// # async fn fill(store: &eventstore_postgres::PostgresBackend) -> eventstore_api::Result<()> {
    /// let stream = StreamId::new("account-7")?;
    /// let events = vec![NewEvent::new(EventType::new("Opened")?, "ann")];
    /// store.import(vec![StreamAppend { stream, expected: ExpectedVersion::Any, events }]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`append_all`](EventStoreBackend::append_all), for the first of the appends that is refused; nothing is stored
    /// then. Whether [`StoreError::OutcomeUnknown`] has stored everything or nothing is found out by the same call again.
    ///
    /// # Cancellation
    ///
    /// Dropped early, it has stored everything or nothing.
    pub async fn import(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>> {
        self.has_its_indexes().await?;
        import(&self.store, appends).await
    }

    /// Boxed, so that it is compiled here and not into every program that opens a store.
    // Boxed and not inlined: see `requests`.
    #[inline(never)]
    fn open(
        connections: Connections,
        config: PostgresConfig,
        settings: Option<Settings>,
    ) -> BoxFuture<'static, Result<Self>> {
        Box::pin(async move {
            if config.statement_timeout.is_some_and(|limit| limit >= config.answer_timeout) {
                tracing::warn!(
                    "`answer_timeout` is not longer than `statement_timeout`: appends that take long will be of unknown outcome, \
                    where the server could have said that they were given up"
                );
            }
            let mut connection = connections.get().await?;
            check_server(&connection).await?;
            match config.migrations {
                Migrations::Run => drop(migrate::run(&mut connection, &config).await?),
                Migrations::Check => migrate::check(&connection, &config).await?,
            }
            drop(connection);
            let replica = config.replica.as_ref().map(|replica| Replica::of(replica, &config)).transpose()?;
            let bulk_load = BulkLoad::of(&config, connections.pool_status().max_size);
            let store = Arc::new(Store {
                connections,
                replica,
                reads: Counters::default(),
                sql: Statements::of(&config.schema),
                head: Head::default(),
                known_streams: KnownStreams::default(),
                bulk_load,
            });
            if store.replica.is_some() {
                // What was acknowledged before this was opened is shown, too, by whichever replica.
                read::head(&store).await?;
            }
            tokio::spawn(listener::poll(Arc::downgrade(&store), config.poll_interval));
            tokio::spawn(replica::watch(Arc::downgrade(&store)));
            if let Some(settings) = settings {
                let rows = read::query(&store, &store.sql.channel, &[]).await?;
                let channel: String = rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or_default();
                tokio::spawn(listener::listen(Arc::downgrade(&store), settings, channel));
            }
            let queue = Arc::new(Queue::start(Arc::clone(&store)));
            Ok(Self { store, queue })
        })
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.store.head.is_closed() { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// Sees to it that it is open and has all of its indexes.
    async fn has_its_indexes(&self) -> Result<()> {
        self.check_open()?;
        end_bulk_load(&self.store).await
    }
}

#[async_trait]
impl EventStoreBackend for PostgresBackend {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        batch.validate()?;
        self.has_its_indexes().await?;
        self.queue.append(batch).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.has_its_indexes().await?;
        read::read_stream(&self.store, stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        self.check_open()?;
        if !query.filter.is_all() {
            self.has_its_indexes().await?;
        }
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
        let arguments: [&(dyn ToSql + Sync); 6] =
            [&stream, &version, &state_type, &schema_version, &encoding, &payload];
        let saved = connection.kept_rows(&self.store.sql.save_snapshot, &arguments).await;
        saved.map(drop).map_err(of_write)
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

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        if limit == 0 {
            return Err(InvalidInput::ZeroLimit.into());
        }
        self.check_open()?;
        let after = after.map(StreamId::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = read::query(&self.store, &self.store.sql.snapshot_streams, &[&after, &limit]).await?;
        rows.iter().map(|row| Ok(StreamId::new(get::<String>(row, 0)?)?)).collect()
    }

    /// All of it in one transaction, as [`import`](Self::import). It takes a role that owns the tables, or may insert into them.
    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        let restored = RestoredBatch::of(events)?;
        self.check_open()?;
        restore(&self.store, restored).await
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.check_open()?;
        let rows = read::query(&self.store, &self.store.sql.stats, &[]).await?;
        let Some(row) = rows.first() else { return Ok(BackendStats::default()) };
        let head = GlobalPosition::new(number(row, 0)?);
        self.store.head.raise_to(head);
        self.store.head.note_shown(head);
        let counts = BackendStats::new(number(row, 1)?, number(row, 2)?, number(row, 3)?, head);
        Ok(counts.with_specific(PostgresStats::of(row, 4, self.store.connections.pool_status())?))
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.check_open()?;
        read::head(&self.store).await
    }

    /// After a [bulk load](PostgresConfig::bulk_load) it makes the indexes that were left out, for which it takes seconds to minutes. Where it
    /// fails, or is dropped, before they are there, no other call is taken any more, and closing again goes on.
    async fn close(&self) -> Result<()> {
        self.store.head.close();
        self.store.bulk_load.give_up();
        end_bulk_load(&self.store).await?;
        self.store.connections.close();
        self.store.replica.iter().for_each(Replica::close);
        Ok(())
    }
}

impl fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBackend").field("schema", &self.store.sql.schema).finish_non_exhaustive()
    }
}
