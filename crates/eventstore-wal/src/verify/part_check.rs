use eventstore_api::RecordedEvent;
use eventstore_codec::Names;

use super::{
    Verification, index_file::IndexFile, lost_rows::LostRows, unreadable::damage_of, witness::Witness,
};
use crate::{
    archive::open_part,
    catalog::{Before, Catalog, take_up_row},
    format::PartEntry,
    index::{ActiveIndex, FrameOffset, IndexOf, Previous, SegmentStart, Wait},
    log::recovery::sealed::Link,
    rows::Part,
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
        if start.get() > self.head + 1 {
            // Where the manifest names no parts, one may be missing.
            let missing = self.disk.describe(&SegmentStart::new(self.head + 1).part_name());
            self.streams.gap();
            self.lose_through(&missing, start.get() - 1);
        }
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
        let mut index = self.empty_index(segment);
        let (events, mut names, mut lost) = (entry.events(), Names::new(), LostRows::default());
        let (mut next, mut by_pages_until) = (0, 0);
        while next < events {
            let because =
                |failure| damage_of(segment.described.clone(), FrameOffset::bytes_of_row(next), failure);
            let page_end = match part.page(next) {
                Ok(page) => page.end.clamp(next + 1, events),
                // Nothing says where any page is.
                Err(failure) => {
                    lost.add(next..events, because(failure));
                    self.streams.gap();
                    break;
                }
            };
            let end = if next < by_pages_until { page_end } else { events.min(next + AT_ONCE) };
            let rows = match part.read(next..end, Wait::Allowed) {
                Ok(rows) => rows,
                // One of the pages keeps all that are read with it: the others may be whole.
                Err(_) if end > page_end => {
                    by_pages_until = end;
                    continue;
                }
                Err(failure) => {
                    lost.add(next..page_end, because(failure));
                    self.streams.gap();
                    index = self.empty_index(segment);
                    next = page_end;
                    continue;
                }
            };
            let end = rows.range().end.min(events);
            for row in next..end {
                let offset = FrameOffset::bytes_of_row(row);
                match rows.event(row, &mut names) {
                    Ok(event) => self.check_row(segment, &mut index, (row, offset), event),
                    Err(wrong) => {
                        lost.add(row..row + 1, segment.damage(offset, wrong));
                        self.streams.gap();
                        index = self.empty_index(segment);
                    }
                }
            }
            next = end;
        }
        lost.tell(segment, &mut self.report);
        self.report.bytes = self.report.bytes.saturating_add(entry.file_bytes);
        self.progress(entry.file_bytes);
        let is_whole = self.report.damages.len() == damages;
        self.check_part_index(entry, &index, is_whole);
        is_whole
    }

    fn check_row(
        &mut self,
        segment: &Segment,
        index: &mut ActiveIndex,
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
            *index = self.empty_index(segment);
            let unknown = Before { version: None, previous: Previous::Unknown };
            let _ = take_up_row(row, &event, index, &unknown);
        }
        self.streams.set(event.stream.clone(), event.version, segment.start);
        self.report.events += 1;
        self.witness.event(event);
    }

    /// An index takes only versions without a hole: behind one it begins anew.
    fn empty_index(&self, segment: &Segment) -> ActiveIndex {
        ActiveIndex::new(self.store.as_bytes(), segment.start)
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

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use std::{fs, sync::Arc};

    use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};

    use super::*;
    use crate::{
        ArchivePolicy, WalBackend, WalConfig,
        damage::{Damage, not_to_be_found},
        disk::bad_drive::BadDrive,
        verify::{verify_disk, witness::OfEvents},
    };

    const EVENTS: u64 = 20_000;
    const PART: &str = "00000000000000000001.parquet";

    #[tokio::test]
    async fn of_a_part_with_a_bad_block_the_rest_is_gone_through() {
        let directory = tempfile::tempdir().unwrap();
        let config = WalConfig { segment_bytes: 2 << 20, ..WalConfig::default() };
        let policy = ArchivePolicy { keep_segments: Some(0), ..ArchivePolicy::default() };
        let store = WalBackend::with_archive(directory.path(), config, policy).unwrap();
        for _ in 0..EVENTS / 500 {
            let event = || NewEvent::new(EventType::new("T").unwrap(), "x".repeat(100));
            let events = (0..500).map(|_| event()).collect();
            store.append(&StreamId::new("s").unwrap(), ExpectedVersion::Any, events).await.unwrap();
        }
        store.archive_now().await.unwrap();
        store.close().await.unwrap();

        // Among the ids, of which each page takes some thousand bytes.
        let quarter = fs::metadata(directory.path().join(PART)).unwrap().len() / 4;
        let block = quarter - quarter % 4_096;
        let disk = Arc::new(BadDrive::new(directory.path(), PART, block..block + 4_096));
        let mut saved = Vec::new();
        let show = |event: RecordedEvent| saved.push(event.position.get());
        let report = verify_disk(disk, OfEvents { show, names: Names::new(), shown: 0 }).unwrap();
        let lost: Vec<u64> = (1..=EVENTS).filter(|position| saved.binary_search(position).is_err()).collect();
        let (first, last) = (lost[0], lost[lost.len() - 1]);
        assert_eq!(lost.len() as u64, last + 1 - first, "{lost:?}");
        assert!(first > 1 && lost.len() <= 4 * 512, "{first} to {last}");
        let told = format!("it cannot be read: the drive gives nothing; {}", not_to_be_found(first, last));
        let is_told = |damage: &Damage| damage.file.ends_with(PART) && damage.detail == told;
        assert!(report.damages.iter().any(is_told), "{:?}", report.damages);
    }
}
