use std::sync::Arc;

use eventstore_api::{EventStoreBackend, IntoStreamId, StreamId, Version};

use super::{Loaded, Repository};
use crate::{
    Aggregate, AsOf, Result,
    as_of::StreamEnd,
    stream_state::{Held, StreamState},
};

impl<A: Aggregate, B: EventStoreBackend> Repository<A, B> {
    /// The aggregate of a stream, as it is now.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode) naming the event that could not be read, or
    /// [`Error::Store`](crate::Error::Store).
    pub async fn load(&self, stream: impl IntoStreamId) -> Result<Loaded<A>> {
        let stream = stream.into_stream_id()?;
        let start = self.start_of(&stream).await?;
        let state = self.catch_up(&stream, start).await?;
        let version = state.version;
        Ok(Loaded { aggregate: self.finish(stream, state), version })
    }

    /// The aggregate of a stream, as it was at a position of the store or at a moment.
    ///
    /// It is built from what of the cache and the snapshots is old enough, and leaves nothing in the cache.
    ///
    /// ```
    /// # use allframe_cqrs::{event, Aggregate};
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { amount: u64 }
    /// # #[derive(Default)]
    /// # struct Account { balance: u64 }
    /// # impl Aggregate for Account {
    /// #     type Event = Deposited;
    /// #     fn apply_event(&mut self, event: &Deposited) { self.balance += event.amount }
    /// # }
    /// use allframe_cqrs::{EventStore, Repository, Timestamp};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let store = EventStore::new();
    /// let first = store.append("account-7", vec![Deposited { amount: 40 }]).await?;
    /// store.append("account-7", vec![Deposited { amount: 2 }]).await?;
    ///
    /// let accounts = Repository::<Account>::new(store);
    /// assert_eq!(accounts.load_at("account-7", first.last_position).await?.aggregate.balance, 40);
    /// assert_eq!(accounts.load_at("account-7", Timestamp::now()).await?.aggregate.balance, 42);
    /// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Repository::load`].
    pub async fn load_at(&self, stream: impl IntoStreamId, at: impl Into<AsOf>) -> Result<Loaded<A>> {
        self.load_until(stream.into_stream_id()?, StreamEnd::AsOf(at.into())).await
    }

    /// The aggregate of a stream, as it was at a version of it; as it is now where the stream has not come so far, which
    /// [`Loaded::version`] then tells.
    ///
    /// # Errors
    ///
    /// As [`Repository::load`].
    pub async fn load_at_version(
        &self,
        stream: impl IntoStreamId,
        version: impl Into<Version>,
    ) -> Result<Loaded<A>> {
        self.load_until(stream.into_stream_id()?, StreamEnd::Version(version.into())).await
    }

    async fn load_until(&self, stream: StreamId, end: StreamEnd) -> Result<Loaded<A>> {
        let start = match self.states.find_within(self.store.backend(), &stream, end).await? {
            Some(cached) => cached,
            None => self.snapshot_within(&stream, end).await?.unwrap_or_else(StreamState::initial),
        };
        let state = self.read_until(&stream, start, end).await?;
        Ok(Loaded { aggregate: state.value.into_shared(), version: state.version })
    }

    async fn snapshot_within(&self, stream: &StreamId, end: StreamEnd) -> Result<Option<StreamState<A>>> {
        let Some(state) = self.state_of_snapshot(stream).await? else { return Ok(None) };
        let is_within =
            self.states.reads().is_within(self.store.backend(), stream, state.version, end).await?;
        Ok(is_within.then_some(state))
    }

    /// From the cache or a snapshot, where there is one.
    pub(super) async fn start_of(&self, stream: &StreamId) -> Result<StreamState<A>> {
        match self.states.find(stream) {
            Some(cached) => Ok(cached),
            None => Ok(self.state_of_snapshot(stream).await?.unwrap_or_else(StreamState::initial)),
        }
    }

    /// The same state with the events that have come since.
    pub(super) async fn catch_up(&self, stream: &StreamId, state: StreamState<A>) -> Result<StreamState<A>> {
        self.read_until(stream, state, StreamEnd::Now).await
    }

    async fn read_until(
        &self,
        stream: &StreamId,
        state: StreamState<A>,
        end: StreamEnd,
    ) -> Result<StreamState<A>> {
        let decode = |record| self.store.reader().events(&record);
        let apply = |aggregate: &mut A, event: &A::Event| {
            aggregate.apply_event(event);
            Ok(())
        };
        self.states.read_tail(self.store.backend(), stream, state, end, decode, apply).await
    }

    /// The same state with these events applied, the last of which has this version.
    pub(super) fn advanced(
        &self,
        stream: &StreamId,
        state: StreamState<A>,
        events: &[A::Event],
        version: Version,
    ) -> StreamState<A> {
        self.states.forget(stream);
        let mut aggregate = state.value.into_owned();
        for event in events {
            aggregate.apply_event(event);
        }
        StreamState { value: Held::Owned(aggregate), version, snapshot_version: state.snapshot_version }
    }

    /// Hands a state out, and keeps it in the cache for the next time.
    pub(super) fn finish(&self, stream: StreamId, state: StreamState<A>) -> Arc<A> {
        self.states.keep(stream, state)
    }
}
