use std::sync::atomic::Ordering;

use eventstore_api::{Direction, EventType, StreamId, Version};

use super::{
    FrameOffset, Part, Previous, Section, SegmentIndex as _, Sidecar, SidecarError, TypePart, Wait,
    file::{CHUNK_BYTES, at_most},
    high,
    keys::KeysWithin,
    low,
    records::{MAX_RECORD_BYTES, StreamRecord, TypeRecord},
};
use crate::index::{ActiveIndex, active::Stream};

impl Sidecar {
    /// How many streams begin in the segment; `None` where that is not known of all of them.
    /// What it says of streams is sound then.
    ///
    /// # Errors
    ///
    /// When the file is damaged or cannot be read.
    pub(crate) fn begun(&self) -> Result<Option<u64>, SidecarError> {
        let (mut begun, mut is_known, mut streams, mut events) = (0, true, 0, 0);
        self.each_stream(|record| {
            begun += u64::from(record.previous == Previous::None);
            is_known &= record.previous != Previous::Unknown;
            streams += 1;
            events += u64::from(record.count);
            Some(())
        })?;
        self.check_counts(events, streams)?;
        Ok(is_known.then_some(begun))
    }

    /// The same index in memory, so that its segment can be written on.
    ///
    /// # Errors
    ///
    /// When the file is damaged or cannot be read.
    pub(crate) fn to_active(&self) -> Result<ActiveIndex, SidecarError> {
        // Each takes bytes in the file, so that it names no more than there are.
        let room = usize::try_from(self.stream_count()).unwrap_or(0);
        let active = ActiveIndex::with_room(self.hashes, self.segment, room);
        let frames = self.section(Section::Frames)?;
        let (frames, _) = frames.as_chunks::<4>();
        let mut events = 0;
        self.each_stream(|record| {
            let start = usize::try_from(record.start).ok()?;
            let units = frames.get(start..start.checked_add(record.count as usize)?)?;
            let stream = Stream {
                first_version: Version::new(record.first_version),
                previous: record.previous,
                // Which id is whose is not in the file.
                greatest_id: self.greatest_id()?,
                frames: units
                    .iter()
                    .map(|&units| FrameOffset::from_units(u32::from_le_bytes(units)))
                    .collect(),
            };
            events += units.len() as u64;
            active.streams.insert(StreamId::try_from(record.name).ok()?, stream);
            Some(())
        })?;
        self.check_counts(events, active.streams.len() as u64)?;
        active.events.store(events, Ordering::Relaxed);
        active.stream_count.store(self.stream_count(), Ordering::Relaxed);
        self.load_ids(&active)?;
        self.load_tags(&active)?;
        self.each_type(Wait::Allowed, |name, part| {
            active.types.write().insert(name, part);
        })?;
        let positions = self.section(Section::Positions)?;
        *active.positions.write() =
            positions.as_chunks().0.iter().map(|&key| u64::from_le_bytes(key)).collect();
        *active.greatest_id.write() = self.greatest_id();
        Ok(active)
    }

    /// That there are as many as there should be.
    fn check_counts(&self, events: u64, streams: u64) -> Result<(), SidecarError> {
        if events == self.event_count() && streams == self.stream_count() {
            return Ok(());
        }
        let section = Part::Section(Section::StreamRecords);
        Err(self.file.damaged(section, "they are not as many as they should be"))
    }

    /// Shows every event type of which the segment holds events.
    pub(super) fn each_type(
        &self,
        how: Wait,
        mut visit: impl FnMut(EventType, TypePart),
    ) -> Result<(), SidecarError> {
        self.each_record(Section::TypeRecords, how, |bytes| {
            let (record, length) = TypeRecord::decode(bytes)?;
            visit(EventType::try_from(record.name).ok()?, record.part);
            Some(length)
        })
    }

    pub(super) fn each_stream(
        &self,
        mut visit: impl FnMut(&StreamRecord<'_>) -> Option<()>,
    ) -> Result<(), SidecarError> {
        self.each_record(Section::StreamRecords, Wait::Allowed, |bytes| {
            let (record, length) = StreamRecord::decode(bytes, self.segment)?;
            visit(&record)?;
            Some(length)
        })
    }

    /// Shows what begins with each record of a section; the visitor says how long the record is, or that it is none.
    fn each_record(
        &self,
        section: Section,
        how: Wait,
        mut visit: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Result<(), SidecarError> {
        let none = || self.file.damaged(Part::Section(section), "a record is none");
        let length = self.file.length(section);
        let mut chunk = Vec::new();
        let mut offset = 0;
        while offset < length {
            chunk.resize(at_most(length - offset, CHUNK_BYTES), 0);
            self.file.read(section, offset, &mut chunk, how)?;
            let is_last = offset + chunk.len() as u64 == length;
            let mut rest = chunk.as_slice();
            // Of a chunk that is not the last, the end may hold a part of a record.
            while rest.len() >= if is_last { 1 } else { MAX_RECORD_BYTES } {
                let taken = visit(rest).filter(|&taken| taken > 0).ok_or_else(none)?;
                rest = rest.get(taken..).ok_or_else(none)?;
            }
            offset += (chunk.len() - rest.len()) as u64;
        }
        Ok(())
    }

    fn load_ids(&self, active: &ActiveIndex) -> Result<(), SidecarError> {
        for key in self.all_keys(Section::Ids)? {
            let (_, key) = key?;
            active.ids.add(high(key), FrameOffset::from_units(low(key)));
        }
        Ok(())
    }

    fn load_tags(&self, active: &ActiveIndex) -> Result<(), SidecarError> {
        let frames = self.section(Section::TagFrames)?;
        let (frames, _) = frames.as_chunks::<4>();
        let mut keys = self.all_keys(Section::Tags)?;
        let mut next = keys.next().transpose()?;
        while let Some((_, key)) = next {
            next = keys.next().transpose()?;
            let end = next.map_or(frames.len(), |(_, next)| low(next) as usize);
            let of_tag = frames.get(low(key) as usize..end).ok_or_else(|| self.not_its_frames())?;
            for &units in of_tag {
                active.tags.add(high(key), FrameOffset::from_units(u32::from_le_bytes(units)));
            }
        }
        Ok(())
    }

    fn all_keys(&self, section: Section) -> Result<KeysWithin<'_>, SidecarError> {
        self.keys(section, u64::MAX, 0..=u64::MAX, Direction::Forward, Wait::Allowed)
    }

    /// A whole section. Its length is less than that of the file.
    fn section(&self, section: Section) -> Result<Vec<u8>, SidecarError> {
        let mut bytes = vec![0; at_most(self.file.length(section), usize::MAX)];
        self.file.read(section, 0, &mut bytes, Wait::Allowed)?;
        Ok(bytes)
    }
}
