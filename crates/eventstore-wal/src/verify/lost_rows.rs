//! Rows of a part that are not to be found.

use std::ops::Range;

use super::VerifyReport;
use crate::{damage::Damage, segment::Segment};

/// Stretches of rows of which nothing is left, in their order, and why.
#[derive(Debug, Default)]
pub(super) struct LostRows(Vec<(Range<u64>, Damage)>);

impl LostRows {
    /// Notes that some are lost. Rows right behind others that are lost are told with them.
    pub(super) fn add(&mut self, rows: Range<u64>, why: Damage) {
        match self.0.last_mut() {
            Some((before, _)) if before.end == rows.start => before.end = rows.end,
            _ => self.0.push((rows, why)),
        }
    }

    /// Tells which events of the part they were.
    pub(super) fn tell(self, segment: &Segment, report: &mut VerifyReport) {
        for (rows, why) in self.0 {
            let (offset, first) = (why.offset, segment.start.get());
            // The part as a whole may have been found damaged by the same.
            if !report.damages.contains(&why) {
                report.damages.push(why);
            }
            let positions = first.saturating_add(rows.start)..=first.saturating_add(rows.end) - 1;
            report.lose(&segment.described, offset, positions);
        }
    }
}
