use std::{fmt, sync::Arc};

use eventstore_api::{EventFilter, EventStoreBackend, GlobalPosition, Subscription};
use futures_util::stream;

use super::{EventStore, read::EventStream};
use crate::{
    Event, Recorded, Result,
    versioning::{EventReader, Parts},
};

/// A catch-up subscription: every event of type `E` after a position, once and in order, first from history and then
/// as they are stored.
///
/// It holds at most a page of events, however slow its reader is, and needs no task of its own.
///
/// ```
/// # use allframe_cqrs::event;
/// # #[event]
/// # #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: u64 }
/// use allframe_cqrs::{EventFilter, EventStore, GlobalPosition};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// store.append("account-7", vec![Deposited { amount: 1 }]).await?;
///
/// let mut events = store.catch_up(GlobalPosition::START, EventFilter::all());
/// assert_eq!(events.next().await?.event, Deposited { amount: 1 });       // history
///
/// store.append("account-7", vec![Deposited { amount: 2 }]).await?;
/// assert_eq!(events.next().await?.event, Deposited { amount: 2 });       // live
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
pub struct CatchUp<E, B> {
    subscription: Subscription<B>,
    /// Stands still at an event that could not be read, where the subscription below has gone on.
    position: GlobalPosition,
    reader: Arc<EventReader<E>>,
    /// Those of the events of one record that have not been handed out yet.
    parts: <Parts<Recorded<E>> as IntoIterator>::IntoIter,
}

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// Subscribes to the events of type `E` after a position that pass a filter.
    #[must_use]
    pub fn catch_up(&self, after: GlobalPosition, filter: EventFilter) -> CatchUp<E, B> {
        let reader = self.shared_reader();
        let filter = reader.filter(&filter);
        CatchUp {
            subscription: Subscription::new(Arc::clone(&self.backend), after, filter),
            position: after,
            reader,
            parts: Parts::new().into_iter(),
        }
    }
}

impl<E: Event, B: EventStoreBackend> CatchUp<E, B> {
    /// The same subscription, which holds at most this many events at a time; at least one.
    #[must_use]
    pub fn with_page_size(mut self, events: usize) -> Self {
        self.subscription = self.subscription.with_page_size(events);
        self
    }

    /// The next event, as soon as there is one.
    ///
    /// Dropping the returned future loses nothing: the event comes with the next call.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode) for an event that is no `E`, after which the next call goes on with the one
    /// behind it; or [`Error::Store`](crate::Error::Store), after which the same can be tried again.
    pub async fn next(&mut self) -> Result<Recorded<E>> {
        loop {
            if let Some(event) = self.next_part() {
                return Ok(event);
            }
            let record = self.subscription.next().await?;
            self.parts = self.reader.read(record)?.into_iter();
        }
    }

    /// The next event if it lies in history; `None` once everything stored so far has been handed out.
    ///
    /// # Errors
    ///
    /// As [`CatchUp::next`].
    pub async fn next_stored(&mut self) -> Result<Option<Recorded<E>>> {
        loop {
            if let Some(event) = self.next_part() {
                return Ok(Some(event));
            }
            match self.subscription.next_stored().await? {
                Some(record) => self.parts = self.reader.read(record)?.into_iter(),
                None => {
                    self.position = self.subscription.position();
                    return Ok(None);
                }
            }
        }
    }

    /// The checkpoint: every event up to here has been handed out, or did not pass the filter.
    ///
    /// Where an upcaster makes several events of one, it moves on with the last of them.
    ///
    /// It stays before an event that could not be read until one behind it has been handed out: whoever stops at the
    /// error and resumes here meets that event again.
    #[must_use]
    pub fn position(&self) -> GlobalPosition {
        self.position
    }

    /// The next event of the record that was read last.
    fn next_part(&mut self) -> Option<Recorded<E>> {
        let event = self.parts.next()?;
        // Whoever resumes here must have had all of them.
        if self.parts.size_hint().0 == 0 {
            self.position = self.subscription.position();
        }
        Some(event)
    }

    /// The events as a `Stream`, which ends only after an error.
    pub fn into_stream(self) -> EventStream<E> {
        Box::pin(stream::try_unfold(
            self,
            |mut events| async move { Ok(Some((events.next().await?, events))) },
        ))
    }
}

impl<E, B> fmt::Debug for CatchUp<E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CatchUp").field(&self.subscription).finish()
    }
}
