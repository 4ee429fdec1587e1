mod get;

use std::{
    fmt,
    num::{NonZeroU64, NonZeroUsize},
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use eventstore_api::{IntoStreamId, Version};

use crate::{
    CacheStats, DefaultBackend, EventStore, Projection, Result,
    one_at_a_time::OneAtATime,
    stream_state::{StateCache, StreamStates},
};

/// Read models of one stream each, built when they are asked for.
///
/// Where there are too many streams to keep a read model of each, or a reader wants to see its own write at once, the
/// events of one stream are folded into the projection on demand. With a cache, only those are read that have come since.
/// A view is never stale: the cache is asked where to start, and the store what is there.
///
/// Its events are [replayed](crate::ApplyContext::is_replaying): they have no effects. All events of the stream have to be
/// the projection's.
///
/// ```
/// use std::num::NonZeroUsize;
/// use allframe_cqrs::{event, EventStore, Projection, StreamViews};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Deposited { amount: u64 }
///
/// #[derive(Clone, Default)]
/// struct Balance { amount: u64 }
///
/// impl Projection for Balance {
///     type Event = Deposited;
///
///     fn apply(&mut self, event: &Deposited) {
///         self.amount += event.amount;
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// store.append("account-7", vec![Deposited { amount: 40 }]).await?;
///
/// let balances = StreamViews::<Balance>::new(store.clone()).with_cache(NonZeroUsize::new(1_000).unwrap());
/// assert_eq!(balances.get("account-7").await?.amount, 40);
///
/// store.append("account-7", vec![Deposited { amount: 2 }]).await?;
/// assert_eq!(balances.get("account-7").await?.amount, 42);         // reads the second event alone
/// assert_eq!(balances.get_at_version("account-7", 1).await?.amount, 40);
///
/// assert_eq!((balances.stats().hits, balances.stats().hit_rate()), (1, Some(0.5)));
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
pub struct StreamViews<P: Projection, B = DefaultBackend> {
    store: EventStore<P::Event, B>,
    states: StreamStates<P>,
    loading: OneAtATime,
    /// How often something was invalidated: a state that was being built meanwhile is not kept.
    invalidations: AtomicU64,
}

/// The read model of a stream, as the stream was when it was read. It can be used as the projection itself.
#[non_exhaustive]
pub struct StreamView<P> {
    /// What the events add up to; the default for a stream without events.
    pub state: Arc<P>,
    /// The version of the last event that went into it.
    pub version: Version,
}

impl<P> Deref for StreamView<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.state
    }
}

// By hand: sharing a view takes no copy of the state.
impl<P> Clone for StreamView<P> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), version: self.version }
    }
}

impl<P> fmt::Debug for StreamView<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamView").field("version", &self.version).finish_non_exhaustive()
    }
}

impl<P: Projection + 'static, B> StreamViews<P, B> {
    /// Views of the streams in this store, without a cache: each is read from its first event.
    #[must_use]
    pub fn new(store: EventStore<P::Event, B>) -> Self {
        Self {
            store,
            states: StreamStates::uncached(),
            loading: OneAtATime::default(),
            invalidations: AtomicU64::new(0),
        }
    }

    /// Forgets the state of a stream, so that it is built from its first event the next time. No append makes this
    /// necessary: it is for a projection that depends on more than its events.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](eventstore_api::InvalidInput) for what is no stream id.
    pub fn invalidate(&self, stream: impl IntoStreamId) -> Result<()> {
        let stream = stream.into_stream_id()?;
        self.invalidations.fetch_add(1, Ordering::SeqCst);
        self.states.forget(&stream);
        Ok(())
    }

    /// Forgets the states of all streams.
    pub fn invalidate_all(&self) {
        self.invalidations.fetch_add(1, Ordering::SeqCst);
        if let Some(cache) = self.states.cache() {
            cache.clear();
        }
    }

    /// How well the cache serves. Views of the past are among the events read, and neither hits nor misses.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.states.stats()
    }

    /// The store underneath.
    #[must_use]
    pub fn store(&self) -> &EventStore<P::Event, B> {
        &self.store
    }
}

impl<P: Projection + Clone + 'static, B> StreamViews<P, B> {
    /// The same views, which keep the states of up to this many streams used lately. What an earlier call set up is
    /// dropped, and the counts begin anew.
    #[must_use]
    pub fn with_cache(mut self, states: NonZeroUsize) -> Self {
        self.states = StreamStates::cached(StateCache::of_states(states));
        self
    }

    /// The same views, which keep the states of streams used lately as long as they weigh no more than `capacity`
    /// together, in whatever unit `weigher` has: bytes, or entries of a list. It is called when a state is put into the
    /// cache, and has to be quick; zero counts as one.
    ///
    /// A state that alone takes nearly the whole capacity is not kept.
    ///
    /// ```
    /// # use allframe_cqrs::{event, Projection};
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Said { word: String }
    /// # #[derive(Clone, Default)]
    /// # struct Talk { words: Vec<String> }
    /// # impl Projection for Talk {
    /// #     type Event = Said;
    /// #     fn apply(&mut self, event: &Said) { self.words.push(event.word.clone()) }
    /// # }
    /// use std::num::NonZeroU64;
    /// use allframe_cqrs::{EventStore, StreamViews};
    ///
    /// let capacity = NonZeroU64::new(1_000_000).unwrap();
    /// let talks = StreamViews::<Talk>::new(EventStore::new())
    ///     .with_weighed_cache(capacity, |talk| talk.words.len() as u64);
    /// ```
    #[must_use]
    pub fn with_weighed_cache(
        mut self,
        capacity: NonZeroU64,
        weigher: impl Fn(&P) -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.states = StreamStates::cached(StateCache::of_weight(capacity, Box::new(weigher)));
        self
    }
}

impl<P: Projection, B: fmt::Debug> fmt::Debug for StreamViews<P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamViews")
            .field("store", &self.store)
            .field("stats", &self.states.stats())
            .finish_non_exhaustive()
    }
}
