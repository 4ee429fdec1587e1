use std::{
    any::Any,
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
    states: AnyStates,
    clone: fn(&S) -> S,
    weigher: Option<Weigher<S>>,
}

impl<S: Clone> StateCache<S> {
    /// Room for so many states.
    pub(crate) fn of_states(states: NonZeroUsize) -> Self {
        Self { states: AnyStates::of_states(states), clone: S::clone, weigher: None }
    }

    /// Room for states that weigh so much together.
    pub(crate) fn of_weight(capacity: NonZeroU64, weigher: Weigher<S>) -> Self {
        Self { states: AnyStates::of_weight(capacity), clone: S::clone, weigher: Some(weigher) }
    }
}

impl<S: Send + Sync + 'static> StateCache<S> {
    pub(crate) fn get(&self, stream: &StreamId) -> Option<StreamState<S>> {
        self.to_state(self.states.cache.get(stream)?)
    }

    /// As [`StateCache::get`], without a say in what stays in the cache.
    pub(crate) fn peek(&self, stream: &StreamId) -> Option<StreamState<S>> {
        self.to_state(self.states.cache.peek(stream)?)
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
        self.states.cache.insert(stream, Kept { state, version, snapshot_version, weight });
    }

    /// Every state is an `S`: nothing else is put in.
    fn to_state(&self, kept: Kept) -> Option<StreamState<S>> {
        let Kept { state, version, snapshot_version, .. } = kept;
        let value = state.downcast().ok()?;
        Some(StreamState { value: Held::Shared { value, clone: self.clone }, version, snapshot_version })
    }
}

impl<S> StateCache<S> {
    /// Forgets a stream, so that whoever changes its state next is the only one to hold it, and needs no copy.
    pub(crate) fn remove(&self, stream: &StreamId) {
        self.states.cache.remove(stream);
    }

    pub(crate) fn clear(&self) {
        self.states.cache.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.states.cache.len()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.states.evictions.load(Ordering::Relaxed)
    }
}

/// The cache, whatever it holds states of: its code is in a program once, not once for each type of state.
struct AnyStates {
    cache: Cache<StreamId, Kept, KeptWeight, DefaultHashBuilder, CountEvictions>,
    evictions: Arc<AtomicU64>,
}

/// The cache adds weights up, which must not overflow.
const MAX_CAPACITY: u64 = 1 << 62;

impl AnyStates {
    fn of_states(states: NonZeroUsize) -> Self {
        let evictions = Arc::default();
        let capacity = u64::try_from(states.get()).unwrap_or(MAX_CAPACITY).min(MAX_CAPACITY);
        let counting = CountEvictions(Arc::clone(&evictions));
        let cache = Cache::with(states.get(), capacity, KeptWeight, DefaultHashBuilder::default(), counting);
        Self { cache, evictions }
    }

    fn of_weight(capacity: NonZeroU64) -> Self {
        let evictions = Arc::default();
        let counting = CountEvictions(Arc::clone(&evictions));
        let capacity = capacity.get().min(MAX_CAPACITY);
        let expected = usize::try_from(capacity).unwrap_or(usize::MAX).min(1_024);
        // One shard: in several, a state would have to fit into a small part of the room.
        let cache = match OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(expected)
            .weight_capacity(capacity)
            .build()
        {
            Ok(options) => Cache::with_options(options, KeptWeight, DefaultHashBuilder::default(), counting),
            // Only missing capacities are refused, and both are there.
            Err(_) => Cache::with(expected, capacity, KeptWeight, DefaultHashBuilder::default(), counting),
        };
        Self { cache, evictions }
    }
}

#[derive(Clone)]
struct Kept {
    state: Arc<dyn Any + Send + Sync>,
    version: Version,
    snapshot_version: Version,
    /// Fixed when it was put in: the cache relies on it not to change.
    weight: u64,
}

#[derive(Clone)]
struct KeptWeight;

impl Weighter<StreamId, Kept> for KeptWeight {
    fn weight(&self, _stream: &StreamId, kept: &Kept) -> u64 {
        kept.weight
    }
}

#[derive(Clone)]
struct CountEvictions(Arc<AtomicU64>);

impl Lifecycle<StreamId, Kept> for CountEvictions {
    type RequestState = ();

    // Not in `on_evict`, which hears of values that were replaced too.
    fn before_evict(&self, _request: &mut (), _stream: &StreamId, _kept: &mut Kept) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
