use std::fmt;

use eventstore_api::GlobalPosition;

use crate::Digest;

/// What a run of a [`Migration`](crate::Migration) came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationReport {
    /// What this run has copied, and those of the same migration before it that a store ended which was away for a while.
    pub caught_up: CaughtUp,
    /// What of both stores was compared.
    pub verified: Verified,
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaughtUp {
    /// Events that were stored, as far as that was said.
    pub events: u64,
    /// Snapshots: new ones, and those that were later than what the target had.
    pub snapshots: u64,
    /// The position of the last event in the target.
    pub head: GlobalPosition,
}

/// What was compared: nothing of the target is anything else than what the source has, or had before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Events that are the same in both stores.
    pub events: u64,
    /// Snapshots that are the same in both stores.
    pub snapshots: u64,
    /// Snapshots of the source that the target does not have: of which it has an earlier one, another one of the same version, or
    /// none. The source is in use, and the next run copies them.
    pub snapshots_behind: u64,
    /// The position of the last event in the target: up to here the stores are the same.
    pub head: GlobalPosition,
    /// The position of the last event in the source. Where it is beyond the target's, the source is in use.
    pub source_head: GlobalPosition,
    /// Of everything that the target has.
    pub digest: Digest,
}

impl Verified {
    /// Whether the target has all that the source has.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.head >= self.source_head && self.snapshots_behind == 0
    }
}

impl fmt::Display for MigrationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caught_up: CaughtUp { events, snapshots, .. }, verified } = self;
        write!(f, "{events} events and {snapshots} snapshots copied; {verified}")
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, snapshots, snapshots_behind, head, source_head, digest } = self;
        write!(
            f,
            "the same up to position {head}: {events} events and {snapshots} snapshots, sha256 {digest}"
        )?;
        match (source_head > head, *snapshots_behind) {
            (false, 0) => Ok(()),
            (true, 0) => write!(f, "; the source has gone on to position {source_head}"),
            (false, behind) => write!(f, "; the source has gone on by {behind} snapshots"),
            (true, behind) => {
                write!(f, "; the source has gone on to position {source_head} and by {behind} snapshots")
            }
        }
    }
}
