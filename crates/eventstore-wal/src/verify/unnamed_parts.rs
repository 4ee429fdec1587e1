//! The archive of a store whose manifest cannot be read: its parts are taken at their own word.

use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Included},
};

use super::{VerifyReport, unreadable::damage_of};
use crate::{
    archive::part_by_itself, damage::Failure, disk::Disk, format::PartEntry, index::SegmentStart,
    log::recovery::layout::lost,
};

/// The parts of the directory, in their order, without those that cannot be where their names say. What is left out, and why,
/// is told.
pub(super) fn parts_by_themselves(
    disk: &dyn Disk,
    names: &BTreeSet<String>,
    segments: &BTreeSet<SegmentStart>,
    report: &mut VerifyReport,
) -> Vec<PartEntry> {
    let (mut parts, mut next) = (Vec::new(), SegmentStart::new(1));
    // Names sort like positions.
    for start in names.iter().filter_map(|name| SegmentStart::parse_part(name)) {
        match part_in_place(disk, start, next, segments) {
            Ok(part) => {
                next = SegmentStart::new(part.last_position + 1);
                parts.push(part);
            }
            Err(failure) => report.damages.push(damage_of(disk.describe(&start.part_name()), 0, failure)),
        }
    }
    if !parts.is_empty() {
        let note = "the parts of the archive are taken at their word, without a manifest that names them";
        report.notes.push(note.to_owned());
    }
    parts
}

/// A part that can have taken the place of a segment: parts stand before all segments, but for those that they were made of.
/// With any other, a file that came here by mistake would keep segments from being looked at.
fn part_in_place(
    disk: &dyn Disk,
    start: SegmentStart,
    next: SegmentStart,
    segments: &BTreeSet<SegmentStart>,
) -> Result<PartEntry, Failure> {
    let out_of_place = |why: &str| -> Result<PartEntry, Failure> {
        let detail = format!("{why}: without a manifest that names it, the part is left out");
        Err(lost(disk, &start.part_name(), detail).into())
    };
    if start < next {
        return out_of_place("the part before it holds its first position too");
    }
    if segments.range(next..start).next().is_some() {
        return out_of_place("there is a segment before it");
    }
    let entry = part_by_itself(disk, start)?;
    let last = SegmentStart::new(entry.last_position);
    if segments.range((Excluded(start), Included(last))).next().is_some() {
        return out_of_place("a segment begins with one of its positions");
    }
    Ok(entry)
}
