//! The state of one stream, whatever it is a state of: folded from the events, kept in a bounded cache, and brought up to
//! date by reading the tail alone. Repositories and stream views stand on it.

mod cache;
mod reads;
mod state;
mod stats;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub(crate) use cache::StateCache;
use eventstore_api::{EventStoreBackend, RecordedEvent, StreamId, Version};
pub(crate) use reads::StreamReads;
pub(crate) use state::{Held, StreamState};
pub use stats::CacheStats;

use crate::{Result, as_of::StreamEnd, telemetry, versioning::Parts};

/// The states of streams, with a cache or without.
pub(crate) struct StreamStates<S> {
    cache: Option<StateCache<S>>,
    reads: StreamReads,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl<S> StreamStates<S> {
    pub(crate) fn uncached() -> Self {
        Self {
            cache: None,
            reads: StreamReads::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    pub(crate) fn cached(cache: StateCache<S>) -> Self {
        Self { cache: Some(cache), ..Self::uncached() }
    }

    pub(crate) fn cache(&self) -> Option<&StateCache<S>> {
        self.cache.as_ref()
    }

    pub(crate) fn reads(&self) -> &StreamReads {
        &self.reads
    }

    /// Takes a stream out of the cache.
    pub(crate) fn forget(&self, stream: &StreamId) {
        if let Some(cache) = &self.cache {
            cache.remove(stream);
        }
    }

    pub(crate) fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            events_read: self.reads.events(),
            evictions: self.cache.as_ref().map_or(0, StateCache::evictions),
            entries: self.cache.as_ref().map_or(0, StateCache::len),
        }
    }
}

impl<S: Send + Sync + 'static> StreamStates<S> {
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
    pub(crate) async fn read_tail<D>(
        &self,
        backend: &impl EventStoreBackend,
        stream: &StreamId,
        mut state: StreamState<S>,
        end: StreamEnd,
        decode: impl Fn(RecordedEvent) -> Result<Parts<D>>,
        mut apply: impl FnMut(&mut S, &D) -> Result<()>,
    ) -> Result<StreamState<S>> {
        loop {
            let tail = self.reads.tail(backend, stream, state.version, end).await?;
            if let Some(version) = tail.events.last().map(|newest| newest.version) {
                let mut events = Vec::with_capacity(tail.events.len());
                for record in tail.events {
                    events.extend(decode(record)?);
                }
                if end == StreamEnd::Now {
                    self.forget(stream);
                }
                let mut value = state.value.into_owned();
                for event in &events {
                    apply(&mut value, event)?;
                }
                state = StreamState { value: Held::Owned(value), version, ..state };
            }
            if tail.is_last {
                return Ok(state);
            }
        }
    }

    /// The cached state, if it holds nothing beyond `end`.
    pub(crate) async fn find_within(
        &self,
        backend: &impl EventStoreBackend,
        stream: &StreamId,
        end: StreamEnd,
    ) -> Result<Option<StreamState<S>>> {
        let Some(state) = self.cache.as_ref().and_then(|cache| cache.peek(stream)) else { return Ok(None) };
        let is_within = self.reads.is_within(backend, stream, state.version, end).await?;
        Ok(is_within.then_some(state))
    }
}
