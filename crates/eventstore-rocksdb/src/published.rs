use eventstore_api::{GlobalPosition, Result, StoreError};
use tokio::sync::watch;

use crate::layout::state::State;

/// What may be shown: everything up to the head of this state. What lies beyond is written, and not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Published(watch::Sender<Shown>);

#[derive(Clone, Copy, Debug)]
struct Shown {
    state: State,
    is_closed: bool,
}

impl Published {
    pub(crate) fn new(state: State) -> Self {
        Self(watch::Sender::new(Shown { state, is_closed: false }))
    }

    pub(crate) fn state(&self) -> State {
        self.0.borrow().state
    }

    pub(crate) fn head(&self) -> GlobalPosition {
        self.0.borrow().state.counts.head
    }

    /// Shows this from now on. Whoever waits is woken where there are new events.
    pub(crate) fn show(&self, state: State) {
        self.0.send_if_modified(|shown| {
            let has_grown = shown.state.counts.head < state.counts.head;
            shown.state = state;
            has_grown
        });
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.0.send_modify(|shown| shown.is_closed = true);
    }

    /// Waits until an event lies beyond this position, and gives back where the last one is then.
    pub(crate) async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        let mut shown = self.0.subscribe();
        let found = shown.wait_for(|shown| shown.state.counts.head > position || shown.is_closed).await;
        match found {
            Ok(shown) if !shown.is_closed => Ok(shown.state.counts.head),
            _ => Err(StoreError::Closed),
        }
    }
}
