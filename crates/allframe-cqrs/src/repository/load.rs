use std::sync::Arc;

use eventstore_api::{EventStoreBackend, IntoStreamId, StreamId, StreamRange, Version};

use super::{
    Loaded, Repository,
    state::{Held, State},
};
use crate::{Aggregate, Result, payload};

/// How many events are held at a time while a state is built.
const PAGE: usize = 1_024;

impl<A: Aggregate, B: EventStoreBackend> Repository<A, B> {
    /// The aggregate of a stream, as it is now.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode) naming the event that could not be read, or
    /// [`Error::Store`](crate::Error::Store).
    pub async fn load(&self, stream: impl IntoStreamId) -> Result<Loaded<A>> {
        let stream = stream.into_stream_id()?;
        let state = self.load_state(&stream).await?;
        let version = state.version;
        Ok(Loaded { aggregate: self.finish(stream, state), version })
    }

    /// From the cache or a snapshot where there is one, and the events that have come since.
    pub(super) async fn load_state(&self, stream: &StreamId) -> Result<State<A>> {
        let start = match self.cache.as_ref().and_then(|cache| cache.get(stream)) {
            Some(cached) => cached,
            None => self.state_of_snapshot(stream).await?.unwrap_or_else(State::initial),
        };
        self.catch_up(stream, start).await
    }

    /// The same state with the events that have come since.
    pub(super) async fn catch_up(&self, stream: &StreamId, mut state: State<A>) -> Result<State<A>> {
        loop {
            let range = StreamRange::after(state.version).limit(PAGE);
            let page = self.store.backend().read_stream(stream, range).await?;
            if let Some(newest) = page.events.last() {
                let events = page.events.iter().map(payload::from_recorded).collect::<Result<Vec<_>>>()?;
                state = self.advanced(stream, state, &events, newest.version);
            }
            // The end of the range is the end of the stream, unless the limit cut it off.
            if page.end_reached && page.events.len() < PAGE {
                return Ok(state);
            }
        }
    }

    /// The same state with these events applied, the last of which has this version.
    pub(super) fn advanced(
        &self,
        stream: &StreamId,
        state: State<A>,
        events: &[A::Event],
        version: Version,
    ) -> State<A> {
        if let Some(cache) = &self.cache {
            cache.remove(stream);
        }
        let mut aggregate = state.aggregate.into_owned();
        for event in events {
            aggregate.apply_event(event);
        }
        State { aggregate: Held::Owned(aggregate), version, snapshot_version: state.snapshot_version }
    }

    /// Hands a state out, and keeps it in the cache for the next time.
    pub(super) fn finish(&self, stream: StreamId, state: State<A>) -> Arc<A> {
        let State { aggregate, version, snapshot_version } = state;
        let aggregate = aggregate.into_shared();
        if let Some(cache) = &self.cache {
            cache.insert(stream, Arc::clone(&aggregate), version, snapshot_version);
        }
        aggregate
    }
}
