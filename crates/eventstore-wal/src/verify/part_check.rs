use eventstore_api::RecordedEvent;
use eventstore_codec::Names;

use super::{Verification, index_file::IndexFile, unreadable::damage_of, witness::Witness};
use crate::{
    archive::open_part,
    catalog::{Before, Catalog, take_up_row},
    format::PartEntry,
    index::{ActiveIndex, FrameOffset, IndexOf, Previous, Wait},
    log::recovery::sealed::Link,
    rows::{Part, ROWS_TOGETHER},
    segment::Segment,
};

/// How many rows are read at once.
const AT_ONCE: u64 = 8_192;

impl<W: Witness> Verification<W> {
    /// Goes through a part, and tells what the next one has to be linked to.
    pub(super) fn check_part(&mut self, catalog: &Catalog, entry: &PartEntry) -> Link {
        let PartEntry { start, last_position, recorded_at, seal_checksum, .. } = *entry;
        let link = Link { start, checksum: seal_checksum, last_position };
        self.report.parts += 1;
        let whole = match open_part(&self.disk, catalog, *entry) {
            Ok((segment, part)) => self.check_rows(&segment, &*part, entry),
            Err(failure) => {
                let described = self.disk.describe(&start.part_name());
                self.report.damages.push(damage_of(described.clone(), 0, failure));
                self.report.lose(&described, 0, start.get()..=last_position);
                false
            }
        };
        if !whole {
            self.streams.gap();
        }
        self.head = last_position;
        self.recorded_at = self.recorded_at.max(recorded_at);
        link
    }

    /// Goes through the rows of a part; whether all of them are as they should be.
    fn check_rows(&mut self, segment: &Segment, part: &dyn Part, entry: &PartEntry) -> bool {
        let damages = self.report.damages.len();
        if let Err(failure) = part.verify() {
            self.report.damages.push(damage_of(segment.described.clone(), 0, failure));
        }
        // What is found beyond that is what is left of it.
        let is_told = self.report.damages.len() > damages;
        let index = ActiveIndex::new(self.store.as_bytes(), entry.start);
        let (mut next, mut names) = (0, Names::new());
        while next < entry.events() {
            let rows = match part.read(next..entry.events().min(next + AT_ONCE), Wait::Allowed) {
                Ok(rows) => rows,
                Err(failure) => {
                    if !is_told {
                        let offset = FrameOffset::bytes_of_row(next);
                        self.report.damages.push(damage_of(segment.described.clone(), offset, failure));
                    }
                    // Pages are checked by themselves: the next one may be whole.
                    self.streams.gap();
                    next = next - next % ROWS_TOGETHER + ROWS_TOGETHER;
                    continue;
                }
            };
            let end = rows.range().end.min(entry.events());
            for row in next..end {
                let offset = FrameOffset::bytes_of_row(row);
                match rows.event(row, &mut names) {
                    Ok(event) => self.check_row(segment, &index, (row, offset), event),
                    Err(_) if is_told => {}
                    Err(wrong) => self.report.damages.push(segment.damage(offset, wrong)),
                }
            }
            next = end;
        }
        self.report.bytes = self.report.bytes.saturating_add(entry.file_bytes);
        self.progress(entry.file_bytes);
        let is_whole = self.report.damages.len() == damages;
        self.check_part_index(entry, &index, is_whole);
        is_whole
    }

    fn check_row(
        &mut self,
        segment: &Segment,
        index: &ActiveIndex,
        (row, offset): (u64, u64),
        event: RecordedEvent,
    ) {
        let mut damage = |detail: String| self.report.damages.push(segment.damage(offset, detail));
        let position = segment.start.get() + row;
        if event.position.get() != position {
            damage(format!("the event at position {} is in the row of position {position}", event.position));
        }
        if event.recorded_at < self.recorded_at {
            damage(format!(
                "the time of the event at position {position} lies before that of an earlier one"
            ));
        }
        self.recorded_at = self.recorded_at.max(event.recorded_at);
        if let Err(wrong) = take_up_row(row, &event, index, &self.streams.before(event.stream.as_str())) {
            self.report.damages.push(segment.damage(offset, wrong));
            // Said once: what follows is held against what was found.
            let unknown = Before { version: None, previous: Previous::Unknown };
            let _ = take_up_row(row, &event, index, &unknown);
        }
        self.streams.set(event.stream.clone(), event.version, segment.start);
        self.report.events += 1;
        self.witness.event(event);
    }

    /// Holds the index beside a part against what was found.
    fn check_part_index(&mut self, entry: &PartEntry, index: &ActiveIndex, is_whole: bool) {
        let found = IndexFile::read(&*self.disk, self.store, (entry.start, IndexOf::Part));
        let Some(mut file) = found else {
            let described = self.disk.describe(&entry.start.part_name());
            let note = format!("{described} has no index beside it; it is made anew when it is wanted");
            self.report.notes.push(note);
            return;
        };
        self.report.bytes += file.bytes();
        let damage = if is_whole && self.streams.are_whole() {
            let covers = FrameOffset::bytes_of_row(entry.events());
            file.compare(self.store, covers, entry.last_position, index)
        } else {
            file.damage_alone()
        };
        self.report.rebuildable.extend(damage);
    }
}
