use eventstore_api::GlobalPosition;
use tokio::time::Instant;

/// How often the event has been tried at which a projection stands.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    at: Option<GlobalPosition>,
    failed: u32,
    /// When it is tried again; never, where that is beyond all clocks.
    pub(super) next: Option<Instant>,
}

impl Attempts {
    pub(super) fn count(&mut self, position: GlobalPosition) -> u32 {
        self.failed = if self.at == Some(position) { self.failed + 1 } else { 1 };
        self.at = Some(position);
        self.failed
    }
}
