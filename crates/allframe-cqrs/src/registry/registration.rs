use std::{any::type_name, fmt, num::NonZeroUsize};

use serde::{Serialize, de::DeserializeOwned};

use super::{CheckpointPolicy, Consistency, FaultPolicy, recipe::Recipe, state_form::StateForm};
use crate::{PayloadCodec, Projection};

/// A projection about to be registered by hand: under which name, and how it is run.
///
/// `#[projection]` makes one of [`Registration::stored`] for its type.
///
/// ```
/// use allframe_cqrs::{Consistency, EventStore, FaultPolicy, Projection, ProjectionRegistry, Registration, event};
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Deposited { amount: u64 }
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Turnover { total: u64 }
///
/// impl Projection for Turnover {
///     type Event = Deposited;
///     fn apply(&mut self, event: &Deposited) { self.total += event.amount }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// let registry = ProjectionRegistry::new(store.clone());
/// registry
///     .add(
///         Registration::stored("turnover", 1, Turnover::default)
///             .with_consistency(Consistency::Inline)
///             .with_faults(FaultPolicy::park()),
///     )
///     .await?;
///
/// store.append("account-7", vec![Deposited { amount: 42 }]).await.unwrap();
/// assert_eq!(registry.get::<Turnover>().await?.total, 42);
/// # Ok::<(), allframe_cqrs::ProjectionError>(()) }).unwrap();
/// ```
#[must_use = "it is not registered before `ProjectionRegistry::add`"]
pub struct Registration<P: Projection> {
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) start: Start<P>,
    pub(super) codec: PayloadCodec,
    pub(super) consistency: Consistency,
    pub(super) faults: FaultPolicy,
    pub(super) checkpoints: CheckpointPolicy,
    pub(super) workers: NonZeroUsize,
}

/// What a projection begins with.
pub(super) enum Start<P> {
    /// A value, of which there is no second one.
    Value(P),
    Recipe(Recipe<P>),
}

/// A projection whose state of some streams and whose state of the others can be put together to that of all of them. Then
/// many can build it at the same time.
///
/// ```
/// # use allframe_cqrs::{event, MergeProjection, Projection};
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: u64 }
/// # #[derive(Clone, Default)]
/// # struct Turnover { total: u64 }
/// # impl Projection for Turnover {
/// #     type Event = Deposited;
/// #     fn apply(&mut self, event: &Deposited) { self.total += event.amount }
/// # }
/// impl MergeProjection for Turnover {
///     fn merge(&mut self, other: Self) {
///         self.total += other.total;
///     }
/// }
/// ```
pub trait MergeProjection: Projection + Sized {
    /// Takes in what the events of other streams have come to.
    fn merge(&mut self, other: Self);
}

impl<P: Projection> Registration<P> {
    /// A projection whose state is kept in the store, with the position it is of: it goes on where it was after a restart.
    ///
    /// The name is that of the read model, in all its versions. Raise the version, from 1, when `apply` does something else
    /// or the state has other fields: then the state is built anew when the program starts.
    pub fn stored(name: impl Into<String>, version: u32, make: impl Fn() -> P + Send + Sync + 'static) -> Self
    where
        P: Clone + Serialize + DeserializeOwned,
    {
        let mut recipe = Recipe::new(make);
        recipe.form = Some(StateForm::of_serde());
        Self::new(name.into(), version, Start::Recipe(recipe))
    }

    /// A projection whose state is kept nowhere: it is built from the first event when the program starts.
    pub fn in_memory(name: impl Into<String>, make: impl Fn() -> P + Send + Sync + 'static) -> Self
    where
        P: Clone,
    {
        Self::new(name.into(), 1, Start::Recipe(Recipe::new(make)))
    }

    /// A projection that begins with this value, which is one of its kind: it can be neither kept nor built anew, and when
    /// an event fails in the middle, its state is lost.
    pub fn value(name: impl Into<String>, projection: P) -> Self {
        Self::new(name.into(), 1, Start::Value(projection))
    }

    fn new(name: String, version: u32, start: Start<P>) -> Self {
        Self {
            name,
            version,
            start,
            codec: PayloadCodec::default(),
            consistency: Consistency::default(),
            faults: FaultPolicy::default(),
            checkpoints: CheckpointPolicy::default(),
            workers: NonZeroUsize::MIN,
        }
    }

    /// The same, under another name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same, whose readers may rely on this.
    pub fn with_consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// The same, which does this with an event that it does not take in.
    pub fn with_faults(mut self, faults: FaultPolicy) -> Self {
        self.faults = faults;
        self
    }

    /// The same, whose state is stored this often.
    pub fn with_checkpoints(mut self, checkpoints: CheckpointPolicy) -> Self {
        self.checkpoints = checkpoints;
        self
    }

    /// The same, whose state is written with this codec. It is read whichever it was written with. Keys of maps are texts in
    /// JSON, the one it has otherwise: for others take bincode.
    pub fn with_codec(mut self, codec: PayloadCodec) -> Self {
        self.codec = codec;
        self
    }

    /// The same, which so many build at the same time when it is built, each the events of some streams. Without effect for
    /// [`Registration::value`], which is never built anew.
    ///
    /// The first state is built so too where there are 10,000 positions of history or more. Until it is there, the state reads
    /// as empty, [`View::is_outdated`](super::View::is_outdated) and
    /// [`ProjectionState::Replacing`](super::ProjectionState::Replacing) tell so, and a process that ends in the middle begins
    /// again.
    pub fn with_parallel_rebuild(mut self, workers: NonZeroUsize) -> Self
    where
        P: MergeProjection,
    {
        if let Start::Recipe(recipe) = self.start {
            self.start = Start::Recipe(recipe.with_merge(P::merge));
        }
        self.workers = workers;
        self
    }
}

impl<P: Projection> fmt::Debug for Registration<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("projection", &type_name::<P>())
            .field("consistency", &self.consistency)
            .field("faults", &self.faults)
            .field("checkpoints", &self.checkpoints)
            .finish_non_exhaustive()
    }
}
