mod attempts;
mod execute;
mod load;
mod shared;
mod snapshot_policy;
mod snapshots;

use std::{fmt, num::NonZeroUsize, sync::Arc};

use eventstore_api::Version;
pub(crate) use execute::Beside;
pub use execute::{ExecuteError, Executed};
pub(crate) use shared::SharedRepository;
pub use snapshot_policy::SnapshotPolicy;

use crate::{
    Aggregate, Backoff, CacheStats, DefaultBackend, EventStore,
    stream_state::{StateCache, StreamStates},
};
use snapshots::SnapshotForm;

/// Loads aggregates from their streams, and stores what they decide.
///
/// [`Repository::execute`] is load, decide and append in one call, guarded by the version that was loaded and tried
/// again when another writer was faster.
///
/// ```
/// use allframe_cqrs::{event, Aggregate, EventStore, ExecuteError, Repository};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// enum AccountEvent { Deposited { amount: u64 }, Withdrawn { amount: u64 } }
///
/// #[derive(Default)]
/// struct Account { balance: u64 }
///
/// impl Aggregate for Account {
///     type Event = AccountEvent;
///     fn apply_event(&mut self, event: &AccountEvent) {
///         match event {
///             AccountEvent::Deposited { amount } => self.balance += amount,
///             AccountEvent::Withdrawn { amount } => self.balance -= amount,
///         }
///     }
/// }
///
/// impl Account {
///     fn withdraw(&self, amount: u64) -> Result<Vec<AccountEvent>, &'static str> {
///         if amount > self.balance { return Err("not enough money"); }
///         Ok(vec![AccountEvent::Withdrawn { amount }])
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// store.append("account-7", vec![AccountEvent::Deposited { amount: 42 }]).await?;
///
/// let accounts = Repository::<Account>::new(store);
/// let done = accounts.execute("account-7", |account| account.withdraw(40)).await.unwrap();
/// assert_eq!(done.aggregate.balance, 2);
///
/// let refused = accounts.execute("account-7", |account| account.withdraw(40)).await;
/// assert!(matches!(refused, Err(ExecuteError::Rejected("not enough money"))));
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
pub struct Repository<A: Aggregate, B = DefaultBackend> {
    store: EventStore<A::Event, B>,
    max_attempts: u32,
    backoff: Backoff,
    snapshot_policy: SnapshotPolicy,
    snapshot_form: Option<SnapshotForm<A>>,
    states: StreamStates<A>,
}

/// An aggregate as its stream was when it was loaded.
#[non_exhaustive]
pub struct Loaded<A> {
    /// The state; the default one for a stream without events.
    pub aggregate: Arc<A>,
    /// The version of the last event that went into it.
    pub version: Version,
}

impl<A> fmt::Debug for Loaded<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("version", &self.version).finish_non_exhaustive()
    }
}

impl<A: Aggregate, B> Repository<A, B> {
    /// How often a decision is made before [`Repository::execute`] gives up, unless said otherwise.
    pub const DEFAULT_MAX_ATTEMPTS: u32 = 32;

    /// A repository over this store, without snapshots and without a cache.
    #[must_use]
    pub fn new(store: EventStore<A::Event, B>) -> Self {
        Self {
            store,
            max_attempts: Self::DEFAULT_MAX_ATTEMPTS,
            backoff: Backoff::none(),
            snapshot_policy: SnapshotPolicy::never(),
            snapshot_form: None,
            states: StreamStates::uncached(),
        }
    }

    /// The same repository, which makes a decision at most this often, at least once, while others are faster.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The same repository, which waits between attempts while others are faster: not before the second, so long before the
    /// third, and so on. It then needs a tokio runtime with time. Without, the next attempt follows at once.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How well the cache serves. Loads as of the past are among the events read, and neither hits nor misses.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.states.stats()
    }

    /// The store underneath.
    #[must_use]
    pub fn store(&self) -> &EventStore<A::Event, B> {
        &self.store
    }
}

impl<A: Aggregate + serde::Serialize + serde::de::DeserializeOwned, B> Repository<A, B> {
    /// The same repository, which starts from snapshots, and takes one after an append when the policy says so.
    ///
    /// A snapshot saves time and decides nothing: one that cannot be read, or that is of another
    /// [`snapshot_version`](Aggregate::snapshot_version) and not [upcast](Aggregate::upcast_snapshot), is logged and passed
    /// over, and so is one that cannot be saved.
    #[must_use]
    pub fn with_snapshots(mut self, policy: SnapshotPolicy) -> Self {
        self.snapshot_policy = policy;
        self.snapshot_form = Some(SnapshotForm::of_serde());
        self
    }
}

impl<A: Aggregate + Clone, B> Repository<A, B> {
    /// The same repository, which keeps the states of up to this many aggregates it has used lately, so that only
    /// their new events need be read.
    #[must_use]
    pub fn with_cache(mut self, aggregates: NonZeroUsize) -> Self {
        self.states = StreamStates::cached(StateCache::of_states(aggregates));
        self
    }
}

impl<A: Aggregate, B: fmt::Debug> fmt::Debug for Repository<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository")
            .field("store", &self.store)
            .field("max_attempts", &self.max_attempts)
            .field("snapshot_policy", &self.snapshot_policy)
            .field("cached", &self.states.cache().map(StateCache::len))
            .finish_non_exhaustive()
    }
}
