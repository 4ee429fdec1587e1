use bytes::Bytes;
use eventstore_api::{GlobalPosition, Placement, RecordedEvent, StreamId, Timestamp, Version};
use eventstore_codec::{AppendsReader, DecodeError, EventView, Names};

use crate::{
    damage::Failure,
    format::{FRAME_HEADER_BYTES, FrameFault, FrameHeader, FrameSeed},
    segment::Segment,
};

/// A frame whose checksums are right.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Where it begins in its segment, in bytes.
    pub(crate) offset: u64,
    pub(crate) header: FrameHeader,
    /// Of the header, for the chain.
    pub(crate) checksum: u32,
    /// What it was read with.
    pub(crate) chunk: Chunk,
    body: Bytes,
}

/// What was read at once, and stays in memory as long as any part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Where it begins in its segment, in bytes.
    pub(crate) offset: u64,
    /// How long it is.
    pub(crate) bytes: usize,
}

/// An event of a frame, not yet taken out of it.
pub(crate) struct FrameEvent<'f> {
    pub(crate) stream: &'f str,
    pub(crate) version: Version,
    pub(crate) position: u64,
    pub(crate) event: EventView<'f>,
    recorded_at: Timestamp,
    body: &'f Bytes,
}

impl Frame {
    /// The frame at the front of these bytes, which stand at this offset of a segment.
    ///
    /// # Errors
    ///
    /// `Ok(Err(length))` when the frame is so many bytes long and they are not all here.
    pub(crate) fn parse(
        bytes: &Bytes,
        seed: FrameSeed,
        offset: u64,
    ) -> Result<Result<Self, u64>, FrameFault> {
        let (header, checksum) = FrameHeader::decode(bytes, seed, offset)?;
        let end = FRAME_HEADER_BYTES.saturating_add(usize::try_from(header.body_bytes).unwrap_or(usize::MAX));
        if bytes.len() < end {
            return Ok(Err(header.frame_bytes()));
        }
        let body = bytes.slice(FRAME_HEADER_BYTES..end);
        header.check_body(&body)?;
        let chunk = Chunk { offset, bytes: bytes.len() };
        Ok(Ok(Self { offset, header, checksum, chunk, body }))
    }

    /// The same frame, apart from what was read together with it.
    pub(crate) fn detached(self) -> Self {
        let chunk = Chunk { offset: self.offset, bytes: self.body.len() };
        Self { body: Bytes::copy_from_slice(&self.body), chunk, ..self }
    }

    /// Where the next frame begins, in bytes.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.header.frame_bytes()
    }

    /// The position of the last event; of a frame without events, the position before it.
    pub(crate) fn last_position(&self) -> u64 {
        self.header.first_position + u64::from(self.header.events) - 1
    }

    /// Shows every event, in order.
    ///
    /// # Errors
    ///
    /// What `show` fails with, and a body that is not what its header says.
    pub(crate) fn each_event<'f, E: From<Malformed>>(
        &'f self,
        mut show: impl FnMut(FrameEvent<'f>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.header.events == 0 {
            return Ok(());
        }
        let split = self.header.versions.split(&self.body, self.header.streams);
        let (appends, mut versions) = split.ok_or(Malformed::Counts)?;
        let mut reader = AppendsReader::new(appends).map_err(Malformed::from)?;
        let mut position = self.header.first_position;
        let end = position + u64::from(self.header.events);
        let mut before = None;
        while let Some(stream) = reader.next_stream().map_err(Malformed::from)? {
            let mut version = versions.next().ok_or(Malformed::Counts)?;
            // A stream goes on where it is, and the first version is 1.
            if before.replace(stream.name) == Some(stream.name) || version == Version::NONE {
                return Err(Malformed::Counts.into());
            }
            for _ in 0..stream.events {
                if position == end || version == Version::MAX {
                    return Err(Malformed::Counts.into());
                }
                let event = reader.next_event().map_err(Malformed::from)?;
                show(FrameEvent {
                    stream: stream.name,
                    version,
                    position,
                    event,
                    recorded_at: self.header.recorded_at,
                    body: &self.body,
                })?;
                version = version.next();
                position += 1;
            }
        }
        let complete = position == end && reader.consumed() == appends.len();
        if complete && versions.next().is_none() { Ok(()) } else { Err(Malformed::Counts.into()) }
    }
}

impl FrameEvent<'_> {
    pub(crate) fn to_recorded(
        &self,
        stream: StreamId,
        names: &mut Names,
    ) -> Result<RecordedEvent, Malformed> {
        let placement = Placement {
            stream,
            version: self.version,
            position: GlobalPosition::new(self.position),
            recorded_at: self.recorded_at,
        };
        Ok(self.event.to_recorded(placement, self.body, names)?)
    }
}

/// A body that makes no sense although its checksum is right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the body of the frame does not hold what its header says")]
    Counts,
    #[error("the body of the frame makes no sense: {0}")]
    Body(#[from] DecodeError),
    #[cfg(feature = "parquet")]
    #[error("{0}")]
    Row(String),
}

/// How much is read where nothing is known about the length of a frame: most single events fit.
const GUESS: usize = 1024;

/// Reads frames of one segment, and keeps what it read last, since the next frame is often there too.
pub(crate) struct FrameReader<'s, R> {
    segment: &'s Segment,
    /// Where what can be seen ends, in bytes.
    bound: u64,
    read: R,
    chunk: Bytes,
    chunk_offset: u64,
}

impl<'s, R: FnMut(&Segment, u64, usize) -> Result<Bytes, Failure>> FrameReader<'s, R> {
    /// Reads frames that end at or before `bound`, with `read`, which gets an offset and a length.
    pub(crate) fn new(segment: &'s Segment, bound: u64, read: R) -> Self {
        Self { segment, bound, read, chunk: Bytes::new(), chunk_offset: 0 }
    }

    /// The frame at this offset. Where nothing of it has been read yet, about `ahead` bytes are.
    pub(crate) fn at(&mut self, offset: u64, ahead: usize) -> Result<Frame, Failure> {
        self.try_at(offset, ahead)?.map_err(|fault| self.segment.damage(offset, fault).into())
    }

    /// The frame at this offset, or why there is none.
    pub(crate) fn try_at(&mut self, offset: u64, ahead: usize) -> Result<Result<Frame, FrameFault>, Failure> {
        if self.in_chunk(offset).len() < FRAME_HEADER_BYTES {
            self.fill(offset, ahead.max(GUESS))?;
        }
        let length = match Frame::parse(&self.in_chunk(offset), self.segment.seed, offset) {
            Ok(Ok(frame)) => return Ok(Ok(self.with_chunk(frame))),
            Ok(Err(length)) => usize::try_from(length).unwrap_or(usize::MAX),
            Err(fault) => return Ok(Err(fault)),
        };
        self.fill(offset, ahead.max(length))?;
        let parsed = Frame::parse(&self.in_chunk(offset), self.segment.seed, offset);
        Ok(parsed
            .and_then(|parsed| parsed.map_err(|_| FrameFault::CutOff))
            .map(|frame| self.with_chunk(frame)))
    }

    fn with_chunk(&self, frame: Frame) -> Frame {
        Frame { chunk: Chunk { offset: self.chunk_offset, bytes: self.chunk.len() }, ..frame }
    }

    fn in_chunk(&self, offset: u64) -> Bytes {
        let start = offset.checked_sub(self.chunk_offset).and_then(|start| usize::try_from(start).ok());
        match start {
            Some(start) if start < self.chunk.len() => self.chunk.slice(start..),
            _ => Bytes::new(),
        }
    }

    fn fill(&mut self, offset: u64, length: usize) -> Result<(), Failure> {
        let visible = usize::try_from(self.bound.saturating_sub(offset)).unwrap_or(usize::MAX);
        self.chunk = (self.read)(self.segment, offset, length.min(visible))?;
        self.chunk_offset = offset;
        Ok(())
    }
}
