use std::fmt;

use eventstore_api::{EventFilter, EventStoreBackend, GlobalPosition};

use super::EventStore;
use crate::{AsOf, Event, Projection, Result, panicked::apply_again};

/// A projection as it was at a point of the past.
#[non_exhaustive]
pub struct StateAt<P> {
    /// What the events up to then add up to.
    pub state: P,
    /// All events of its type up to here are in it, and none after: a checkpoint from which
    /// [`EventStore::project`] goes on.
    pub position: GlobalPosition,
}

// Without the state, which need not be `Debug`.
impl<P> fmt::Debug for StateAt<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateAt").field("position", &self.position).finish_non_exhaustive()
    }
}

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// A projection as it was at a position of the store or at a moment: built anew, from all events of its type up to
    /// then. The events are [replayed](crate::ApplyContext::is_replaying), without effects, and take no more memory than
    /// a page.
    ///
    /// To see how far it has come, or to stop it on the way, [replay](EventStore::replay) into the projection.
    ///
    /// ```
    /// # use allframe_cqrs::{event, Projection};
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// # #[derive(Default)]
    /// # struct Turnover { total: u64 }
    /// # impl Projection for Turnover {
    /// #     type Event = Deposited;
    /// #     fn apply(&mut self, event: &Deposited) { self.total += event.amount }
    /// # }
    /// use allframe_cqrs::EventStore;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let store = EventStore::new();
    /// let first = store.append("account-7", vec![Deposited { amount: 40 }]).await?;
    /// store.append("account-8", vec![Deposited { amount: 2 }]).await?;
    ///
    /// let then = store.state_at::<Turnover>(first.last_position).await?;
    /// assert_eq!((then.state.total, then.position), (40, first.last_position));
    /// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode) naming the event that could not be read; [`Error::Apply`](crate::Error::Apply)
    /// with the position of the one that the projection did not take in, or panicked at; or
    /// [`Error::Store`](crate::Error::Store).
    pub async fn state_at<P>(&self, at: impl Into<AsOf>) -> Result<StateAt<P>>
    where
        P: Projection<Event = E> + Default,
    {
        let mut range = self.fixed_range(GlobalPosition::START, Some(at.into()), &EventFilter::all()).await?;
        let mut state = P::default();
        loop {
            let page = range.next_page().await?;
            for record in page.records {
                for event in self.reader().read(record)? {
                    apply_again(&mut state, &event)?;
                }
            }
            if page.is_last {
                return Ok(StateAt { state, position: page.through });
            }
        }
    }
}
