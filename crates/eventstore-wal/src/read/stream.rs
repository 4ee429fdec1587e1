use std::sync::Arc;

use eventstore_api::{Direction, PageRoom, RecordedEvent, StreamId, StreamPage, StreamRange, Version};
use eventstore_codec::Names;

use super::{from_file, retained::Retained, unreadable_index};
use crate::{
    block::{Block, BlockReader},
    catalog::{Catalog, Published},
    damage::Failure,
    frames::Malformed,
    index::{Previous, SegmentIndex, SegmentStart, StreamPart, Wait},
    scan::span_from,
    segment::Segment,
};

/// At most how many events a page holds: of events without payloads, any number would fit by bytes.
const MOST: usize = 16_384;
/// How many frames an index is asked for at once.
const LISTED: u32 = 1_024;

/// A part of a stream, as far as it is published.
pub(crate) fn read_stream(
    catalog: &Catalog,
    stream: &StreamId,
    range: StreamRange,
    wait: Wait,
) -> Result<StreamPage, Failure> {
    let published = catalog.published();
    let limit = range.limit.unwrap_or(usize::MAX);
    let room = PageRoom::new(limit.min(MOST), range.max_bytes);
    let mut page = PageInProgress {
        catalog,
        stream,
        direction: range.direction,
        next: match range.direction {
            Direction::Forward => range.after.next(),
            Direction::Backward => Version::new(range.after.get().saturating_sub(1)),
        },
        room,
        wait,
        names: Names::new(),
        retained: Retained::default(),
        events: Vec::new(),
    };
    if limit == 0 {
        return Ok(StreamPage::last(page.events));
    }
    let mut parts = Parts { catalog, published, stream, wait };
    let full = match page.fill(&mut parts, &published) {
        // What is whole before the damage is shown first.
        Err(Failure::Damaged(_)) if !page.events.is_empty() => return Ok(StreamPage::partial(page.events)),
        full => full?,
    };
    // It is told with the last event that it is the last.
    let ended = !full || page.events.len() == limit || !parts.shows(page.next)?;
    Ok(if ended { StreamPage::last(page.events) } else { StreamPage::partial(page.events) })
}

/// The parts of a stream, from the last segment back.
struct Parts<'c> {
    catalog: &'c Catalog,
    published: Published,
    stream: &'c StreamId,
    wait: Wait,
}

/// What a segment holds of the stream.
struct Found {
    segment: Arc<Segment>,
    index: Arc<dyn SegmentIndex>,
    part: StreamPart,
}

impl Parts<'_> {
    fn last(&mut self) -> Result<Option<Found>, Failure> {
        self.catalog.settle(self.wait)?;
        let Some(head) = self.catalog.heads.get(self.stream.as_str()) else { return Ok(None) };
        match self.in_segment(head.segment)? {
            Some(found) => Ok(Some(found)),
            // The table of streams is ahead of what can be seen.
            None => self.search_before(head.segment),
        }
    }

    fn before(&mut self, found: &Found) -> Result<Option<Found>, Failure> {
        match found.part.previous {
            Previous::None => Ok(None),
            Previous::Segment(start) => self.in_segment(start),
            Previous::Unknown => self.search_before(found.segment.start),
        }
    }

    /// Whether the event of this version is published.
    fn shows(&mut self, version: Version) -> Result<bool, Failure> {
        if version == Version::NONE {
            return Ok(false);
        }
        let mut found = self.last()?;
        while let Some(current) = found {
            let Found { segment, index, part } = &current;
            if part.first_version > version {
                found = self.before(&current)?;
                continue;
            }
            let number = u32::try_from(version.get() - part.first_version.get()).unwrap_or(u32::MAX);
            let frames =
                index.stream_frames(part, number, 1, self.wait).map_err(unreadable_index(segment))?;
            let bound = self.published.bound(segment);
            return Ok(frames.first().is_some_and(|frame| frame.bytes() < bound));
        }
        Ok(false)
    }

    fn in_segment(&self, start: SegmentStart) -> Result<Option<Found>, Failure> {
        let Some(segment) = self.catalog.segment(start) else { return Ok(None) };
        let index = segment.index();
        let part = index.stream(self.stream, self.wait).map_err(unreadable_index(&segment))?;
        Ok(part.map(|part| Found { segment, index, part }))
    }

    fn search_before(&self, start: SegmentStart) -> Result<Option<Found>, Failure> {
        let segments = self.catalog.segments();
        for segment in segments.iter().rev().skip_while(|segment| segment.start >= start) {
            if let Some(found) = self.in_segment(segment.start)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

struct PageInProgress<'s> {
    catalog: &'s Catalog,
    stream: &'s StreamId,
    direction: Direction,
    /// The version that comes next in this direction.
    next: Version,
    room: PageRoom,
    wait: Wait,
    names: Names,
    retained: Retained,
    events: Vec<RecordedEvent>,
}

impl PageInProgress<'_> {
    /// Takes what is wanted, as far as there is room; true when there is none left.
    fn fill(&mut self, parts: &mut Parts<'_>, published: &Published) -> Result<bool, Failure> {
        let full = match self.direction {
            Direction::Forward => {
                let mut wanted = Vec::new();
                let mut part = parts.last()?;
                while let Some(found) = part {
                    let first = found.part.first_version;
                    let before = (first > self.next).then(|| parts.before(&found)).transpose()?.flatten();
                    wanted.push(found);
                    part = before;
                }
                self.take_forward(wanted.into_iter().rev(), published)
            }
            Direction::Backward => self.take_backward(parts, published),
        };
        let end = self.events.len();
        self.retained.settle(&mut self.events, end);
        full
    }

    fn take_forward(
        &mut self,
        parts: impl Iterator<Item = Found>,
        published: &Published,
    ) -> Result<bool, Failure> {
        for Found { segment, index, part } in parts {
            let bound = published.bound(&segment);
            let mut reader = BlockReader::new(&segment, bound, self.wait, from_file(self.wait));
            loop {
                let first = self.next.get().saturating_sub(part.first_version.get());
                let Ok(first) = u32::try_from(first) else { break };
                let count = LISTED.min(part.count.saturating_sub(first));
                let wanted = count.min(u32::try_from(self.room.events_left()).unwrap_or(u32::MAX));
                let mut frames = index
                    .stream_frames(&part, first, wanted, self.wait)
                    .map_err(unreadable_index(&segment))?;
                frames.dedup();
                let visible = frames.partition_point(|offset| offset.bytes() < bound);
                let cut = visible < frames.len();
                frames.truncate(visible);
                let before = self.next;
                for (number, offset) in frames.iter().enumerate() {
                    let frame = self.catalog.blocks.get(&segment, *offset, || {
                        let ahead = span_from(*offset, frames.iter().skip(number + 1));
                        reader.at(offset.bytes(), usize::try_from(ahead).unwrap_or(0))
                    })?;
                    let full = self.take_from(&segment, &frame)?;
                    if full {
                        return Ok(true);
                    }
                }
                if cut {
                    return Ok(false);
                }
                if self.next == before && !frames.is_empty() {
                    let detail = format!("the frames of stream `{}` hold nothing of it", self.stream);
                    return Err(segment.damage(0, detail).into());
                }
                if count == 0 || part.first_version.plus(u64::from(part.count)) <= self.next {
                    break;
                }
            }
        }
        Ok(false)
    }

    fn take_backward(&mut self, parts: &mut Parts<'_>, published: &Published) -> Result<bool, Failure> {
        let mut found = parts.last()?;
        while let Some(current) = found {
            let Found { segment, index, part } = &current;
            let bound = published.bound(segment);
            let mut reader = BlockReader::new(segment, bound, self.wait, from_file(self.wait));
            // How many events of the part are still to come, from its first.
            let before_next = self.next.get().saturating_add(1).saturating_sub(part.first_version.get());
            let mut left = part.count.min(u32::try_from(before_next).unwrap_or(u32::MAX));
            while left > 0 {
                let wanted = LISTED.min(u32::try_from(self.room.events_left()).unwrap_or(u32::MAX)).max(1);
                let first = left.saturating_sub(wanted);
                let mut frames = index
                    .stream_frames(part, first, left - first, self.wait)
                    .map_err(unreadable_index(segment))?;
                left = first;
                frames.dedup();
                frames.retain(|offset| offset.bytes() < bound);
                for offset in frames.iter().rev() {
                    let read = || reader.at(offset.bytes(), 0);
                    let frame = self.catalog.blocks.get(segment, *offset, read)?;
                    let full = self.take_from(segment, &frame)?;
                    if full {
                        return Ok(true);
                    }
                }
            }
            found = parts.before(&current)?;
        }
        Ok(false)
    }

    /// Takes what is wanted of a frame's events, as far as there is room; true when there is none left.
    fn take_from(&mut self, segment: &Segment, frame: &Block) -> Result<bool, Failure> {
        let mut found = Vec::new();
        let (direction, next, stream) = (self.direction, self.next, self.stream);
        let names = &mut self.names;
        let taken = frame.each_event::<Malformed>(|event| {
            let wanted = match direction {
                Direction::Forward => event.version() >= next,
                Direction::Backward => event.version() <= next,
            };
            if wanted && event.stream() == stream.as_str() {
                found.push(event.to_recorded_of(stream, names)?);
            }
            Ok(())
        });
        taken.map_err(|malformed| segment.damage(frame.offset(), malformed))?;
        if direction == Direction::Backward {
            found.reverse();
        }
        let before = self.events.len();
        let full = self.take_these(segment, frame, found)?;
        self.retained.note(&mut self.events, before, frame);
        Ok(full)
    }

    /// Takes these events, which come next in this direction; true when there is no room left.
    fn take_these(
        &mut self,
        segment: &Segment,
        frame: &Block,
        found: Vec<RecordedEvent>,
    ) -> Result<bool, Failure> {
        for event in found {
            // A read backward begins wherever the stream ends.
            let is_next = match self.direction {
                Direction::Backward if self.events.is_empty() => event.version <= self.next,
                _ => event.version == self.next,
            };
            if !is_next {
                let detail =
                    format!("version {} of stream `{}` is not where it should be", self.next, self.stream);
                return Err(segment.damage(frame.offset(), detail).into());
            }
            if !self.room.take(event.payload.len()) {
                return Ok(true);
            }
            self.next = match self.direction {
                Direction::Forward => event.version.next(),
                Direction::Backward => Version::new(event.version.get() - 1),
            };
            self.events.push(event);
        }
        Ok(self.room.events_left() == 0)
    }
}
