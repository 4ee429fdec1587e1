use async_trait::async_trait;
use deadpool_postgres::Transaction;

use crate::{ApplyError, Event, Recorded};

/// What the events of a read model in PostgreSQL do to its tables. [`PostgresReadModel`](crate::PostgresReadModel) runs it.
///
/// Whatever is asked on the transaction is committed together with the position, or not at all: each event counts exactly once.
/// What is done anywhere else is not, and may be done again. Statements go through `prepare_cached`, so that the server
/// parses them once a connection.
///
/// ```no_run
/// use allframe_cqrs::{
///     async_trait, event, ApplyError, PostgresProjection, Recorded, deadpool_postgres::Transaction,
/// };
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Deposited { amount: i64 }
///
/// struct Balances;
///
/// #[async_trait]
/// impl PostgresProjection for Balances {
///     type Event = Deposited;
///
///     async fn create(&self, transaction: &Transaction<'_>) -> Result<(), ApplyError> {
///         let table = "CREATE TABLE balances_v1 (account text PRIMARY KEY, amount bigint NOT NULL)";
///         transaction.batch_execute(table).await?;
///         Ok(())
///     }
///
///     async fn apply(&self, transaction: &Transaction<'_>, event: &Recorded<Deposited>) -> Result<(), ApplyError> {
///         let deposit = transaction
///             .prepare_cached(
///                 "INSERT INTO balances_v1 VALUES ($1, $2) \
///                  ON CONFLICT (account) DO UPDATE SET amount = balances_v1.amount + excluded.amount",
///             )
///             .await?;
///         transaction.execute(&deposit, &[&event.stream().as_str(), &event.event.amount]).await?;
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait PostgresProjection: Send + Sync + 'static {
    /// The events it is built from.
    type Event: Event;

    /// Makes its tables, in the transaction in which this name and version get their place among the checkpoints: once,
    /// whoever comes first. The provided way makes nothing, for tables that are there already.
    ///
    /// # Errors
    ///
    /// Whatever kept them from being made. Nothing is left of them then, and the projection is not registered.
    async fn create(&self, transaction: &Transaction<'_>) -> Result<(), ApplyError> {
        let _ = transaction;
        Ok(())
    }

    /// Changes the tables by what happened.
    ///
    /// # Errors
    ///
    /// Whatever keeps the event from being taken in: all of it is rolled back, and the policy says what becomes of the event.
    /// An error of the client, as it is or as a source, that tells of a lost connection, a server that shuts down or is full, or a
    /// deadlock, is no fault of the event: it is tried again until it works.
    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        event: &Recorded<Self::Event>,
    ) -> Result<(), ApplyError>;
}
