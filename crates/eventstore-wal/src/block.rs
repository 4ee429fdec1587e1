//! What readers read: some events that stand side by side in the log, wherever they lie.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use eventstore_api::{RecordedEvent, StreamId, Version};
use eventstore_codec::Names;

use crate::{
    damage::Failure,
    frames::{Chunk, Frame, FrameEvent, FrameReader, Malformed},
    index::{FrameOffset, Wait},
    rows::{OneRow, Part, Rows},
    segment::Segment,
};

/// Events that stand side by side: a frame of a segment, or rows of a part.
///
/// Where it stands is said as of a frame, in bytes: a row is taken for a frame of 8 bytes, the least there is.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    Frame(Frame),
    Rows(RowBlock),
}

/// Some rows of a part.
#[derive(Clone, Debug)]
pub(crate) struct RowBlock {
    rows: Arc<dyn Rows>,
    /// Which of them.
    range: Range<u64>,
    /// The position of row 0.
    start: u64,
}

/// An event of a block, not yet taken out of it.
pub(crate) enum BlockEvent<'b> {
    InFrame(FrameEvent<'b>),
    InRow { rows: &'b dyn Rows, row: u64, position: u64 },
}

impl Block {
    /// Where it begins, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        match self {
            Self::Frame(frame) => frame.offset,
            Self::Rows(block) => FrameOffset::bytes_of_row(block.range.start),
        }
    }

    /// Where the next one begins, in bytes.
    pub(crate) fn end(&self) -> u64 {
        match self {
            Self::Frame(frame) => frame.end(),
            Self::Rows(block) => FrameOffset::bytes_of_row(block.range.end),
        }
    }

    /// The position of its first event.
    pub(crate) fn first_position(&self) -> u64 {
        match self {
            Self::Frame(frame) => frame.header.first_position,
            Self::Rows(block) => block.start + block.range.start,
        }
    }

    /// The position of its last event; of one without events, the position before it.
    pub(crate) fn last_position(&self) -> u64 {
        match self {
            Self::Frame(frame) => frame.last_position(),
            Self::Rows(block) => block.start + block.range.end - 1,
        }
    }

    /// How many events there are.
    pub(crate) fn events(&self) -> u64 {
        match self {
            Self::Frame(frame) => u64::from(frame.header.events),
            Self::Rows(block) => block.range.end - block.range.start,
        }
    }

    /// How many bytes of memory its events take, about.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Frame(frame) => u64::from(frame.header.body_bytes),
            Self::Rows(block) => block.rows.bytes() as u64,
        }
    }

    /// What it was read with.
    pub(crate) fn chunk(&self) -> Chunk {
        match self {
            Self::Frame(frame) => frame.chunk,
            Self::Rows(block) => Chunk {
                offset: FrameOffset::bytes_of_row(block.rows.range().start),
                bytes: block.rows.bytes(),
            },
        }
    }

    /// The same block, apart from what was read together with it. Of several rows, the first.
    pub(crate) fn detached(self) -> Result<Self, Malformed> {
        match self {
            Self::Frame(frame) => Ok(Self::Frame(frame.detached())),
            Self::Rows(RowBlock { rows, range, start }) => {
                let row = range.start;
                let mut event = rows.event(row, &mut Names::new())?;
                event.payload = Bytes::copy_from_slice(&event.payload);
                let rows = Arc::new(OneRow { row, event });
                Ok(Self::Rows(RowBlock { rows, range: row..row + 1, start }))
            }
        }
    }

    /// Shows every event, in order.
    ///
    /// # Errors
    ///
    /// What `show` fails with, and contents that are not what was written.
    pub(crate) fn each_event<'b, E: From<Malformed>>(
        &'b self,
        mut show: impl FnMut(BlockEvent<'b>) -> Result<(), E>,
    ) -> Result<(), E> {
        let RowBlock { rows, range, start } = match self {
            Self::Frame(frame) => return frame.each_event(|event| show(BlockEvent::InFrame(event))),
            Self::Rows(block) => block,
        };
        for row in range.clone() {
            show(BlockEvent::InRow { rows: &**rows, row, position: start + row })?;
        }
        Ok(())
    }
}

impl<'b> BlockEvent<'b> {
    pub(crate) fn stream(&self) -> &'b str {
        match self {
            Self::InFrame(event) => event.stream,
            // To make the event says what is wrong with it.
            Self::InRow { rows, row, .. } => rows.place(*row).map_or("", |(stream, _)| stream),
        }
    }

    pub(crate) fn version(&self) -> Version {
        match self {
            Self::InFrame(event) => event.version,
            Self::InRow { rows, row, .. } => rows.place(*row).map_or(Version::NONE, |(_, version)| version),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::InFrame(event) => event.position,
            Self::InRow { position, .. } => *position,
        }
    }

    pub(crate) fn to_recorded(&self, names: &mut Names) -> Result<RecordedEvent, Malformed> {
        match self {
            Self::InFrame(event) => event.to_recorded(names.stream(event.stream)?, names),
            Self::InRow { rows, row, .. } => rows.event(*row, names),
        }
    }

    /// The same, where the stream's name is at hand.
    pub(crate) fn to_recorded_of(
        &self,
        stream: &StreamId,
        names: &mut Names,
    ) -> Result<RecordedEvent, Malformed> {
        match self {
            Self::InFrame(event) => event.to_recorded(stream.clone(), names),
            Self::InRow { rows, row, .. } => rows.event(*row, names),
        }
    }
}

/// Reads blocks of one segment, and keeps what it read last, since the next block is often there too.
pub(crate) enum BlockReader<'s, R> {
    Frames(FrameReader<'s, R>),
    Rows(RowReader<'s>),
}

impl<'s, R: FnMut(&Segment, u64, usize) -> Result<Bytes, Failure>> BlockReader<'s, R> {
    /// Reads what ends at or before `bound`: frames with `read`, which gets an offset and a length.
    pub(crate) fn new(segment: &'s Segment, bound: u64, wait: Wait, read: R) -> Self {
        match &segment.part {
            None => Self::Frames(FrameReader::new(segment, bound, read)),
            Some(part) => Self::Rows(RowReader { segment, part: &**part, bound, wait, rows: None }),
        }
    }

    /// The frame or the row at this offset. Where nothing of it has been read yet, about `ahead` bytes of frames are.
    pub(crate) fn at(&mut self, offset: u64, ahead: usize) -> Result<Block, Failure> {
        match self {
            Self::Frames(frames) => frames.at(offset, ahead).map(Block::Frame),
            Self::Rows(rows) => rows.run(offset, 1, offset + FrameOffset::bytes_of_row(1), None),
        }
    }

    /// What begins at this offset: one frame, or rows that end before `until`. Where nothing of it has been read yet, about
    /// `ahead` bytes of frames are, or as many rows as take so much. Where it is known how many events are `enough`, so many
    /// rows are given out without waiting when they are at hand.
    pub(crate) fn run(
        &mut self,
        offset: u64,
        ahead: usize,
        until: u64,
        enough: Option<u64>,
    ) -> Result<Block, Failure> {
        match self {
            Self::Frames(frames) => frames.at(offset, ahead).map(Block::Frame),
            Self::Rows(rows) => rows.run(offset, ahead as u64 / USUAL_ROW_BYTES, until, enough),
        }
    }
}

/// What a short event takes in a segment, about.
const USUAL_ROW_BYTES: u64 = 64;

/// Reads rows of a part.
pub(crate) struct RowReader<'s> {
    segment: &'s Segment,
    part: &'s dyn Part,
    bound: u64,
    wait: Wait,
    /// What was read last.
    rows: Option<Arc<dyn Rows>>,
}

impl RowReader<'_> {
    /// Rows from the one at this offset on, which end before `until`; where they have to be read, about so many.
    fn run(&mut self, offset: u64, about: u64, until: u64, enough: Option<u64>) -> Result<Block, Failure> {
        let row_of = |offset: u64| offset / FrameOffset::bytes_of_row(1);
        let (row, end) = (row_of(offset), row_of(until.min(self.bound)));
        if row >= end {
            return Err(self
                .segment
                .damage(offset, "an event is looked for behind the end of the part")
                .into());
        }
        let about = row.saturating_add(about.max(1)).min(end);
        let rows = match &self.rows {
            Some(rows) if rows.range().contains(&row) => Arc::clone(rows),
            _ => Arc::clone(self.rows.insert(self.part.read(row..about, self.wait)?)),
        };
        let wanted = enough.map_or(about, |enough| row.saturating_add(enough).min(end));
        if self.wait == Wait::Never && rows.range().end < wanted {
            // The rest is not there, and what was made of these would be made again.
            return Err(Failure::WouldWait);
        }
        let range = row..rows.range().end.min(end);
        Ok(Block::Rows(RowBlock { rows, range, start: self.segment.start.get() }))
    }
}
