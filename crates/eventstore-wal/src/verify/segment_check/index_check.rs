//! The index beside a segment, held against what is found in the segment.

use super::SegmentCheck;
use crate::verify::witness::Witness;

impl<W: Witness> SegmentCheck<'_, W> {
    /// Holds the index beside the segment against what was found, where the scan has come to the same place.
    pub(super) fn compare_index(&mut self, sealed_at: Option<u64>) {
        let (offset, start) = (self.offset, self.segment.start);
        let closed_at =
            || self.all.closed.filter(|it| self.is_last && it.segment == start).map(|it| it.offset);
        let Some(file) = self.index_file.as_mut().filter(|file| !file.is_compared()) else { return };
        let covers = file.covers.or_else(closed_at).or(sealed_at);
        if covers != Some(offset) || !self.is_whole || !self.all.streams.are_whole() {
            return;
        }
        self.all.indexing.wait();
        let found = file.compare(self.all.store, offset, self.head, &self.index);
        self.all.report.rebuildable.extend(found);
    }

    pub(super) fn check_index_file(&mut self) {
        let described = &self.segment.described;
        match &self.index_file {
            Some(file) if file.is_compared() => {}
            Some(file) => match file.damage_alone() {
                Some(damage) => self.all.report.rebuildable.push(damage),
                None if self.is_whole && self.all.streams.are_whole() => {
                    let note =
                        format!("the index of {described} is an old one; it is made anew when it is wanted");
                    self.all.report.notes.push(note);
                }
                None => {
                    let note = format!(
                        "the index of {described} is whole, but was not held against it for damage before"
                    );
                    self.all.report.notes.push(note);
                }
            },
            None if self.is_last => {}
            None => {
                let note = format!("{described} has no index beside it; it is made anew when it is wanted");
                self.all.report.notes.push(note);
            }
        }
    }
}
