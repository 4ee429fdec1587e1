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
        let (events, snapshots) = (Count(*events, "event"), Count(*snapshots, "snapshot"));
        write!(f, "{events} and {snapshots} copied; {verified}")
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, snapshots, snapshots_behind, head, source_head, digest } = self;
        let (events, snapshots) = (Count(*events, "event"), Count(*snapshots, "snapshot"));
        write!(f, "the same up to position {head}: {events} and {snapshots}, sha256 {digest}")?;
        let behind = Count(*snapshots_behind, "snapshot");
        match (source_head > head, behind.0) {
            (false, 0) => Ok(()),
            (true, 0) => write!(f, "; the source has gone on to position {source_head}"),
            (false, _) => write!(f, "; the source has gone on by {behind}"),
            (true, _) => write!(f, "; the source has gone on to position {source_head} and by {behind}"),
        }
    }
}

/// So many of what has this name, in words.
struct Count(u64, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, name) = self;
        let ending = if *count == 1 { "" } else { "s" };
        write!(f, "{count} {name}{ending}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digester;

    /// With as many of each thing.
    fn report(count: u64) -> String {
        let head = GlobalPosition::new(7);
        let verified = Verified {
            events: count,
            snapshots: count,
            snapshots_behind: count,
            head,
            source_head: head,
            digest: Digester::new().finish(),
        };
        MigrationReport { caught_up: CaughtUp { events: count, snapshots: count, head }, verified }
            .to_string()
    }

    #[test]
    fn one_is_told_of_as_one_and_all_else_as_many() {
        let one = report(1);
        let same =
            "1 event and 1 snapshot copied; the same up to position 7: 1 event and 1 snapshot, sha256 ";
        assert!(one.starts_with(same) && one.ends_with("; the source has gone on by 1 snapshot"), "{one}");
        let two = report(2);
        assert!(two.starts_with("2 events and 2 snapshots copied; "), "{two}");
        assert!(two.ends_with("; the source has gone on by 2 snapshots"), "{two}");
        assert!(report(0).starts_with("0 events and 0 snapshots copied; "), "{}", report(0));
    }
}
