use std::time::Duration;

use eventstore_api::GlobalPosition;
use tokio::time::Instant;

use super::CopyCounts;

/// How far a copy is, as it is told while it runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CopyProgress {
    /// What it is doing.
    pub phase: CopyPhase,
    /// Everything in the source up to here is copied, or verified.
    pub position: GlobalPosition,
    /// The position of the source's last event, when this run began.
    pub head: GlobalPosition,
    /// Events that this run has read from the source in this phase.
    pub read: u64,
    /// Events that this run has written, or found again.
    pub written: u64,
    /// For how long the phase has run.
    pub running_for: Duration,
}

/// What a copy is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyPhase {
    /// It reads, transforms and appends.
    Copying,
    /// It reads both stores and compares.
    Verifying,
}

impl CopyProgress {
    /// The share that lies behind it, from 0 to 1, estimated from positions as if they were dense.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 53 bits")]
    pub fn share(&self) -> f64 {
        match self.head.get() {
            0 => 1.0,
            head => (self.position.get() as f64 / head as f64).min(1.0),
        }
    }
}

/// Whoever wants to know.
pub(super) type Told<'a> = dyn Fn(&CopyProgress) + Send + Sync + 'a;

/// Tells how far a phase is.
pub(super) struct Teller<'a> {
    told: Option<&'a Told<'a>>,
    phase: CopyPhase,
    head: GlobalPosition,
    begun: Instant,
}

impl<'a> Teller<'a> {
    pub(super) fn new(told: Option<&'a Told<'a>>, phase: CopyPhase, head: GlobalPosition) -> Self {
        Self { told, phase, head, begun: Instant::now() }
    }

    pub(super) fn tell(&self, position: GlobalPosition, counts: &CopyCounts) {
        let Some(told) = self.told else { return };
        told(&CopyProgress {
            phase: self.phase,
            position,
            head: self.head,
            read: counts.read,
            written: counts.written,
            running_for: self.begun.elapsed(),
        });
    }
}
