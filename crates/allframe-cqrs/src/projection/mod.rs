mod context;

pub use context::{ApplyContext, ApplyError, Effect};

use crate::{Event, Recorded};

/// A read model that is built from events.
///
/// ```
/// use allframe_cqrs::{event, EventStore, GlobalPosition, Projection};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Deposited { amount: u64 }
///
/// #[derive(Default)]
/// struct Turnover { total: u64 }
///
/// impl Projection for Turnover {
///     type Event = Deposited;
///
///     fn apply(&mut self, event: &Deposited) {
///         self.total += event.amount;
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// store.append("account-7", vec![Deposited { amount: 40 }, Deposited { amount: 2 }]).await?;
///
/// let mut turnover = Turnover::default();
/// let mut checkpoint = GlobalPosition::START;
/// store.project(&mut turnover, &mut checkpoint).await?;
/// assert_eq!(turnover.total, 42);
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
pub trait Projection: Send + Sync {
    /// The events it is built from.
    type Event: Event;

    /// Changes the read model by what happened.
    fn apply(&mut self, event: &Self::Event);

    /// Changes the read model by what happened, with all that the store keeps of it: this is what the toolkit calls. The
    /// provided way calls [`Projection::apply`]. Override it to see the stream, the time or the metadata of an event, to
    /// have an [effect](ApplyContext::effect), or to fail.
    ///
    /// Nothing of an event that failed stays: whoever runs the projection takes the state back to what it was before.
    ///
    /// # Errors
    ///
    /// Whatever keeps the read model from taking the event in. What becomes of it then, is for whoever runs the projection
    /// to decide.
    fn try_apply(
        &mut self,
        event: &Recorded<Self::Event>,
        context: &mut ApplyContext,
    ) -> Result<(), ApplyError> {
        let _ = context;
        self.apply(&event.event);
        Ok(())
    }
}
