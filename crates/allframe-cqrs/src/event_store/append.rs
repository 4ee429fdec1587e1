use eventstore_api::{AppendBatch, Appended, EventStoreBackend, ExpectedVersion, IntoStreamId};

use super::{Batch, EventStore};
use crate::{Event, Result, payload};

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// Appends events to a stream, all or nothing, whatever its version.
    ///
    /// Dropping the future early leaves the events wholly appended or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`](crate::Error::Encode), or [`Error::Store`](crate::Error::Store) with the backend's answer; no
    /// events at all are [`InvalidInput`](eventstore_api::InvalidInput). Where the backend cannot say whether the append
    /// happened, the same is appended again a few times, which stores nothing twice; if that does not settle it, the
    /// answer is [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown). Calling `append` again would be a new append.
    pub async fn append(&self, stream: impl IntoStreamId, events: Vec<E>) -> Result<Appended> {
        self.append_expecting(stream, ExpectedVersion::Any, events).await
    }

    /// Appends events to a stream, all or nothing, if its version is what is expected.
    ///
    /// ```
    /// # use allframe_cqrs::event;
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// use allframe_cqrs::{EventStore, ExpectedVersion};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let store = EventStore::new();
    /// let first = store.append_expecting("account-7", ExpectedVersion::NoStream, vec![Deposited { amount: 1 }]).await?;
    ///
    /// let next = ExpectedVersion::Exact(first.last_version);
    /// store.append_expecting("account-7", next, vec![Deposited { amount: 2 }]).await?;
    /// let too_late = store.append_expecting("account-7", next, vec![Deposited { amount: 3 }]).await;
    /// assert!(too_late.unwrap_err().is_conflict());
    /// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`EventStore::append`], and
    /// [`WrongExpectedVersion`](eventstore_api::StoreError::WrongExpectedVersion) when the guard does not hold.
    pub async fn append_expecting(
        &self,
        stream: impl IntoStreamId,
        expected: ExpectedVersion,
        events: Vec<E>,
    ) -> Result<Appended> {
        let stream = stream.into_stream_id()?;
        let events = payload::to_new_events(&events, self.codec)?;
        Appended::only(self.append_settled(AppendBatch::single(stream, expected, events)).await?)
            .map_err(Into::into)
    }

    /// Begins an append to several streams, or under a condition, or with metadata and tags.
    pub fn batch(&self) -> Batch<'_, E, B> {
        Batch::new(self)
    }
}
