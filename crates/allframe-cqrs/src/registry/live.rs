use std::{collections::BTreeSet, fmt, ops::Deref, sync::Arc};

use eventstore_api::GlobalPosition;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::{ParkedEvent, ProjectionFault, sink::Standing};

/// A state that readers look at while events are applied to it.
pub(super) type Live<P> = Arc<RwLock<Applied<P>>>;

/// A state, and what has gone into it.
pub(super) struct Applied<P> {
    pub(super) state: P,
    /// Every event up to here.
    pub(super) position: GlobalPosition,
    /// And so far with all its effects: what is stored of it is no further.
    pub(super) settled: GlobalPosition,
    /// But for these, which were skipped or parked. Those before what is stored need not be known any more.
    pub(super) passed_over: BTreeSet<GlobalPosition>,
    /// Those of them that were parked, ever.
    pub(super) parked: Vec<ParkedEvent>,
    /// What events up to here ask to be done outside has been done.
    pub(super) effects_through: GlobalPosition,
    /// The event that has left the state half changed, where that before it could not be made again.
    pub(super) half_applied: Option<ProjectionFault>,
    /// How often the state was replaced by one that was built anew.
    pub(super) generation: u64,
    /// Of a state that serves only until the first of this version is built beside it, one that another version has left or
    /// an empty one: how far that is to be built before it takes its place.
    pub(super) replaced_at: Option<GlobalPosition>,
}

impl<P> Applied<P> {
    pub(super) fn new(state: P, position: GlobalPosition) -> Self {
        Self {
            state,
            position,
            settled: position,
            passed_over: BTreeSet::new(),
            parked: Vec::new(),
            effects_through: GlobalPosition::START,
            half_applied: None,
            generation: 0,
            replaced_at: None,
        }
    }

    /// How far a state has to be built that takes the place of this one.
    pub(super) fn goal(&self) -> GlobalPosition {
        self.replaced_at.unwrap_or(self.position)
    }

    /// Makes it one that may take the place of the old one.
    pub(super) fn succeed(&mut self, old: &Self) {
        (self.effects_through, self.generation) = (old.effects_through, old.generation + 1);
    }

    /// How far one that takes its place may be when it is stored. What events behind that ask to be done outside is not done
    /// yet, and would be lost with the process.
    pub(super) fn keepable(&self) -> GlobalPosition {
        self.replaced_at.unwrap_or(self.settled)
    }

    pub(super) fn standing(&self) -> Standing {
        let is_outdated = self.replaced_at.is_some();
        // What an older version has applied says nothing about this one, and the empty state has applied nothing.
        let position = if is_outdated { GlobalPosition::START } else { self.position };
        Standing { position, parked: self.parked.len(), is_outdated, stored: None }
    }
}

/// A consistent look at the state of a projection: after exactly the events up to a position.
///
/// While there is one, the projection applies nothing, nor do later readers get theirs: look, and let it go. Whoever awaits, with
/// one in his hand, what waits for the projection - an append to one that is [inline](super::Consistency::Inline), a pause, a save -
/// waits for ever.
pub struct View<P> {
    applied: OwnedRwLockReadGuard<Applied<P>>,
}

impl<P> View<P> {
    pub(super) fn new(applied: OwnedRwLockReadGuard<Applied<P>>) -> Self {
        Self { applied }
    }

    /// Every event up to here has gone into the state, and none behind it.
    #[must_use]
    pub fn position(&self) -> GlobalPosition {
        self.applied.position
    }

    /// The events before [`position`](Self::position) that are not in the state, since the projection has parked them.
    #[must_use]
    pub fn parked(&self) -> &[ParkedEvent] {
        &self.applied.parked
    }

    /// Whether the state serves only until that of this version is built for the first time: it was left by an older version
    /// of the projection, or is empty, which [`position`](Self::position) tells apart.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.applied.replaced_at.is_some()
    }

    pub(super) fn half_applied(&self) -> Option<&ProjectionFault> {
        self.applied.half_applied.as_ref()
    }
}

impl<P> Deref for View<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.applied.state
    }
}

impl<P: fmt::Debug> fmt::Debug for View<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("position", &self.position())
            .field("state", &**self)
            .finish_non_exhaustive()
    }
}
