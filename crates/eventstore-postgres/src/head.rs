use eventstore_api::GlobalPosition;
use tokio::sync::watch;

/// How far the log is known to go, and those who wait for it to go further.
///
/// What is known may be behind what is there, never ahead: it comes from appends that were acknowledged, from what others
/// sent, and from asking the server.
#[derive(Debug)]
pub(crate) struct Head {
    known: watch::Sender<State>,
    /// The last that was appended here.
    own: watch::Sender<GlobalPosition>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    position: GlobalPosition,
    is_closed: bool,
}

/// Nobody will hear of more.
pub(crate) struct Closed;

impl Default for Head {
    fn default() -> Self {
        Self { known: watch::Sender::new(State::default()), own: watch::Sender::default() }
    }
}

impl Head {
    /// The log goes at least as far as this.
    pub(crate) fn is_at_least(&self, position: GlobalPosition) {
        self.known.send_if_modified(|state| {
            let goes_further = position > state.position;
            state.position = state.position.max(position);
            goes_further
        });
    }

    /// An append of this process has ended with this event.
    pub(crate) fn has_appended(&self, position: GlobalPosition) {
        self.is_at_least(position);
        self.own.send_if_modified(|own| {
            let goes_further = position > *own;
            *own = position.max(*own);
            goes_further
        });
    }

    /// What this process appends. It ends with the store.
    pub(crate) fn own(&self) -> watch::Receiver<GlobalPosition> {
        self.own.subscribe()
    }

    pub(crate) fn close(&self) {
        self.known.send_modify(|state| state.is_closed = true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.known.borrow().is_closed
    }

    /// Waits until the log is known to go beyond this position.
    pub(crate) async fn past(&self, position: GlobalPosition) -> Result<GlobalPosition, Closed> {
        let mut states = self.known.subscribe();
        let state = states.wait_for(|state| state.is_closed || state.position > position).await;
        match state {
            Ok(state) if state.position > position => Ok(state.position),
            _ => Err(Closed),
        }
    }

    /// Whether someone waits.
    pub(crate) fn has_waiters(&self) -> bool {
        self.known.receiver_count() > 0
    }
}
