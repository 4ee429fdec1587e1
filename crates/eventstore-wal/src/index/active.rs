use std::{
    collections::HashMap,
    fmt, io,
    ops::RangeInclusive,
    sync::atomic::{AtomicU64, Ordering},
};

use dashmap::DashMap;
use eventstore_api::{Direction, EventId, EventType, StreamId, Tag, Tags, Version};
use foldhash::fast::RandomState;
use parking_lot::RwLock;

use super::{
    FrameOffset, Locator, Previous, SegmentIndex, SegmentStart, StreamPart, TypePart, Wait,
    hashes::Hashes,
    id_log::IdLog,
    postings::{Postings, key, low},
    stream_frames::StreamFrames,
};

/// One entry this often is enough to find a position: a scan over so little of the log takes microseconds.
const BYTES_BETWEEN_POSITIONS: u64 = 16 << 10;

/// The index of the segment that is being written, in memory.
///
/// One writer adds, in the order of the log; any number of readers look meanwhile. Nothing is locked as a whole, so that
/// neither waits for long.
pub(crate) struct ActiveIndex {
    pub(super) segment: SegmentStart,
    pub(super) hashes: Hashes,
    pub(super) streams: DashMap<StreamId, Stream, RandomState>,
    pub(super) ids: IdLog,
    pub(super) tags: Postings,
    pub(super) types: RwLock<HashMap<EventType, TypePart, RandomState>>,
    /// How far behind the segment's start a position lies, then its frame; see [`key`].
    pub(super) positions: RwLock<Vec<u64>>,
    pub(super) events: AtomicU64,
    pub(super) stream_count: AtomicU64,
    pub(super) greatest_id: RwLock<Option<EventId>>,
}

/// What the segment holds of one stream: the event of version `first_version + n` lies in `frames[n]`.
pub(super) struct Stream {
    pub(super) first_version: Version,
    pub(super) previous: Previous,
    /// No id of its events here is greater.
    pub(super) greatest_id: EventId,
    pub(super) frames: StreamFrames,
}

impl Stream {
    fn part(&self, name: &StreamId) -> StreamPart {
        StreamPart {
            first_version: self.first_version,
            count: u32::try_from(self.frames.as_slice().len()).unwrap_or(u32::MAX),
            previous: self.previous,
            locator: Locator::Name(name.clone()),
        }
    }
}

/// What an index has to know of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexedEvent<'e> {
    pub(crate) id: EventId,
    pub(crate) event_type: &'e EventType,
    pub(crate) tags: &'e Tags,
}

impl ActiveIndex {
    /// The index of a segment without events.
    pub(crate) fn new(store_id: &[u8; 16], segment: SegmentStart) -> Self {
        Self::with_room(Hashes::new(store_id), segment, 0)
    }

    /// One that has to grow once it holds more than so many streams.
    pub(super) fn with_room(hashes: Hashes, segment: SegmentStart, streams: usize) -> Self {
        Self {
            segment,
            hashes,
            streams: DashMap::with_capacity_and_hasher_and_shard_amount(
                streams,
                RandomState::default(),
                STREAM_SHARDS,
            ),
            ids: IdLog::new(),
            tags: Postings::new(),
            types: RwLock::default(),
            positions: RwLock::default(),
            events: AtomicU64::new(0),
            stream_count: AtomicU64::new(0),
            greatest_id: RwLock::default(),
        }
    }

    /// Notes a frame and the position of its first event. Frames are noted in their order, each before its events.
    pub(crate) fn note_frame(&self, offset: FrameOffset, first_position: u64) {
        let Some(relative) = self.relative(first_position) else { return };
        if let Some(&last) = self.positions.read().last()
            && offset.bytes() < frame_of_key(last).bytes() + BYTES_BETWEEN_POSITIONS
        {
            return;
        }
        self.positions.write().push(key(relative, offset.units()));
    }

    /// Notes the events that a frame appends to one stream, the first of which has version `first_version`.
    ///
    /// `previous` is asked only when these are the stream's first events in this segment.
    pub(crate) fn note_append<'e>(
        &self,
        offset: FrameOffset,
        stream: &StreamId,
        first_version: Version,
        previous: impl FnOnce() -> Previous,
        events: impl IntoIterator<Item = IndexedEvent<'e>>,
    ) {
        let id_hashes = self.hashes.ids_of(stream);
        let mut greatest = None;
        let mut count = 0;
        // Events of one type mostly stand together.
        let mut run: Option<(&EventType, u64)> = None;
        for event in events {
            count += 1;
            greatest = greatest.max(Some(event.id));
            self.ids.add(id_hashes.id(event.id), offset);
            for tag in event.tags {
                self.tags.add(self.hashes.name(tag.as_str()), offset);
            }
            match &mut run {
                Some((event_type, length)) if *event_type == event.event_type => *length += 1,
                _ => {
                    if let Some((event_type, length)) = run.replace((event.event_type, 1)) {
                        self.note_type(event_type, length, offset);
                    }
                }
            }
        }
        let (Some((event_type, length)), Some(greatest)) = (run, greatest) else { return };
        self.note_type(event_type, length, offset);
        if Some(greatest) > *self.greatest_id.read() {
            *self.greatest_id.write() = Some(greatest);
        }
        let begin = || Stream {
            first_version,
            previous: previous(),
            greatest_id: greatest,
            frames: StreamFrames::new(),
        };
        self.note_stream(offset, stream, (first_version, greatest), begin, count);
        self.events.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Forgets where the events of a stream lie that are before those here; false where it holds nothing of it.
    pub(crate) fn forget_previous(&self, stream: &str) -> bool {
        let Ok(stream) = StreamId::try_from(stream) else { return false };
        let Some(mut known) = self.streams.get_mut(&stream) else { return false };
        known.previous = Previous::Unknown;
        true
    }

    /// Whether an event of this stream with this id can be here. It cannot when the id is greater than those the stream
    /// has here, as ids mostly are: then nothing has to be looked up.
    pub(crate) fn may_hold(&self, stream: &StreamId, id: EventId) -> bool {
        self.streams.get(stream).is_some_and(|found| id <= found.greatest_id)
    }

    /// Notes `count` events of a stream in a frame, the first version and the greatest id of which are these; `begin` makes
    /// what the stream is here if these are its first.
    fn note_stream(
        &self,
        offset: FrameOffset,
        stream: &StreamId,
        (first_version, greatest): (Version, EventId),
        begin: impl FnOnce() -> Stream,
        count: usize,
    ) {
        let frames = std::iter::repeat_n(offset, count);
        if let Some(mut known) = self.streams.get_mut(stream) {
            let next = known.first_version.plus(known.frames.as_slice().len() as u64);
            debug_assert_eq!(next, first_version);
            known.greatest_id = known.greatest_id.max(greatest);
            known.frames.extend(frames);
            return;
        }
        let mut begun = begin();
        begun.frames.extend(frames);
        self.streams.insert(stream.clone(), begun);
        self.stream_count.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes so many events of a type in a frame.
    fn note_type(&self, event_type: &EventType, events: u64, frame: FrameOffset) {
        let mut types = self.types.write();
        if let Some(part) = types.get_mut(event_type) {
            part.last = frame;
            // It may come from a file.
            part.count = part.count.saturating_add(events);
        } else {
            types.insert(event_type.clone(), TypePart { first: frame, last: frame, count: events });
        }
    }

    /// How far a position lies behind the segment's start. A segment holds fewer than 2^32 events, as each takes more than
    /// the 8 bytes in which offsets count.
    fn relative(&self, position: u64) -> Option<u32> {
        u32::try_from(position.checked_sub(self.segment.get())?).ok()
    }
}

/// Many, so that a table that grows moves only its own share while the writer waits.
const STREAM_SHARDS: usize = 64;

fn frame_of_key(key: u64) -> FrameOffset {
    FrameOffset::from_units(low(key))
}

impl SegmentIndex for ActiveIndex {
    fn stream(&self, stream: &StreamId, _: Wait) -> io::Result<Option<StreamPart>> {
        Ok(self.streams.get(stream).map(|found| found.part(stream)))
    }

    fn streams(&self, visit: &mut dyn FnMut(&str, StreamPart)) -> io::Result<()> {
        self.streams.iter().for_each(|it| visit(it.key().as_str(), it.part(it.key())));
        Ok(())
    }

    fn stream_frames(
        &self,
        part: &StreamPart,
        first: u32,
        count: u32,
        _: Wait,
    ) -> io::Result<Vec<FrameOffset>> {
        let Locator::Name(stream) = &part.locator else { return Ok(Vec::new()) };
        let Some(stream) = self.streams.get(stream) else { return Ok(Vec::new()) };
        // As of the part, not as of now: what came after it was not asked for.
        let end = first.saturating_add(count).min(part.count);
        let frames = stream.frames.as_slice().get(first as usize..end as usize);
        Ok(frames.unwrap_or_default().to_vec())
    }

    fn frames_with_id(&self, stream: &StreamId, id: EventId, _: Wait) -> io::Result<Vec<FrameOffset>> {
        let hash = self.hashes.ids_of(stream).id(id);
        Ok(self.ids.frames(hash))
    }

    fn frames_with_tag(
        &self,
        tag: &Tag,
        within: RangeInclusive<FrameOffset>,
        direction: Direction,
        most: usize,
        _: Wait,
    ) -> io::Result<Vec<FrameOffset>> {
        Ok(self.tags.frames(self.hashes.name(tag.as_str()), &within, direction, most))
    }

    fn event_type(&self, event_type: &EventType, _: Wait) -> io::Result<Option<TypePart>> {
        Ok(self.types.read().get(event_type).copied())
    }

    #[cfg(test)]
    fn event_types(&self, visit: &mut dyn FnMut(&EventType, TypePart), _: Wait) -> io::Result<()> {
        // Copied, so that the writer does not wait for the visitor.
        let types: Vec<_> = self.types.read().iter().map(|(name, &part)| (name.clone(), part)).collect();
        for (name, part) in &types {
            visit(name, *part);
        }
        Ok(())
    }

    fn frame_at_or_before(&self, position: u64, _: Wait) -> io::Result<Option<FrameOffset>> {
        let Some(distance) = position.checked_sub(self.segment.get()) else { return Ok(None) };
        let relative = u32::try_from(distance).unwrap_or(u32::MAX);
        let positions = self.positions.read();
        let after = positions.partition_point(|&entry| entry <= key(relative, u32::MAX));
        Ok(after.checked_sub(1).and_then(|last| positions.get(last)).map(|&entry| frame_of_key(entry)))
    }

    fn is_in_memory(&self) -> bool {
        true
    }

    fn greatest_id(&self) -> Option<EventId> {
        *self.greatest_id.read()
    }

    fn event_count(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    fn stream_count(&self) -> u64 {
        self.stream_count.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for ActiveIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveIndex")
            .field("segment", &self.segment)
            .field("events", &self.event_count())
            .field("streams", &self.stream_count())
            .finish_non_exhaustive()
    }
}
