//! What lies beside the log: snapshots, what was put aside, and what belongs to nothing.

use std::collections::BTreeSet;

use super::{Verification, unreadable::damage_of, witness::Witness};
use crate::{
    damage::Damage,
    index::SegmentStart,
    log::recovery::layout::{Archived, TORN, UNNAMED_PART, is_leftover, lost},
    snapshots::{self, UnsoundBytes},
};

impl<W: Witness> Verification<W> {
    pub(super) fn list_other_files(
        &mut self,
        names: &BTreeSet<String>,
        segments: &BTreeSet<SegmentStart>,
        archived: &Archived,
    ) {
        for name in names {
            let described = self.disk.describe(name);
            if name.ends_with(TORN) || name == snapshots::DAMAGED_NAME {
                self.report.quarantined.push(described);
            } else if !self.has_manifest
                && (archived.leaves_segment(name) || archived.leaves_part(name, segments))
            {
                let note = format!(
                    "{described} was left alone: another file holds the same events, and only the manifest could say which counts"
                );
                self.report.notes.push(note);
            } else if is_leftover(name)
                || archived.leaves_segment(name)
                || archived.leaves_part(name, segments)
                || name == snapshots::ASIDE_NAME
            {
                let note =
                    format!("{described} is being made, or was left over; opening the store removes it");
                self.report.notes.push(note);
            } else if self.has_manifest && archived.is_unnamed(name, segments) {
                self.report.damages.push(lost(&*self.disk, name, UNNAMED_PART));
            } else if SegmentStart::parse_index(name).is_some_and(|start| !segments.contains(&start)) {
                self.report.notes.push(format!("{described} is the index of a segment that is not there"));
            }
        }
    }

    pub(super) fn check_snapshots(&mut self) {
        match snapshots::check(&*self.disk, self.store) {
            Ok(None) => {}
            Ok(Some((found, length))) => {
                self.report.snapshots = found.snapshots;
                self.report.bytes += length;
                for damaged in found.damaged {
                    let UnsoundBytes { file, offset, detail, .. } = damaged;
                    self.report.damages.push(Damage { file, offset, detail });
                }
                for UnsoundBytes { file, offset, bytes, .. } in found.torn {
                    let note = format!(
                        "{file}, byte {offset}: {bytes} bytes of a save that was interrupted, or is under way"
                    );
                    self.report.notes.push(note);
                }
            }
            Err(failure) => {
                let described = self.disk.describe(snapshots::FILE_NAME);
                self.report.damages.push(damage_of(described, 0, failure));
            }
        }
    }
}
