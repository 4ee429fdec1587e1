use eventstore_api::{GlobalPosition, RecordedEvent};
use tokio::sync::watch;

use crate::{CaughtUp, kept::Kept};

/// A copy while it is made, for those who watch it: what compares goes behind what copies.
#[derive(Default)]
pub(crate) struct WatchedCopy<'k> {
    state: watch::Sender<CopyState>,
    /// Where pages are kept for whoever compares them.
    kept: Option<&'k Kept>,
}

impl<'k> WatchedCopy<'k> {
    pub(crate) fn new(state: CopyState) -> Self {
        Self { state: watch::Sender::new(state), kept: None }
    }

    /// The same copy, whose pages are kept to be compared.
    pub(crate) fn keeping(mut self, kept: &'k Kept) -> Self {
        self.kept = Some(kept);
        self
    }

    pub(crate) fn watch(&self) -> watch::Receiver<CopyState> {
        self.state.subscribe()
    }

    pub(crate) fn state(&self) -> CopyState {
        *self.state.borrow()
    }

    pub(crate) fn update(&self, update: impl FnOnce(&mut CopyState)) {
        self.state.send_modify(update);
    }

    /// These events, for [`arrived`](Self::arrived), if anybody wants them.
    pub(crate) fn to_keep(&self, events: &[RecordedEvent]) -> Option<Vec<RecordedEvent>> {
        self.kept.map(|_| events.to_vec())
    }

    /// A page was stored, up to this position.
    pub(crate) fn arrived(&self, events: u64, last: GlobalPosition, page: Option<Vec<RecordedEvent>>) {
        // Before anybody looks for it.
        if let (Some(kept), Some(page)) = (self.kept, page) {
            kept.put(page);
        }
        self.update(|state| {
            state.caught_up.events += events;
            state.caught_up.head = last;
        });
    }
}

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
