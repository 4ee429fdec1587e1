use std::pin::pin;

use eventstore_api::{EventFilter, EventStoreBackend};
use futures_util::future::{self, Either};
use tokio::{runtime::Handle, sync::mpsc::Sender};

use super::{CatchUp, EventStore};
use crate::{Error, Event, Result};

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// Sends every event of type `E` that is stored from now on into a channel, in order, each only after it is
    /// stored. Events that any other handle or process appends to the same store are among them.
    ///
    /// A full channel holds up the sending, never an append. The sending ends when the receiver is dropped, or at the
    /// first error: an event that cannot be read, or a store that does not answer. The error is logged, and seen as the
    /// channel's end. [`EventStore::catch_up`] hands errors to its reader, who can go on where it stopped.
    ///
    /// ```
    /// # use allframe_cqrs::event;
    /// # #[event]
    /// # #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// use allframe_cqrs::EventStore;
    /// use tokio::sync::mpsc;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let store = EventStore::new();
    /// let (sender, mut receiver) = mpsc::channel(100);
    /// store.subscribe(sender).await?;
    ///
    /// store.append("account-7", vec![Deposited { amount: 1 }]).await?;
    /// assert_eq!(receiver.recv().await, Some(Deposited { amount: 1 }));
    /// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NoRuntime`] outside a tokio runtime; [`Error::Store`] when the backend cannot say where `now` is.
    pub async fn subscribe(&self, sender: Sender<E>) -> Result<()> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let now = self.backend.head().await?;
        let events = self.catch_up(now, EventFilter::all());
        runtime.spawn(async move {
            let sending = pin!(send_all(events, &sender));
            // A receiver that goes away while nothing is appended must not leave this task behind.
            let receiver_gone = pin!(sender.closed());
            if let Either::Left((Err(error), _)) = future::select(sending, receiver_gone).await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "a subscription ends");
            }
        });
        Ok(())
    }
}

/// Sends until the receiver is gone.
async fn send_all<E: Event, B: EventStoreBackend>(
    mut events: CatchUp<E, B>,
    sender: &Sender<E>,
) -> Result<()> {
    loop {
        let event = events.next().await?.event;
        if sender.send(event).await.is_err() {
            return Ok(());
        }
    }
}
