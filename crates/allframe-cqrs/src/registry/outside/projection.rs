use async_trait::async_trait;
use eventstore_api::GlobalPosition;

use super::OutsideError;
use crate::{Event, ParkedEvent, Recorded};

/// A projection whose read model lies in a database of its own, together with the position up to which it is made.
///
/// Both change in one transaction: that is what makes each event count exactly once, however often the process is killed. For
/// PostgreSQL there is one ready made, `PostgresReadModel` (feature `postgres`); this is for every other database.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
/// use allframe_cqrs::{
///     async_trait, event, EventStore, GlobalPosition, OutsideBatch, OutsideError, OutsideProjection,
///     OutsideRegistration, ParkedEvent, ProjectionRegistry,
/// };
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Deposited { amount: u64 }
///
/// /// What would be tables. A lock on it is a transaction.
/// #[derive(Default)]
/// struct Database { total: u64, position: GlobalPosition, parked: Vec<ParkedEvent> }
///
/// struct Turnover(Arc<Mutex<Database>>);
///
/// #[async_trait]
/// impl OutsideProjection for Turnover {
///     type Event = Deposited;
///
///     async fn position(&mut self) -> Result<GlobalPosition, OutsideError> {
///         Ok(self.0.lock().unwrap().position)
///     }
///
///     async fn count_parked(&mut self) -> Result<usize, OutsideError> {
///         Ok(self.0.lock().unwrap().parked.len())
///     }
///
///     async fn apply(&mut self, batch: OutsideBatch<'_, Deposited>) -> Result<(), OutsideError> {
///         let mut database = self.0.lock().unwrap();
///         if database.position != batch.after {
///             return Err(OutsideError::Moved);
///         }
///         database.total += batch.events.iter().map(|event| event.event.amount).sum::<u64>();
///         database.position = batch.through;
///         Ok(())
///     }
///
///     async fn park(&mut self, after: GlobalPosition, event: &ParkedEvent) -> Result<(), OutsideError> {
///         let mut database = self.0.lock().unwrap();
///         if database.position != after {
///             return Err(OutsideError::Moved);
///         }
///         database.parked.push(event.clone());
///         database.position = event.position;
///         Ok(())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let database = Arc::new(Mutex::new(Database::default()));
/// let store = EventStore::new();
/// let registry = ProjectionRegistry::new(store.clone());
/// registry.add_outside(OutsideRegistration::new("turnover", 1, Turnover(database.clone()))).await?;
///
/// let appended = store.append("account-7", vec![Deposited { amount: 42 }]).await.unwrap();
/// registry.wait_for("turnover", appended.last_position, Duration::from_secs(5)).await?;
/// assert_eq!(database.lock().unwrap().total, 42);
/// # Ok::<(), allframe_cqrs::ProjectionError>(()) }).unwrap();
/// ```
///
/// A panic in one of these is taken for [`OutsideError::Refused`]; what it had begun must then be rolled back, as a transaction
/// that is dropped is.
#[async_trait]
pub trait OutsideProjection: Send + 'static {
    /// The events it is built from.
    type Event: Event;

    /// Where the read model stands, as its database says: every event up to here is in it.
    /// [`START`](GlobalPosition::START) for one in which nothing is yet. The first call may make what it needs.
    ///
    /// It is asked when the projection is registered, after an outage, and when another process has moved it.
    ///
    /// # Errors
    ///
    /// What kept it from being known.
    async fn position(&mut self) -> Result<GlobalPosition, OutsideError>;

    /// How many events lie parked beside the read model.
    ///
    /// # Errors
    ///
    /// What kept it from being known.
    async fn count_parked(&mut self) -> Result<usize, OutsideError>;

    /// Takes a batch in and moves the position from [`after`](OutsideBatch::after) to [`through`](OutsideBatch::through), in one
    /// transaction: all of it or nothing.
    ///
    /// A batch that is refused comes again event by event, so that all before the one at fault is taken in. One without events
    /// only moves the position, as past an event that is skipped.
    ///
    /// # Errors
    ///
    /// [`OutsideError::Moved`] where the read model does not stand at `after`, and as that says.
    async fn apply(&mut self, batch: OutsideBatch<'_, Self::Event>) -> Result<(), OutsideError>;

    /// Keeps an event that cannot be taken in, with the reason, and moves the position from `after` to that of the event, in one
    /// transaction.
    ///
    /// # Errors
    ///
    /// As [`OutsideProjection::apply`].
    async fn park(&mut self, after: GlobalPosition, event: &ParkedEvent) -> Result<(), OutsideError>;
}

/// Events to be taken in, with the move of the position that goes with them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OutsideBatch<'a, E> {
    /// Where the read model stands, as far as is known.
    pub after: GlobalPosition,
    /// The events of the type behind that, in their order; at most some thousand, of a megabyte or so.
    pub events: &'a [&'a Recorded<E>],
    /// Where it stands with them.
    pub through: GlobalPosition,
}
