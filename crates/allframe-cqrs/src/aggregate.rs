use crate::{DecodeReason, EarlierPayload, Event};

/// A domain object whose state is what its events add up to.
///
/// ```
/// use allframe_cqrs::{event, Aggregate};
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
///
///     fn apply_event(&mut self, event: &AccountEvent) {
///         match event {
///             AccountEvent::Deposited { amount } => self.balance += amount,
///             AccountEvent::Withdrawn { amount } => self.balance -= amount,
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no aggregate",
    note = "a command handler that is not async decides on the aggregate that it takes by reference as its second argument; \
            what it is to be given instead, it takes by value: `Arc<{Self}>`"
)]
pub trait Aggregate: Default + Send + Sync + 'static {
    /// The events it is made of.
    type Event: Event;

    /// Changes the state by what happened. It cannot refuse: the event is a fact.
    fn apply_event(&mut self, event: &Self::Event);

    /// The name under which snapshots of it are kept: its Rust path with all parameters, unless overridden. A snapshot
    /// under another name is passed over, so that a type that has moved is built from its events once.
    fn state_type() -> &'static str {
        std::any::type_name::<Self>()
    }

    /// The version of the form in which snapshots of it are kept. Raise it when a field of the state changes its meaning, or
    /// when events are applied or read in another way: a snapshot of another version is read by
    /// [`Self::upcast_snapshot`] or not at all, and the state is then built from the events.
    fn snapshot_version() -> u32 {
        1
    }

    /// The state that a snapshot of another version holds, an earlier one or, where a newer program shares the store, a later
    /// one. `Ok(None)`, as provided, passes it over.
    ///
    /// It is for streams so long that building the state anew costs more than these lines. What it answers is as good as the
    /// events: where they would add up to something else, pass the snapshot over.
    ///
    /// ```
    /// # use allframe_cqrs::{event, Aggregate, DecodeReason, EarlierPayload};
    /// # #[event]
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Deposited { cents: u64 }
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Account { cents: u64 }
    ///
    /// impl Aggregate for Account {
    /// #   type Event = Deposited;
    /// #   fn apply_event(&mut self, event: &Deposited) { self.cents += event.cents }
    ///     fn snapshot_version() -> u32 { 2 }
    ///
    ///     fn upcast_snapshot(version: u32, snapshot: EarlierPayload) -> Result<Option<Self>, DecodeReason> {
    ///         #[derive(serde::Deserialize)]
    ///         struct AccountV1 { euros: u64 }
    ///         match version {
    ///             1 => Ok(Some(Self { cents: snapshot.read::<AccountV1>()?.euros * 100 })),
    ///             _ => Ok(None),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeReason`] where the snapshot has not the form it should have. It is logged, and the state built from the events.
    fn upcast_snapshot(version: u32, snapshot: EarlierPayload) -> Result<Option<Self>, DecodeReason> {
        let _ = (version, snapshot);
        Ok(None)
    }
}

/// The state of an aggregate at a version.
///
/// This is a value to hand around. A [`Repository`](crate::Repository) with a
/// [`SnapshotPolicy`](crate::SnapshotPolicy) keeps snapshots in the store by itself.
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
/// use allframe_cqrs::Snapshot;
///
/// let snapshot = Snapshot::create(Account { balance: 42 }, 7);
/// assert_eq!(snapshot.version, 7);
/// assert_eq!(snapshot.into_aggregate().balance, 42);
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot<A: Aggregate> {
    /// The state.
    pub aggregate: A,
    /// The version of the last event that went into it.
    pub version: u64,
}

impl<A: Aggregate> Snapshot<A> {
    /// The state at a version.
    pub fn create(aggregate: A, version: u64) -> Self {
        Self { aggregate, version }
    }

    /// The state.
    pub fn into_aggregate(self) -> A {
        self.aggregate
    }
}
