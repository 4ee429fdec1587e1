use std::{
    num::{NonZeroU64, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use eventstore_api::{StreamId, Version};
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter, sync::Cache};

use super::state::{Held, StreamState};

/// How much of a cache a state takes.
pub(crate) type Weigher<S> = Box<dyn Fn(&S) -> u64 + Send + Sync>;

/// The states of streams used lately, each as of some version of its stream.
///
/// It is never the last word: whoever takes a state from it reads the events that have come since.
pub(crate) struct StateCache<S> {
    states: Cache<StreamId, Kept<S>, KeptWeight, DefaultHashBuilder, CountEvictions>,
    clone: fn(&S) -> S,
    weigher: Option<Weigher<S>>,
    evictions: Arc<AtomicU64>,
}

impl<S: Clone> StateCache<S> {
    /// Room for so many states.
    pub(crate) fn of_states(states: NonZeroUsize) -> Self {
        let evictions = Arc::default();
        let capacity = u64::try_from(states.get()).unwrap_or(MAX_CAPACITY).min(MAX_CAPACITY);
        let counting = CountEvictions(Arc::clone(&evictions));
        let states = Cache::with(states.get(), capacity, KeptWeight, DefaultHashBuilder::default(), counting);
        Self { states, clone: S::clone, weigher: None, evictions }
    }

    /// Room for states that weigh so much together.
    pub(crate) fn of_weight(capacity: NonZeroU64, weigher: Weigher<S>) -> Self {
        let evictions = Arc::default();
        let counting = CountEvictions(Arc::clone(&evictions));
        let capacity = capacity.get().min(MAX_CAPACITY);
        let expected = usize::try_from(capacity).unwrap_or(usize::MAX).min(1_024);
        // One shard: in several, a state would have to fit into a small part of the room.
        let states = match OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(expected)
            .weight_capacity(capacity)
            .build()
        {
            Ok(options) => Cache::with_options(options, KeptWeight, DefaultHashBuilder::default(), counting),
            // Only missing capacities are refused, and both are there.
            Err(_) => Cache::with(expected, capacity, KeptWeight, DefaultHashBuilder::default(), counting),
        };
        Self { states, clone: S::clone, weigher: Some(weigher), evictions }
    }
}

impl<S> StateCache<S> {
    pub(crate) fn get(&self, stream: &StreamId) -> Option<StreamState<S>> {
        self.states.get(stream).map(|kept| self.to_state(kept))
    }

    /// As [`StateCache::get`], without a say in what stays in the cache.
    pub(crate) fn peek(&self, stream: &StreamId) -> Option<StreamState<S>> {
        self.states.peek(stream).map(|kept| self.to_state(kept))
    }

    pub(crate) fn insert(
        &self,
        stream: StreamId,
        state: Arc<S>,
        version: Version,
        snapshot_version: Version,
    ) {
        // What weighs nothing would never be evicted.
        let weight = self.weigher.as_ref().map_or(1, |weigher| weigher(&state).max(1));
        self.states.insert(stream, Kept { state, version, snapshot_version, weight });
    }

    /// Forgets a stream, so that whoever changes its state next is the only one to hold it, and needs no copy.
    pub(crate) fn remove(&self, stream: &StreamId) {
        self.states.remove(stream);
    }

    pub(crate) fn clear(&self) {
        self.states.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    fn to_state(&self, kept: Kept<S>) -> StreamState<S> {
        let Kept { state, version, snapshot_version, .. } = kept;
        StreamState { value: Held::Shared { value: state, clone: self.clone }, version, snapshot_version }
    }
}

/// The cache adds weights up, which must not overflow.
const MAX_CAPACITY: u64 = 1 << 62;

struct Kept<S> {
    state: Arc<S>,
    version: Version,
    snapshot_version: Version,
    /// Fixed when it was put in: the cache relies on it not to change.
    weight: u64,
}

// By hand: sharing a state takes no copy of it.
impl<S> Clone for Kept<S> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), ..*self }
    }
}

#[derive(Clone)]
struct KeptWeight;

impl<S> Weighter<StreamId, Kept<S>> for KeptWeight {
    fn weight(&self, _stream: &StreamId, kept: &Kept<S>) -> u64 {
        kept.weight
    }
}

#[derive(Clone)]
struct CountEvictions(Arc<AtomicU64>);

impl<S> Lifecycle<StreamId, Kept<S>> for CountEvictions {
    type RequestState = ();

    // Not in `on_evict`, which hears of values that were replaced too.
    fn before_evict(&self, _request: &mut (), _stream: &StreamId, _kept: &mut Kept<S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
