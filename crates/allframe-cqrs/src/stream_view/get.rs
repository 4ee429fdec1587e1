use std::sync::atomic::Ordering;

use eventstore_api::{EventStoreBackend, IntoStreamId, StreamId, Version};

use super::{StreamView, StreamViews};
use crate::{AsOf, Projection, Result, as_of::StreamEnd, panicked::apply_again, stream_state::StreamState};

impl<P: Projection + Default + 'static, B: EventStoreBackend> StreamViews<P, B> {
    /// The view of a stream as it is now, with every event that was stored before the call.
    ///
    /// With a cache, those who ask for one stream at the same time take turns: the first reads its events, the others only
    /// what has come since. Dropping the future early costs at most the cached state of this stream.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode) naming an event of the stream that could not be read as one of the
    /// projection's; [`Error::Apply`](crate::Error::Apply) with the position of the one that the projection did not take in,
    /// or panicked at; or [`Error::Store`](crate::Error::Store). The state that failed is not kept: the next call begins
    /// anew.
    pub async fn get(&self, stream: impl IntoStreamId) -> Result<StreamView<P>> {
        let stream = stream.into_stream_id()?;
        let _in_turn = match self.states.cache() {
            Some(_) => Some(self.loading.enter(&stream).await),
            None => None,
        };
        let invalidations = self.invalidations.load(Ordering::SeqCst);
        let start = self.states.find(&stream).unwrap_or_else(StreamState::initial);
        let state = self.read_until(&stream, start, StreamEnd::Now).await?;
        let version = state.version;
        let value = self.states.keep(stream.clone(), state);
        // What was built on a state that somebody has meanwhile declared invalid must not outlive that. The next one to
        // ask for this stream waits until this is settled.
        if self.invalidations.load(Ordering::SeqCst) != invalidations {
            self.states.forget(&stream);
        }
        Ok(StreamView { state: value, version })
    }

    /// The view of a stream as it was at a position of the store or at a moment.
    ///
    /// It starts from the cached state where that is old enough, and leaves nothing in the cache.
    ///
    /// # Errors
    ///
    /// As [`StreamViews::get`].
    pub async fn get_at(&self, stream: impl IntoStreamId, at: impl Into<AsOf>) -> Result<StreamView<P>> {
        self.get_until(stream.into_stream_id()?, StreamEnd::AsOf(at.into())).await
    }

    /// The view of a stream as it was at a version of it; as it is now where the stream has not come so far, which
    /// [`StreamView::version`] then tells.
    ///
    /// # Errors
    ///
    /// As [`StreamViews::get`].
    pub async fn get_at_version(
        &self,
        stream: impl IntoStreamId,
        version: impl Into<Version>,
    ) -> Result<StreamView<P>> {
        self.get_until(stream.into_stream_id()?, StreamEnd::Version(version.into())).await
    }

    async fn get_until(&self, stream: StreamId, end: StreamEnd) -> Result<StreamView<P>> {
        let cached = self.states.find_within(self.store.backend(), &stream, end).await?;
        let state = self.read_until(&stream, cached.unwrap_or_else(StreamState::initial), end).await?;
        Ok(StreamView { state: state.value.into_shared(), version: state.version })
    }

    async fn read_until(
        &self,
        stream: &StreamId,
        start: StreamState<P>,
        end: StreamEnd,
    ) -> Result<StreamState<P>> {
        let decode = |record| self.store.reader().read(record);
        self.states.read_tail(self.store.backend(), stream, start, end, decode, apply_again).await
    }
}
