//! Which events are not to be found: said once, with what keeps them.

use std::{ops::RangeInclusive, sync::Arc};

use eventstore_api::StoreError;

use super::{Verification, VerifyReport, claims::Claim, witness::Witness};
use crate::{
    damage::{Damage, not_to_be_found},
    format::PartEntry,
    index::{SegmentStart, Wait},
    log::recovery::layout::{lost, read_manifest},
    reader::shared::Shared,
};

impl VerifyReport {
    /// Says that the events at these positions are not to be found. Where damage of the same file was told last, it is what
    /// keeps them, and says so.
    pub(super) fn lose(&mut self, file: &str, offset: u64, positions: RangeInclusive<u64>) {
        let detail = not_to_be_found(*positions.start(), *positions.end());
        match self.damages.last_mut().filter(|damage| damage.file == file) {
            Some(damage) if damage.detail.contains(&detail) => {}
            Some(damage) => damage.detail.push_str(&format!("; {detail}")),
            None => self.damages.push(Damage { file: file.to_owned(), offset, detail }),
        }
    }
}

impl<W: Witness> Verification<W> {
    /// Says that nothing is to be found up to a position, from behind the last one on that was found or is said to be lost.
    pub(super) fn lose_through(&mut self, file: &str, last: u64) {
        let first = self.head.max(self.lost_through).checked_add(1);
        if let Some(first) = first.filter(|first| *first <= last) {
            self.report.lose(file, 0, first..=last);
            self.lost_through = last;
        }
    }

    /// That no segment is missing at either end.
    pub(super) fn check_ends(&mut self, segments: &[SegmentStart]) {
        let last = segments.last().copied();
        let known = self.claims.iter().map(|claim| claim.segment).max();
        if let Some(known) = known.filter(|known| Some(*known) > last) {
            self.report.damages.push(lost(&*self.disk, &known.file_name(), "the segment is missing"));
        }
        let expected = SegmentStart::new(self.head + 1);
        if let Some(first) = segments.first().filter(|first| **first != expected) {
            let name = expected.file_name();
            let detail = format!("the segments before position {first} are missing");
            self.report.damages.push(lost(&*self.disk, &name, detail));
            let described = self.disk.describe(&name);
            self.lose_through(&described, first.get() - 1);
        }
    }

    /// That what is said of the log is said of what there is. Whoever reads takes such a word for a segment that is missing.
    pub(super) fn check_names(&mut self, parts: &[PartEntry], segments: &[SegmentStart]) {
        let last = segments.last();
        for claim in self.claims.clone() {
            let named = claim.segment;
            let is_part = |parts: &[PartEntry]| parts.iter().any(|part| part.start == named);
            let is_there = segments.contains(&named) || is_part(parts);
            if !is_there && Some(&named) < last {
                // It may have been archived since.
                if read_manifest(&*self.disk).ok().flatten().is_some_and(|now| is_part(&now.parts)) {
                    continue;
                }
                self.claim_is_wrong(&claim, format!("it names {}, which is not there", named.file_name()));
            }
        }
    }

    /// How many events at the end are not shown to readers, though they were found.
    pub(super) fn note_unproven(&mut self, said: Option<&Claim>) {
        if self.head <= said.map_or(0, |claim| claim.head) {
            return;
        }
        let unproven = Shared::open(Arc::clone(&self.disk)).and_then(|reader| reader.unproven(Wait::Allowed));
        match unproven {
            Ok(0) => {}
            Ok(events) => self.report.notes.push(format!(
                "the last {events} of the events are whole, but nothing says that they are durable: readers do not show them before \
                 somebody has opened the store for writing"
            )),
            // What keeps a reader from a damaged store is told as damage.
            Err(failure) if self.report.damages.is_empty() => {
                let failure = StoreError::from(failure);
                self.report.notes.push(format!("it cannot be told whether readers show all of it: {failure}"));
            }
            Err(_) => {}
        }
    }

    /// That everything was found up to where the log had been durable, as it was said before the first segment was read: whoever
    /// writes meanwhile says more by now.
    pub(super) fn check_head(&mut self, said: Option<Claim>) {
        if let Some(Claim { segment, head, .. }) = said {
            let described = self.disk.describe(&segment.file_name());
            self.lose_through(&described, head);
        }
    }
}
