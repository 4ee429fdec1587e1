use std::{fmt, time::Duration};

use async_trait::async_trait;
use deadpool_postgres::{Pool, Transaction};
use eventstore_api::GlobalPosition;
use eventstore_postgres::SchemaName;
use tokio_postgres::types::ToSql;

use super::{
    PostgresProjection,
    tables::Tables,
    turn::{Turn, asked},
};
use crate::{OutsideBatch, OutsideError, OutsideProjection, OutsideRegistration, ParkedEvent};

/// A read model in tables of a PostgreSQL database, which need not be the one of the events.
///
/// Each batch of events is one transaction, which also moves the position in the table `projection_checkpoints` (`name`,
/// `version`, `position`, `updated_at`), and only from where it is: so each event counts exactly once, whatever is killed, and with
/// as many processes as there are, of which one at a time gets on. What is parked lies in `projection_parked` (`name`, `version`,
/// `position`, `reason`, `parked_at`). Both are made where they are missing.
///
/// ```no_run
/// # use allframe_cqrs::{async_trait, event, ApplyError, PostgresProjection, Recorded, deadpool_postgres::Transaction};
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: i64 }
/// # struct Balances;
/// # #[async_trait]
/// # impl PostgresProjection for Balances {
/// #     type Event = Deposited;
/// #     async fn apply(&self, _: &Transaction<'_>, _: &Recorded<Deposited>) -> Result<(), ApplyError> { Ok(()) }
/// # }
/// use std::time::Duration;
/// use allframe_cqrs::{
///     EventStore, FaultPolicy, PostgresReadModel, ProjectionRegistry,
///     deadpool_postgres::{Manager, Pool}, tokio_postgres::NoTls,
/// };
///
/// # async fn run(store: EventStore<Deposited>) -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::builder(Manager::new("postgresql://localhost/app".parse()?, NoTls)).build()?;
/// let balances = PostgresReadModel::new(pool, "balances", 1, Balances);
///
/// let registry = ProjectionRegistry::new(store.clone());
/// registry.add_outside(balances.registration().with_faults(FaultPolicy::park())).await?;
///
/// let appended = store.append("account-7", vec![Deposited { amount: 42 }]).await?;
/// registry.wait_for("balances", appended.last_position, Duration::from_secs(5)).await?;   // now SQL sees it
/// # Ok(()) }
/// ```
///
/// To build it anew, register it under the next version in a second registry, with tables of its own beside those that are read;
/// change readers over when it has caught up, and drop the old ones. `docs/projections.md` has the statements.
pub struct PostgresReadModel<P> {
    pool: Pool,
    name: String,
    version: u32,
    projection: P,
    tables: Tables,
    patience: Duration,
    is_open: bool,
}

/// The longest any one answer is waited for, unless it is said otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

impl<P: PostgresProjection> PostgresReadModel<P> {
    /// A read model under a name and a version, from 1. It takes one connection of the pool at a time.
    #[must_use]
    pub fn new(pool: Pool, name: impl Into<String>, version: u32, projection: P) -> Self {
        let (tables, patience) = (Tables::within(None), PATIENCE);
        Self { pool, name: name.into(), version, projection, tables, patience, is_open: false }
    }

    /// The same, whose two tables are in this schema, which is made where it is missing. Otherwise they are in the first schema of
    /// the connections' search path.
    #[must_use]
    pub fn with_schema(mut self, schema: &SchemaName) -> Self {
        self.tables = Tables::within(Some(schema));
        self
    }

    /// The same, which waits so long at most for a connection, and for all that one event asks: 60 s by default. Then the
    /// connection is closed, and what was asked is tried again. It wants to be longer than the server's `statement_timeout`.
    #[must_use]
    pub fn with_answer_timeout(mut self, longest: Duration) -> Self {
        self.patience = longest;
        self
    }

    /// What to give to [`ProjectionRegistry::add_outside`](crate::ProjectionRegistry::add_outside).
    pub fn registration(self) -> OutsideRegistration<Self> {
        OutsideRegistration::new(self.name.clone(), self.version, self)
    }

    /// Makes what is missing: the two tables, the place among the checkpoints, and with that the tables of the projection.
    async fn open(&mut self) -> Result<(), OutsideError> {
        let mut turn = Turn::of(&self.pool, self.patience).await?;
        let transaction = turn.begin().await?;
        let are_there = asked(self.patience, transaction.query_one(&self.tables.are_there, &[])).await?;
        if !asked(self.patience, async { are_there.try_get::<_, bool>(0) }).await? {
            asked(self.patience, transaction.batch_execute(&self.tables.lock)).await?;
            asked(self.patience, transaction.batch_execute(&self.tables.make)).await?;
        }
        let entered = self.change(&transaction, &self.tables.enter, &[]).await?;
        if entered == 1 {
            asked(self.patience, self.projection.create(&transaction)).await?;
        }
        asked(self.patience, transaction.commit()).await?;
        turn.end();
        self.is_open = true;
        Ok(())
    }

    /// One number that a table knows of this read model.
    async fn ask(&self, statement: &str) -> Result<Option<u64>, OutsideError> {
        let mut turn = Turn::of(&self.pool, self.patience).await?;
        let transaction = turn.begin().await?;
        let version = i64::from(self.version);
        let row = asked(self.patience, transaction.query_opt(statement, &[&self.name, &version])).await?;
        let number = match row {
            Some(row) => Some(asked(self.patience, async { row.try_get::<_, i64>(0) }).await?),
            None => None,
        };
        asked(self.patience, transaction.rollback()).await?;
        turn.end();
        number.map(u64::try_from).transpose().map_err(OutsideError::refused)
    }

    /// Runs a statement on the row of this read model; how many rows it has changed.
    async fn change(
        &self,
        transaction: &Transaction<'_>,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, OutsideError> {
        let prepared = asked(self.patience, transaction.prepare_cached(statement)).await?;
        let version = i64::from(self.version);
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![&self.name, &version];
        all.extend_from_slice(values);
        asked(self.patience, transaction.execute(&prepared, &all)).await
    }

    /// First of all: whoever else runs this read model waits here for the end of the transaction, with nothing done in vain.
    async fn advance(
        &self,
        transaction: &Transaction<'_>,
        after: GlobalPosition,
        through: GlobalPosition,
    ) -> Result<(), OutsideError> {
        let (after, through) = (number(after)?, number(through)?);
        match self.change(transaction, &self.tables.advance, &[&after, &through]).await? {
            0 => Err(OutsideError::Moved),
            _ => Ok(()),
        }
    }

    async fn take_in(
        &self,
        transaction: &Transaction<'_>,
        batch: OutsideBatch<'_, P::Event>,
    ) -> Result<(), OutsideError> {
        self.advance(transaction, batch.after, batch.through).await?;
        for event in batch.events {
            asked(self.patience, self.projection.apply(transaction, event)).await?;
        }
        Ok(())
    }

    async fn put_aside(
        &self,
        transaction: &Transaction<'_>,
        after: GlobalPosition,
        event: &ParkedEvent,
    ) -> Result<(), OutsideError> {
        self.advance(transaction, after, event.position).await?;
        // The one character that PostgreSQL has no place for in a text.
        let reason = event.reason.replace('\0', "\u{fffd}");
        self.change(transaction, &self.tables.park, &[&number(event.position)?, &reason]).await?;
        Ok(())
    }

    /// Commits what was done, or rolls it back and says why. An answer to a commit that is lost leaves it open which.
    async fn settle(
        &self,
        transaction: Transaction<'_>,
        done: Result<(), OutsideError>,
    ) -> Result<Ended, OutsideError> {
        match done {
            Ok(()) => asked(self.patience, transaction.commit()).await.map(|()| Ok(())),
            Err(error @ OutsideError::Unavailable(_)) => Err(error),
            Err(error) => match asked(self.patience, transaction.rollback()).await {
                Ok(()) => Ok(Err(error)),
                // It is closed, and rolled back with that.
                Err(_) => Err(error),
            },
        }
    }
}

/// What came of a transaction whose connection can be used again.
type Ended = Result<(), OutsideError>;

#[async_trait]
impl<P: PostgresProjection> OutsideProjection for PostgresReadModel<P> {
    type Event = P::Event;

    async fn position(&mut self) -> Result<GlobalPosition, OutsideError> {
        if !self.is_open {
            self.open().await?;
        }
        let found = self.ask(&self.tables.position).await?;
        // Somebody has taken its place away, to have it built from the beginning.
        self.is_open = found.is_some();
        match found {
            Some(position) => Ok(GlobalPosition::new(position)),
            None => Err(OutsideError::unavailable("its row in `projection_checkpoints` is gone")),
        }
    }

    async fn count_parked(&mut self) -> Result<usize, OutsideError> {
        let count = self.ask(&self.tables.count_parked).await?.unwrap_or_default();
        usize::try_from(count).map_err(OutsideError::refused)
    }

    async fn apply(&mut self, batch: OutsideBatch<'_, P::Event>) -> Result<(), OutsideError> {
        let mut turn = Turn::of(&self.pool, self.patience).await?;
        let transaction = turn.begin().await?;
        let done = self.take_in(&transaction, batch).await;
        let ended = self.settle(transaction, done).await?;
        turn.end();
        ended
    }

    async fn park(&mut self, after: GlobalPosition, event: &ParkedEvent) -> Result<(), OutsideError> {
        let mut turn = Turn::of(&self.pool, self.patience).await?;
        let transaction = turn.begin().await?;
        let done = self.put_aside(&transaction, after, event).await;
        let ended = self.settle(transaction, done).await?;
        turn.end();
        ended
    }
}

fn number(position: GlobalPosition) -> Result<i64, OutsideError> {
    i64::try_from(position.get()).map_err(OutsideError::refused)
}

impl<P> fmt::Debug for PostgresReadModel<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresReadModel")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
