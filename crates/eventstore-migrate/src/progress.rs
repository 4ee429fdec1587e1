use eventstore_api::GlobalPosition;

/// How far a migration is, as it is told while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationProgress {
    /// What it is doing.
    pub phase: MigrationPhase,
    /// Everything up to here is copied, or compared.
    pub position: GlobalPosition,
    /// How far the phase has to go, as far as is known now.
    pub head: GlobalPosition,
}

/// What a migration is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MigrationPhase {
    /// It reads events from the source, and restores them in the target.
    Copying,
    /// It reads both stores, and compares.
    Verifying,
    /// It has caught up, and waits for what comes: told each time before it waits.
    Following,
}

impl MigrationProgress {
    /// The share that lies behind it, from 0 to 1.
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
pub(crate) type Told<'a> = dyn Fn(&MigrationProgress) + Send + Sync + 'a;

#[derive(Clone, Copy)]
pub(crate) struct Teller<'a> {
    told: Option<&'a Told<'a>>,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(told: Option<&'a Told<'a>>) -> Self {
        Self { told }
    }

    pub(crate) fn tell(self, phase: MigrationPhase, position: GlobalPosition, head: GlobalPosition) {
        if let Some(told) = self.told {
            told(&MigrationProgress { phase, position, head });
        }
    }
}
