//! The index of a sealed segment, in a file beside it.
//!
//! `docs/wal-format.md` says what stands in it, byte by byte: a header and nine sections, each with a checksum of its own.

mod error;
mod file;
mod header;
mod keys;
mod load;
mod records;
mod write;

use std::{
    fmt, io,
    ops::{Range, RangeInclusive},
};

use eventstore_api::{Direction, EventId, EventType, StreamId, Tag, Version};

use super::{
    FrameOffset, IndexOf, Locator, Previous, SegmentIndex, SegmentStart, StreamPart, TypePart, Wait,
    hashes::Hashes,
    postings::{high, key, low},
};
use crate::disk::{Disk, Open};
pub(crate) use error::{Part, SidecarError};
use file::{SidecarFile, at_most};
use header::Section;
use keys::{Keys, KeysWithin};
use records::{MAX_RECORD_BYTES, StreamRecord, TypeRecord};

/// The index of a sealed segment, read from its file a few kilobytes at a time.
///
/// The header is checked when it is opened; a section as a whole at its first use, which takes waiting for the disk.
pub(crate) struct Sidecar {
    segment: SegmentStart,
    hashes: Hashes,
    file: SidecarFile,
}

impl Sidecar {
    /// Opens the index of a segment.
    ///
    /// # Errors
    ///
    /// When there is none, it is damaged, or it belongs elsewhere.
    pub(crate) fn open(
        disk: &dyn Disk,
        store_id: &[u8; 16],
        segment: SegmentStart,
        of: IndexOf,
    ) -> Result<Self, SidecarError> {
        Self::open_with_hashes(disk, store_id, Hashes::new(store_id), segment, of)
    }

    /// The same of the segment that was written last: whoever writes on puts another index in the place of this one, which stays
    /// what it is.
    pub(crate) fn open_last(
        disk: &dyn Disk,
        store_id: &[u8; 16],
        segment: SegmentStart,
    ) -> Result<Self, SidecarError> {
        let file = SidecarFile::open(disk, store_id, segment, IndexOf::Segment, Open::Held)?;
        Ok(Self { segment, hashes: Hashes::new(store_id), file })
    }

    pub(super) fn open_with_hashes(
        disk: &dyn Disk,
        store_id: &[u8; 16],
        hashes: Hashes,
        segment: SegmentStart,
        of: IndexOf,
    ) -> Result<Self, SidecarError> {
        Ok(Self { segment, hashes, file: SidecarFile::open(disk, store_id, segment, of, Open::Read)? })
    }

    /// Compares every section with its checksum, again where that was done before.
    ///
    /// # Errors
    ///
    /// The first that does not match, or what the disk says.
    pub(crate) fn check_sections(&self) -> Result<(), SidecarError> {
        Section::ALL.into_iter().try_for_each(|section| self.file.check(section))
    }

    /// Whether it is that of a segment which ends there, behind the event at this position.
    pub(crate) fn fits(&self, end: u64, last_position: u64) -> bool {
        let next = last_position.checked_add(1);
        let events = next.and_then(|next| next.checked_sub(self.segment.get()));
        self.covers() == end && self.last_position() == last_position && events == Some(self.event_count())
    }

    /// How many bytes of the segment it knows, from the beginning on.
    pub(crate) fn covers(&self) -> u64 {
        self.file.header().covers
    }

    /// The position of the last event it knows.
    pub(crate) fn last_position(&self) -> u64 {
        self.file.header().last_position
    }

    /// What the record of this name says, where a section holds one.
    fn record_of_name<R>(
        &self,
        name: &str,
        [keys, records]: [Section; 2],
        how: Wait,
        read: impl Fn(&[u8]) -> Option<(&str, R)>,
    ) -> Result<Option<R>, SidecarError> {
        let hash = self.hashes.name(name);
        let mut record = Vec::new();
        for key in self.keys_of_hash(keys, hash, how)? {
            let begin = u64::from(low(key?.1));
            let rest = self.file.length(records).saturating_sub(begin);
            record.resize(at_most(rest, MAX_RECORD_BYTES), 0);
            self.file.read(records, begin, &mut record, how)?;
            let (found, parsed) =
                read(&record).ok_or_else(|| self.file.damaged(Part::Section(records), "a record is none"))?;
            if found == name {
                return Ok(Some(parsed));
            }
        }
        Ok(None)
    }

    /// The keys of a whole section that lie in a range.
    fn keys(
        &self,
        section: Section,
        about_most: u64,
        within: RangeInclusive<u64>,
        direction: Direction,
        how: Wait,
    ) -> Result<KeysWithin<'_>, SidecarError> {
        let keys = Keys { section, numbers: 0..self.file.count(section), about_most };
        KeysWithin::new(&self.file, keys, within, direction, how)
    }

    /// The keys of a section with this hash.
    fn keys_of_hash(&self, section: Section, hash: u32, how: Wait) -> Result<KeysWithin<'_>, SidecarError> {
        let within = key(hash, 0)..=key(hash, u32::MAX);
        self.keys(section, u64::MAX, within, Direction::Forward, how)
    }

    /// Which entries of the frames of tags belong to a hash.
    fn tag_entries(&self, hash: u32, how: Wait) -> Result<Option<Range<u64>>, SidecarError> {
        let mut keys = self.keys_of_hash(Section::Tags, hash, how)?;
        let Some((number, key)) = keys.next().transpose()? else { return Ok(None) };
        let end = match keys.key_after(number)? {
            Some(next) => u64::from(low(next)),
            None => self.file.count(Section::TagFrames),
        };
        let entries = u64::from(low(key))..end;
        match entries.start <= end && end <= self.file.count(Section::TagFrames) {
            true => Ok(Some(entries)),
            false => Err(self.not_its_frames()),
        }
    }

    fn not_its_frames(&self) -> SidecarError {
        self.file.damaged(Part::Section(Section::Tags), "an entry names frames that are not its own")
    }
}

impl SegmentIndex for Sidecar {
    fn stream(&self, stream: &StreamId, how: Wait) -> io::Result<Option<StreamPart>> {
        let sections = [Section::Streams, Section::StreamRecords];
        let found = self.record_of_name(stream.as_str(), sections, how, |bytes| {
            let (record, _) = StreamRecord::decode(bytes, self.segment)?;
            Some((record.name, record.part()))
        })?;
        Ok(found)
    }

    fn stream_frames(
        &self,
        part: &StreamPart,
        first: u32,
        count: u32,
        how: Wait,
    ) -> io::Result<Vec<FrameOffset>> {
        let Locator::Entry(start) = part.locator else { return Ok(Vec::new()) };
        let count = part.count.saturating_sub(first).min(count) as usize;
        if count == 0 {
            return Ok(Vec::new());
        }
        let begin = start.saturating_add(u64::from(first)).saturating_mul(4);
        // Before there is room for it: what the record says may be more than there is.
        self.file.check_range(Section::Frames, begin, count as u64 * 4)?;
        let mut bytes = vec![0; count * 4];
        self.file.read(Section::Frames, begin, &mut bytes, how)?;
        let (units, _) = bytes.as_chunks::<4>();
        Ok(units.iter().map(|&units| FrameOffset::from_units(u32::from_le_bytes(units))).collect())
    }

    fn frames_with_id(&self, stream: &StreamId, id: EventId, how: Wait) -> io::Result<Vec<FrameOffset>> {
        let hash = self.hashes.ids_of(stream).id(id);
        let keys = self.keys_of_hash(Section::Ids, hash, how)?;
        let frames = keys.map(|key| key.map(|(_, key)| FrameOffset::from_units(low(key))));
        Ok(frames.collect::<Result<_, SidecarError>>()?)
    }

    fn frames_with_tag(
        &self,
        tag: &Tag,
        within: RangeInclusive<FrameOffset>,
        direction: Direction,
        most: usize,
        how: Wait,
    ) -> io::Result<Vec<FrameOffset>> {
        let hash = self.hashes.name(tag.as_str());
        let Some(numbers) = self.tag_entries(hash, how)? else { return Ok(Vec::new()) };
        let keys = Keys { section: Section::TagFrames, numbers, about_most: self.covers() / 8 };
        let within = u64::from(within.start().units())..=u64::from(within.end().units());
        let keys = KeysWithin::new(&self.file, keys, within, direction, how)?;
        let frames = keys.map(|key| key.map(|(_, units)| FrameOffset::from_units(low(units))));
        Ok(frames.take(most).collect::<Result<_, SidecarError>>()?)
    }

    fn event_type(&self, event_type: &EventType, how: Wait) -> io::Result<Option<TypePart>> {
        let sections = [Section::Types, Section::TypeRecords];
        let found = self.record_of_name(event_type.as_str(), sections, how, |bytes| {
            let (record, _) = TypeRecord::decode(bytes)?;
            Some((record.name, record.part))
        })?;
        Ok(found)
    }

    #[cfg(test)]
    fn event_types(&self, visit: &mut dyn FnMut(&EventType, TypePart), how: Wait) -> io::Result<()> {
        Ok(self.each_type(how, |name, part| visit(&name, part))?)
    }

    fn frame_at_or_before(&self, position: u64, how: Wait) -> io::Result<Option<FrameOffset>> {
        let Some(distance) = position.checked_sub(self.segment.get()) else { return Ok(None) };
        let relative = u32::try_from(distance).unwrap_or(u32::MAX);
        let last = self.last_position().saturating_sub(self.segment.get());
        let about_most = key(u32::try_from(last).unwrap_or(u32::MAX), u32::MAX);
        let within = 0..=key(relative, u32::MAX);
        let found = self.keys(Section::Positions, about_most, within, Direction::Backward, how)?.next();
        Ok(found.transpose()?.map(|(_, key)| FrameOffset::from_units(low(key))))
    }

    fn streams(&self, visit: &mut dyn FnMut(&str, StreamPart)) -> io::Result<()> {
        // It may be long since that was found whole.
        self.file.check(Section::StreamRecords)?;
        Ok(self.each_stream(|record| {
            visit(record.name, record.part());
            Some(())
        })?)
    }

    fn is_in_memory(&self) -> bool {
        false
    }

    fn greatest_id(&self) -> Option<EventId> {
        self.file.header().greatest_id
    }

    fn event_count(&self) -> u64 {
        self.file.header().events
    }

    fn stream_count(&self) -> u64 {
        self.file.count(Section::Streams)
    }
}

impl StreamRecord<'_> {
    fn part(&self) -> StreamPart {
        StreamPart {
            first_version: Version::new(self.first_version),
            count: self.count,
            previous: self.previous,
            locator: Locator::Entry(self.start),
        }
    }
}

impl fmt::Debug for Sidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sidecar")
            .field("segment", &self.segment)
            .field("events", &self.event_count())
            .field("streams", &self.stream_count())
            .finish_non_exhaustive()
    }
}
