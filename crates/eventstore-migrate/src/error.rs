use std::fmt;

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
    /// The stores are not the same, although everything was copied: one of them does not give out what it has taken, or somebody else
    /// has written to the new one.
    #[error(
        "the stores are not the same: {0}; do not change over: look whether one of them is damaged, and migrate again into an \
         empty store"
    )]
    Differs(Difference),
    /// Not everything has arrived, although nobody writes: a store has given out less than it has.
    #[error(
        "the store to migrate to is behind: it has come to position {head} of {source_head}{}; run it again",
        Lacking(*.snapshots_behind)
    )]
    Behind {
        /// Where the new store ends.
        head: GlobalPosition,
        /// Where the store that is left ends.
        source_head: GlobalPosition,
        /// How many snapshots of the store that is left the new store does not have as they are.
        snapshots_behind: u64,
    },
    /// A store is to become itself, or one that leads back to it.
    #[error("a store cannot be switched to itself; name the store that is to take its place")]
    ToItself,
    /// A switch of an application is under way already.
    #[error("a switch to another store is under way already; wait for its end")]
    SwitchUnderWay,
}

impl MigrationError {
    /// Whether the same call may succeed later without anything being changed: a store was away, not everything had arrived, or
    /// another switch was under way.
    ///
    /// That it will is not said. A server may stay away, and [`Behind`](Self::Behind) comes for ever where a store loses what it has
    /// acknowledged: count the attempts.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Source(error) | Self::Target(error) => error.is_retryable(),
            Self::Behind { .. } | Self::SwitchUnderWay => true,
            Self::NotACopy(_) | Self::Incomplete { .. } | Self::Differs(_) | Self::ToItself => false,
        }
    }
}

/// Snapshots that have not arrived, where there are some.
struct Lacking(u64);

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => write!(f, ", and 1 snapshot has not arrived"),
            many => write!(f, ", and {many} snapshots have not arrived"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(head: u64, source_head: u64, snapshots_behind: u64) -> MigrationError {
        let (head, source_head) = (GlobalPosition::new(head), GlobalPosition::new(source_head));
        MigrationError::Behind { head, source_head, snapshots_behind }
    }

    #[test]
    fn whoever_is_behind_is_told_by_what() {
        insta::assert_snapshot!(behind(5, 7, 0), @"the store to migrate to is behind: it has come to position 5 of 7; run it again");
        insta::assert_snapshot!(behind(5, 5, 1), @"the store to migrate to is behind: it has come to position 5 of 5, and 1 snapshot has not arrived; run it again");
        insta::assert_snapshot!(behind(5, 7, 3), @"the store to migrate to is behind: it has come to position 5 of 7, and 3 snapshots have not arrived; run it again");
    }

    #[test]
    fn what_is_to_be_done_again_is_retryable() {
        assert!(behind(5, 5, 1).is_retryable());
        assert!(MigrationError::SwitchUnderWay.is_retryable());
        assert!(!MigrationError::ToItself.is_retryable());
    }
}
