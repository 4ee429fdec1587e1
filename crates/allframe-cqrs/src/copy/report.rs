use std::{collections::BTreeMap, fmt};

use eventstore_api::{EventType, GlobalPosition, RecordedEvent};
use serde::{Deserialize, Serialize};

use super::{
    Difference,
    staged::{Fate, Staged},
};

/// How many events were read and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyCounts {
    /// Events that were read from the source, whatever became of them.
    pub read: u64,
    /// Events that were written: one that is split counts as often as it is written.
    pub written: u64,
    /// Events of which the transform has said that they are dropped.
    pub discarded: u64,
    /// Events of the toolkit's own streams that say nothing in another store; the transform was not asked about them.
    pub left_out: u64,
    /// The same, by the name of the event type: of what was written, the name that it has now.
    pub by_type: BTreeMap<EventType, TypeCounts>,
}

/// How many events were read since a copy was begun, over all its runs, and what became of them: as in [`CopyCounts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CopyTotals {
    /// Events that were read.
    pub read: u64,
    /// Events that were written.
    pub written: u64,
    /// Events that were dropped.
    pub discarded: u64,
    /// Events of the toolkit's own streams that were left out.
    pub left_out: u64,
}

impl CopyTotals {
    /// The counts so far stand in the target, and whatever stands there must not end a copy.
    pub(super) fn and(mut self, counts: &CopyCounts) -> Self {
        self.read = self.read.saturating_add(counts.read);
        self.written = self.written.saturating_add(counts.written);
        self.discarded = self.discarded.saturating_add(counts.discarded);
        self.left_out = self.left_out.saturating_add(counts.left_out);
        self
    }
}

/// How many events of a type were read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeCounts {
    /// Events of the source that have this type.
    pub read: u64,
    /// Events of the target that have it.
    pub written: u64,
    /// Events of the source that have it and were dropped.
    pub discarded: u64,
}

impl CopyCounts {
    pub(super) fn count(&mut self, record: &RecordedEvent, staged: &Staged) {
        self.read += 1;
        let of_type = self.by_type.entry(record.event_type.clone()).or_default();
        of_type.read += 1;
        match staged.fate {
            Fate::Discarded => {
                of_type.discarded += 1;
                self.discarded += 1;
            }
            Fate::LeftOut => self.left_out += 1,
            Fate::Written => {}
        }
        for event in staged.appends.iter().flat_map(|append| &append.events) {
            self.written += 1;
            self.by_type.entry(event.event_type.clone()).or_default().written += 1;
        }
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.read += more.read;
        self.written += more.written;
        self.discarded += more.discarded;
        self.left_out += more.left_out;
        for (event_type, more) in &more.by_type {
            let counts = self.by_type.entry(event_type.clone()).or_default();
            counts.read += more.read;
            counts.written += more.written;
            counts.discarded += more.discarded;
        }
    }
}

impl fmt::Display for CopyCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, written, discarded, left_out, .. } = self;
        write!(
            f,
            "{read} events read, {written} written, {discarded} dropped, {left_out} of the toolkit left out"
        )
    }
}

/// What a run of a copy has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CopyReport {
    /// What this run has copied: where it went on with a copy, what came on top.
    pub copied: CopyCounts,
    /// What was copied since the copy was begun, by all its runs.
    pub total: CopyTotals,
    /// Everything in the source up to here is copied.
    pub position: GlobalPosition,
    /// What was verified: all that was not yet.
    pub verified: VerifyReport,
}

/// What a verification has found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// What was read from the source again, and what the transform made of it this time.
    pub counts: CopyCounts,
    /// The position in the source after which it began.
    pub after: GlobalPosition,
    /// The position in the source up to which it went.
    pub position: GlobalPosition,
    /// The first of the differences, at most [`VerifyReport::MAX_DIFFERENCES`].
    pub differences: Vec<Difference>,
    /// How many differences there are.
    pub difference_count: u64,
    /// Events in a shared target that this copy has not written.
    pub of_others: u64,
}

impl VerifyReport {
    /// How many differences are told one by one.
    pub const MAX_DIFFERENCES: usize = 100;

    /// Whether the target is what the transform makes of the source.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.difference_count == 0
    }

    pub(super) fn differs(&mut self, difference: Difference) {
        self.difference_count += 1;
        if self.differences.len() < Self::MAX_DIFFERENCES {
            self.differences.push(difference);
        }
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts, after, position, differences, difference_count, .. } = self;
        match differences.first() {
            None => write!(f, "no difference after position {after} up to {position}: {counts}"),
            Some(first) => write!(f, "{difference_count} differences, the first: {first}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_that_stand_at_their_end_stay_there() {
        let stored = CopyTotals { read: u64::MAX, ..CopyTotals::default() };
        let counts = CopyCounts { read: 1, written: 1, ..CopyCounts::default() };
        let totals = stored.and(&counts);
        assert_eq!((totals.read, totals.written), (u64::MAX, 1));
    }
}
