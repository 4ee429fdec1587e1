use eventstore_api::GlobalPosition;
use tokio::sync::watch;

use crate::CaughtUp;

/// How far a copy is while it is made, for those who watch it: what compares goes behind what copies.
pub(crate) type WatchedCopy = watch::Sender<CopyState>;

/// What was copied, and what has to be known of it to compare it.
#[derive(Clone, Copy, Default)]
pub(crate) struct CopyState {
    pub(crate) caught_up: CaughtUp,
    /// Behind which event others were copied once more, because the target had lost them.
    pub(crate) again_behind: Option<GlobalPosition>,
}

impl CopyState {
    /// Nothing yet, of what comes behind this event of the target.
    pub(crate) fn behind(head: GlobalPosition) -> Self {
        let mut state = Self::default();
        state.caught_up.head = head;
        state
    }

    /// The last event that the target has.
    pub(crate) fn head(&self) -> GlobalPosition {
        self.caught_up.head
    }

    /// What is copied from now on comes behind this event: the last one that the target has.
    pub(crate) fn go_on_behind(&mut self, head: GlobalPosition) {
        if head < self.caught_up.head {
            self.again_behind = Some(self.again_behind.map_or(head, |before| before.min(head)));
        }
        self.caught_up.head = head;
    }

    pub(crate) fn add(&mut self, other: Self) {
        let Self { caught_up: CaughtUp { events, snapshots, head }, again_behind } = other;
        self.caught_up.events += events;
        self.caught_up.snapshots += snapshots;
        self.caught_up.head = head;
        // No position is less than one.
        self.again_behind = [self.again_behind, again_behind].into_iter().flatten().min();
    }
}
