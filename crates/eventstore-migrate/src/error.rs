use eventstore_api::{GlobalPosition, StoreError};

use crate::Difference;

/// Why a migration ended before its end. What has arrived stays, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The store that is left did not answer.
    #[error("the store to migrate from failed")]
    Source(#[source] StoreError),
    /// The new store did not answer, or did not take what was restored. Where the outcome is unknown, the next run finds out.
    #[error("the store to migrate to failed")]
    Target(#[source] StoreError),
    /// The new store holds something else than a beginning of the one that is left.
    #[error(
        "the store to migrate to holds something else than a beginning of the other: {0}; migrate into an empty store"
    )]
    NotACopy(Difference),
    /// The store that is left has no beginning any more, or its positions have holes: no other could be its copy.
    #[error(
        "the store to migrate from has no event at position {missing}, and one at {next}: parts of it were moved away, and what \
         is left can be copied only under other positions"
    )]
    Incomplete {
        /// Where an event should be.
        missing: GlobalPosition,
        /// Where the next one is.
        next: GlobalPosition,
    },
    /// The stores are not the same, although everything was copied.
    #[error("the stores are not the same: {0}")]
    Differs(Difference),
    /// Not everything has arrived, although nobody writes: a store has given out less than it has.
    #[error(
        "the store to migrate to has come to position {head}, and the other is at {source_head}, or has snapshots that have not arrived; run it again"
    )]
    Behind {
        /// Where the new store ends.
        head: GlobalPosition,
        /// Where the store that is left ends.
        source_head: GlobalPosition,
    },
    /// A store is to become itself.
    #[error("a store cannot be switched to itself; name the store that is to take its place")]
    ToItself,
    /// A switch of an application is under way already.
    #[error("a switch to another store is under way already; wait for its end")]
    SwitchUnderWay,
}

impl MigrationError {
    /// Whether the same call may succeed later without anything being changed: a store was away.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Source(error) | Self::Target(error) => error.is_retryable(),
            _ => false,
        }
    }
}
