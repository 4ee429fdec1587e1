//! Going through the frames of one segment that can hold what is asked for.

use std::{collections::VecDeque, ops::Range};

use bytes::Bytes;
use eventstore_api::{Criterion, Direction, EventFilter};

use crate::{
    block::{Block, BlockReader},
    damage::Failure,
    index::{FrameOffset, SegmentIndex, Wait},
    rows::ROWS_TOGETHER,
    segment::Segment,
};

/// How many frames an index is asked for at once.
const LISTED: usize = 4_096;
/// How much is read at once where frame follows frame, in bytes.
const SPAN: u64 = 256 << 10;
/// How much is read at once where frames stand apart, in bytes for each.
const APART: u64 = 1_024;

/// The frames of a segment, in one direction, from a position on: all of them, or those only that an index names.
///
/// There may be frames among them with nothing that is asked for, and at either end of the range some beyond it.
pub(crate) struct Scan<'s, R> {
    segment: &'s Segment,
    index: &'s dyn SegmentIndex,
    reader: BlockReader<'s, R>,
    filter: &'s EventFilter,
    direction: Direction,
    wait: Wait,
    way: Way,
}

/// What a scan is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sought<'f> {
    pub(crate) filter: &'f EventFilter,
    pub(crate) direction: Direction,
    /// Exclusive: forward, positions after it are sought; backward, those before it.
    pub(crate) from: u64,
    /// How many events are likely to be taken.
    pub(crate) events: usize,
    pub(crate) wait: Wait,
}

enum Way {
    /// From this offset to the frame that begins at the last one, or before it.
    Forward {
        next: u64,
        last: u64,
        ahead: usize,
        /// How many events end the scan, where each of them counts.
        enough: Option<u64>,
    },
    /// Blocks of frames before this offset, of which one is read already, down to the frame that begins at the first.
    Backward {
        before: u64,
        first: u64,
        block: Vec<Block>,
    },
    /// What an index names.
    Listed {
        queue: VecDeque<FrameOffset>,
        ahead: usize,
        wanted: Vec<Criterion>,
        rest: Option<(FrameOffset, FrameOffset)>,
    },
    Nothing,
}

impl<'s, R: FnMut(&Segment, u64, usize) -> Result<Bytes, Failure>> Scan<'s, R> {
    /// Goes through what can be seen of a segment before `bound`.
    pub(crate) fn new(
        segment: &'s Segment,
        index: &'s dyn SegmentIndex,
        bound: u64,
        sought: Sought<'s>,
        read: R,
    ) -> Result<Self, Failure> {
        let Sought { filter, direction, from, events, wait } = sought;
        let reader = BlockReader::new(segment, bound, wait, read);
        let mut scan = Self { segment, index, reader, filter, direction, wait, way: Way::Nothing };
        let Some((first, last)) = scan.frames_with_types_of(filter, bound)? else { return Ok(scan) };
        scan.way = match (filter.criteria().filter(|criteria| criteria.iter().all(is_listed)), direction) {
            (Some(criteria), _) => {
                let first = match direction {
                    Direction::Forward => scan.frame_at_or_before(from.saturating_add(1))?.max(first),
                    Direction::Backward => first,
                };
                let rest = FrameOffset::from_bytes(first).zip(FrameOffset::from_bytes(last));
                Way::Listed { queue: VecDeque::new(), ahead: 0, wanted: criteria.to_vec(), rest }
            }
            (None, Direction::Forward) => {
                let next = scan.frame_at_or_before(from.saturating_add(1))?.max(first);
                let guess = (events as u64).saturating_mul(APART / 2).clamp(APART, SPAN);
                let enough = filter.is_all().then_some(events as u64);
                Way::Forward { next, last, ahead: usize::try_from(guess).unwrap_or(0), enough }
            }
            (None, Direction::Backward) => scan.backward(from, (first, last), bound)?,
        };
        Ok(scan)
    }

    /// The next frame, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, Failure> {
        loop {
            match &mut self.way {
                Way::Nothing => return Ok(None),
                Way::Forward { next, last, ahead, enough } => {
                    while *next <= *last
                        && let Some(barren) = barren(self.segment, *next, self.filter, self.wait)
                    {
                        *next = barren.end;
                    }
                    if *next > *last {
                        return Ok(None);
                    }
                    let block = self.reader.run(*next, *ahead, u64::MAX, *enough)?;
                    *next = block.end();
                    return Ok(Some(block));
                }
                Way::Backward { before, first, block } => {
                    if let Some(frame) = block.pop() {
                        return Ok(Some(frame));
                    }
                    while *before > *first
                        && let Some(barren) =
                            barren(self.segment, before.saturating_sub(1), self.filter, self.wait)
                    {
                        *before = barren.start;
                    }
                    if *before <= *first {
                        return Ok(None);
                    }
                    let (before, first) = (*before, *first);
                    self.way = self.block_before(before, first)?;
                }
                Way::Listed { queue, ahead, .. } => {
                    if let Some(offset) = queue.pop_front() {
                        let span = match self.direction {
                            Direction::Forward => span_from(offset, &*queue),
                            Direction::Backward => 0,
                        };
                        *ahead = usize::try_from(span).unwrap_or(0);
                        let ahead = *ahead;
                        return self.reader.at(offset.bytes(), ahead).map(Some);
                    }
                    if !self.list()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Asks the index for more frames; false when there are none.
    fn list(&mut self) -> Result<bool, Failure> {
        let Way::Listed { queue, wanted, rest, .. } = &mut self.way else { return Ok(false) };
        let Some((mut first, mut last)) = *rest else { return Ok(false) };
        let mut found = Vec::new();
        // Where one list was cut short, nothing is known beyond its end: there all of them stop.
        for criterion in wanted.iter() {
            let frames = frames_of(self.index, criterion, (first, last), self.direction, self.wait)
                .map_err(Failure::io(|| format!("cannot read the index of {}", self.segment.described)))?;
            if frames.len() == LISTED
                && let Some(&farthest) = frames.last()
            {
                match self.direction {
                    Direction::Forward => last = last.min(farthest),
                    Direction::Backward => first = first.max(farthest),
                }
            }
            found.extend(frames);
        }
        found.retain(|offset| (first..=last).contains(offset));
        found.sort_unstable();
        found.dedup();
        let (before, after) = rest.unwrap_or((first, last));
        *rest = match self.direction {
            Direction::Forward if last < after => FrameOffset::from_bytes(last.bytes() + 8).zip(Some(after)),
            Direction::Backward if first > before => {
                found.reverse();
                Some(before).zip(FrameOffset::from_bytes(first.bytes().saturating_sub(8)))
            }
            Direction::Backward => {
                found.reverse();
                None
            }
            Direction::Forward => None,
        };
        queue.extend(found);
        Ok(!queue.is_empty() || rest.is_some())
    }

    /// A scan backward from where the frame that holds the position before `from` ends, or a little behind it, and not from
    /// behind the last frame.
    fn backward(&mut self, from: u64, (first, last): (u64, u64), bound: u64) -> Result<Way, Failure> {
        // The first mark beyond the position is where it has certainly been passed.
        let start = self.frame_at_or_before(from.saturating_sub(1))?;
        if let Some(row) = self.row_at_or_before(from.saturating_sub(1))
            && let Some(barren) = barren(self.segment, FrameOffset::bytes_of_row(row), self.filter, self.wait)
        {
            return Ok(Way::Backward { before: barren.start, first, block: Vec::new() });
        }
        if last < start {
            return Ok(Way::Backward {
                before: last,
                first,
                block: vec![self.reader.at(last, SPAN_OF_BLOCK)?],
            });
        }
        let mut blocks = Vec::new();
        let mut next = start;
        while next < bound && next <= last {
            let block = self.reader.run(next, SPAN_OF_BLOCK, u64::MAX, None)?;
            if block.first_position() >= from {
                break;
            }
            next = block.end();
            blocks.push(block);
        }
        Ok(Way::Backward { before: start, first, block: blocks })
    }

    fn block_before(&mut self, before: u64, first: u64) -> Result<Way, Failure> {
        // The frame at `before` is the first of its block, and its first position leads to the block before.
        let first_position = match &self.segment.part {
            Some(_) => self.segment.start.get() + before / FrameOffset::bytes_of_row(1),
            None => self.reader.at(before, SPAN_OF_BLOCK)?.first_position(),
        };
        let mut start = self.frame_at_or_before(first_position.saturating_sub(1))?;
        if start >= before {
            start = self.segment.first_offset();
        }
        let mut blocks = Vec::new();
        let mut next = start;
        while next < before {
            let block = self.reader.run(next, SPAN_OF_BLOCK, before, None)?;
            next = block.end();
            blocks.push(block);
        }
        Ok(Way::Backward { before: start, first, block: blocks })
    }

    /// The row of a position, in a part; behind its end, the last.
    fn row_at_or_before(&self, position: u64) -> Option<u64> {
        let sealed = self.segment.sealed().filter(|_| self.segment.part.is_some())?;
        Some(position.min(sealed.last_position).saturating_sub(self.segment.start.get()))
    }

    fn frame_at_or_before(&self, position: u64) -> Result<u64, Failure> {
        if let Some(row) = self.row_at_or_before(position) {
            return Ok(FrameOffset::bytes_of_row(row - row % ROWS_TOGETHER));
        }
        let found = self
            .index
            .frame_at_or_before(position, self.wait)
            .map_err(Failure::io(|| format!("cannot read the index of {}", self.segment.described)))?;
        Ok(found.map_or(self.segment.first_offset(), FrameOffset::bytes))
    }

    /// Where the first and the last frame begin that can hold an event of a type that is asked for; `None` when none can.
    /// The last may be no frame, but the end of what can be seen.
    fn frames_with_types_of(&self, filter: &EventFilter, bound: u64) -> Result<Option<(u64, u64)>, Failure> {
        let Some(last) = self.segment.last_offset(bound) else { return Ok(None) };
        let all = (self.segment.first_offset(), last);
        let Some(criteria) = filter.criteria() else { return Ok(Some(all)) };
        let mut within: Option<(u64, u64)> = None;
        for criterion in criteria {
            let Some(types) = &criterion.event_types else { return Ok(Some(all)) };
            for event_type in types {
                let part = self.index.event_type(event_type, self.wait);
                let failure = Failure::io(|| format!("cannot read the index of {}", self.segment.described));
                let Some(part) = part.map_err(failure)? else { continue };
                let (first, last) = within.unwrap_or((u64::MAX, 0));
                within = Some((first.min(part.first.bytes()), last.max(part.last.bytes())));
            }
        }
        // The index of the segment that is written may be ahead of what can be seen.
        Ok(within.filter(|(first, _)| *first <= all.1).map(|(first, last)| (first, last.min(all.1))))
    }
}

/// What of a part can be passed over around an offset, in bytes.
fn barren(segment: &Segment, offset: u64, filter: &EventFilter, wait: Wait) -> Option<Range<u64>> {
    let row_bytes = FrameOffset::bytes_of_row(1);
    let rows = segment.part.as_ref()?.barren(offset / row_bytes, filter, wait)?;
    let barren = FrameOffset::bytes_of_row(rows.start)..FrameOffset::bytes_of_row(rows.end);
    // Else whoever goes on from its end would come by again.
    barren.contains(&offset).then_some(barren)
}

/// About the distance between two positions that an index knows, in bytes.
const SPAN_OF_BLOCK: usize = 20 << 10;

/// Whether an index names the frames of this criterion.
fn is_listed(criterion: &Criterion) -> bool {
    criterion.stream.is_some() || !criterion.tags.is_empty()
}

fn frames_of(
    index: &dyn SegmentIndex,
    criterion: &Criterion,
    (first, last): (FrameOffset, FrameOffset),
    direction: Direction,
    wait: Wait,
) -> std::io::Result<Vec<FrameOffset>> {
    if let Some(stream) = &criterion.stream {
        let Some(part) = index.stream(stream, wait)? else { return Ok(Vec::new()) };
        let mut frames = index.stream_frames(&part, 0, part.count, wait)?;
        frames.retain(|offset| (first..=last).contains(offset));
        frames.dedup();
        if direction == Direction::Backward {
            frames.reverse();
        }
        frames.truncate(LISTED);
        return Ok(frames);
    }
    match criterion.tags.iter().next() {
        Some(tag) => index.frames_with_tag(tag, first..=last, direction, LISTED, wait),
        None => Ok(Vec::new()),
    }
}

/// How much to read at a frame when these are wanted next: as far as they stand close together.
pub(crate) fn span_from<'o>(offset: FrameOffset, next: impl IntoIterator<Item = &'o FrameOffset>) -> u64 {
    let mut span = 0;
    for (number, further) in (1..).zip(next) {
        let distance = further.bytes().saturating_sub(offset.bytes());
        if distance > SPAN || distance > APART * number {
            break;
        }
        span = distance;
    }
    span + APART
}
