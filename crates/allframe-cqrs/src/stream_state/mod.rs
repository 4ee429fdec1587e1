//! The state of one stream, whatever it is a state of: folded from the events, kept in a bounded cache, and brought up to
//! date by reading the tail alone. Repositories and stream views stand on it.

mod cache;
mod state;
mod stats;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub(crate) use cache::StateCache;
use eventstore_api::{EventStoreBackend, RecordedEvent, StreamId, StreamRange, Version};
pub(crate) use state::{Held, StreamState};
pub use stats::CacheStats;

use crate::{Result, as_of::StreamEnd, telemetry, versioning::Parts};

/// How many events are held at a time while a state is built.
const PAGE: usize = 1_024;

/// The states of streams, with a cache or without.
pub(crate) struct StreamStates<S> {
    cache: Option<StateCache<S>>,
    hits: AtomicU64,
    misses: AtomicU64,
    events_read: AtomicU64,
}

impl<S> StreamStates<S> {
    pub(crate) fn uncached() -> Self {
        Self {
            cache: None,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            events_read: AtomicU64::new(0),
        }
    }

    pub(crate) fn cached(cache: StateCache<S>) -> Self {
        Self { cache: Some(cache), ..Self::uncached() }
    }

    pub(crate) fn cache(&self) -> Option<&StateCache<S>> {
        self.cache.as_ref()
    }

    /// The state that the cache holds, which counts as a hit or a miss.
    pub(crate) fn find(&self, stream: &StreamId) -> Option<StreamState<S>> {
        let found = self.cache.as_ref().and_then(|cache| cache.get(stream));
        let count = if found.is_some() { &self.hits } else { &self.misses };
        if self.cache.is_some() {
            telemetry::asked_cache(std::any::type_name::<S>(), found.is_some());
        }
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Takes a stream out of the cache.
    pub(crate) fn forget(&self, stream: &StreamId) {
        if let Some(cache) = &self.cache {
            cache.remove(stream);
        }
    }

    /// Hands a state out, and keeps it in the cache for the next time.
    ///
    /// That of a stream without events is not kept: to ask the store again reads nothing, and whoever asks for names at
    /// random must not drive others out.
    pub(crate) fn keep(&self, stream: StreamId, state: StreamState<S>) -> Arc<S> {
        let StreamState { value, version, snapshot_version } = state;
        let value = value.into_shared();
        if let Some(cache) = &self.cache
            && version != Version::NONE
        {
            cache.insert(stream, Arc::clone(&value), version, snapshot_version);
        }
        value
    }

    /// The same state with the events that have come since, up to `end`. A page is decoded as a whole before any of it
    /// is applied, so that what cannot be read costs no cached state; what fails while it is applied does.
    pub(crate) async fn read_tail<B: EventStoreBackend, D>(
        &self,
        backend: &B,
        stream: &StreamId,
        mut state: StreamState<S>,
        end: StreamEnd,
        decode: impl Fn(RecordedEvent) -> Result<Parts<D>>,
        mut apply: impl FnMut(&mut S, &D) -> Result<()>,
    ) -> Result<StreamState<S>> {
        loop {
            let range = StreamRange::after(state.version).limit(PAGE);
            let page = backend.read_stream(stream, range).await?;
            let read = page.events.len();
            self.count_read(read);
            let wanted: Vec<_> = page.events.into_iter().take_while(|record| end.includes(record)).collect();
            let is_cut_off = wanted.len() < read;
            if let Some(version) = wanted.last().map(|newest| newest.version) {
                let events = wanted.into_iter().map(&decode).collect::<Result<Vec<_>>>()?;
                let events: Vec<_> = events.into_iter().flatten().collect();
                if end == StreamEnd::Now {
                    self.forget(stream);
                }
                let mut value = state.value.into_owned();
                for event in &events {
                    apply(&mut value, event)?;
                }
                state = StreamState { value: Held::Owned(value), version, ..state };
            }
            // The end of the range is the end of the stream, unless the limit cut it off.
            if is_cut_off || (page.end_reached && read < PAGE) {
                return Ok(state);
            }
        }
    }

    /// The cached state, if it holds nothing beyond `end`.
    pub(crate) async fn find_within<B: EventStoreBackend>(
        &self,
        backend: &B,
        stream: &StreamId,
        end: StreamEnd,
    ) -> Result<Option<StreamState<S>>> {
        let Some(state) = self.cache.as_ref().and_then(|cache| cache.peek(stream)) else { return Ok(None) };
        let is_within = self.is_within(backend, stream, state.version, end).await?;
        Ok(is_within.then_some(state))
    }

    /// Whether the event with this version lies before `end`, and with it, as times and positions never run backwards, all
    /// before it.
    pub(crate) async fn is_within<B: EventStoreBackend>(
        &self,
        backend: &B,
        stream: &StreamId,
        version: Version,
        end: StreamEnd,
    ) -> Result<bool> {
        if let Some(is_within) = end.includes_version(version) {
            return Ok(is_within);
        }
        let newest = self.event_at(backend, stream, version).await?;
        Ok(newest.is_some_and(|record| end.includes(&record)))
    }

    /// The event with this version, if the stream holds it.
    pub(crate) async fn event_at<B: EventStoreBackend>(
        &self,
        backend: &B,
        stream: &StreamId,
        version: Version,
    ) -> Result<Option<RecordedEvent>> {
        let before = Version::new(version.get().saturating_sub(1));
        let mut found = backend.read_stream(stream, StreamRange::after(before).limit(1)).await?.events;
        self.count_read(found.len());
        Ok(found.pop())
    }

    fn count_read(&self, events: usize) {
        self.events_read.fetch_add(u64::try_from(events).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            events_read: self.events_read.load(Ordering::Relaxed),
            evictions: self.cache.as_ref().map_or(0, StateCache::evictions),
            entries: self.cache.as_ref().map_or(0, StateCache::len),
        }
    }
}
