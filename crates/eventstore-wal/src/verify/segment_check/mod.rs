mod claims_met;
mod frame_check;
mod index_check;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use eventstore_api::Timestamp;
use eventstore_codec::Names;

use super::{
    TornEnd, Verification,
    claims::Claim,
    index_file::IndexFile,
    next_frame::next_frame,
    unreadable::{AsFarAsReadable, damage_of},
    witness::Witness,
};
use crate::{
    damage::Failure,
    disk::Open,
    format::{FRAME_HEADER_BYTES, FrameFault, FrameHeader, FrameKind, SEGMENT_HEADER_BYTES},
    frames::{Frame, FrameReader},
    index::{ActiveIndex, IndexOf, SegmentStart, Wait},
    log::recovery::{
        read_segment_header,
        scan::{Rest, look_behind},
        sealed::Link,
    },
    segment::Segment,
};

/// How much is read at once, in bytes.
const AT_ONCE: usize = 1 << 20;

/// Going through one segment.
struct SegmentCheck<'v, W> {
    all: &'v mut Verification<W>,
    segment: Arc<Segment>,
    /// What the segment is read through.
    file: Arc<AsFarAsReadable>,
    index: Arc<ActiveIndex>,
    index_file: Option<IndexFile>,
    names: Names,
    is_last: bool,
    /// Where the next frame is expected, in bytes.
    offset: u64,
    /// The checksum of the header before it, if that is known.
    checksum: Option<u32>,
    /// The position of the last event before it.
    head: u64,
    recorded_at: Timestamp,
    /// Where frames end, from the last one on that is known to be durable.
    ends: VecDeque<u64>,
    /// Whether every frame so far was whole, and in its place.
    is_whole: bool,
    claims: Vec<Claim>,
}

impl<W: Witness> Verification<W> {
    /// Goes through a segment, and tells what the next one has to be linked to, if that can be known.
    pub(super) fn check_segment(
        &mut self,
        start: SegmentStart,
        is_last: bool,
    ) -> Result<Option<Link>, Failure> {
        let name = start.file_name();
        let described = self.disk.describe(&name);
        let file =
            self.disk.open(&name, Open::Read).map_err(Failure::io(|| format!("cannot open {described}")))?;
        let file = Arc::new(AsFarAsReadable::new(file));
        let index = Arc::new(ActiveIndex::new(self.store.as_bytes(), start));
        let placeholder = Arc::new(ActiveIndex::new(self.store.as_bytes(), start));
        let read = Arc::<AsFarAsReadable>::clone(&file);
        let segment = Segment::new(self.store, start, read, described, placeholder);
        let index_file = IndexFile::read(&*self.disk, self.store, (start, IndexOf::Segment));
        if let Some(file) = &index_file {
            self.report.bytes += file.bytes();
        }
        let claims = self.claims.iter().filter(|claim| claim.segment == start).cloned().collect();
        let checksum = self.check_header(&segment);
        if start.get() > self.head + 1 {
            self.streams.gap();
            self.lose_through(&segment.described, start.get() - 1);
        }
        let mut check = SegmentCheck {
            recorded_at: self.recorded_at,
            all: self,
            segment: Arc::new(segment),
            file,
            index,
            index_file,
            names: Names::new(),
            is_last,
            offset: SEGMENT_HEADER_BYTES as u64,
            is_whole: checksum.is_some(),
            checksum,
            head: start.get() - 1,
            ends: VecDeque::from([SEGMENT_HEADER_BYTES as u64]),
            claims,
        };
        let link = check.run();
        let SegmentCheck { head, recorded_at, segment, file, .. } = check;
        self.head = self.head.max(head);
        self.recorded_at = recorded_at;
        self.report.damages.extend(file.damages(&segment.described));
        link
    }

    /// The checksum of the segment header, if it is whole.
    fn check_header(&mut self, segment: &Segment) -> Option<u32> {
        let (header, checksum) = match read_segment_header(segment, self.store) {
            Ok(found) => found,
            Err(failure) => {
                self.report.damages.push(damage_of(segment.described.clone(), 0, failure));
                return None;
            }
        };
        let follows = match self.link {
            // The first one, or one behind another that could not be read to its end, or that does not say how it ended.
            None => {
                self.report.segments > 0
                    || (self.report.parts > 0 && !self.has_manifest)
                    || (header.previous.is_none() && header.previous_checksum == 0)
            }
            Some(link) => {
                header.previous == Some(link.start)
                    && header.previous_checksum == link.checksum
                    && segment.start.get() == link.last_position + 1
            }
        };
        if !follows {
            let detail = "the segment does not follow the one before it; one may be missing";
            self.report.damages.push(segment.damage(0, detail));
        }
        Some(checksum)
    }
}

impl<W: Witness> SegmentCheck<'_, W> {
    fn run(&mut self) -> Result<Option<Link>, Failure> {
        let link = self.frames()?;
        self.all.report.bytes += self.offset;
        self.check_index_file();
        if self.is_whole {
            self.check_claims();
        }
        Ok(link)
    }

    /// Goes through all frames; what stands behind them in a sealed segment, and what the next one is linked to.
    fn frames(&mut self) -> Result<Option<Link>, Failure> {
        loop {
            let length = self.length()?;
            let found = self.frames_until_fault(length)?;
            let fault = match found {
                Ok(seal) => return Ok(Some(self.check_seal(&seal, length))),
                Err(fault) => fault,
            };
            if !self.is_last {
                self.damage(format!("{fault}, but there is a segment behind this one"));
            } else {
                self.all.read_synced_again();
                let rest = look_behind(&self.segment, self.offset, self.length()?)?;
                // A writer may have gone on. It writes before it says so: what was said by now can be read by now.
                if self.is_followed()? {
                    continue;
                }
                if self.is_the_end(fault, &rest) {
                    return Ok(None);
                }
            }
            if !self.pass_over(fault)? {
                return Ok(None);
            }
        }
    }

    /// Goes through frames as long as each follows the one before: up to the one that seals the segment, or to a fault.
    fn frames_until_fault(&mut self, length: u64) -> Result<Result<Frame, FrameFault>, Failure> {
        let segment = Arc::clone(&self.segment);
        let mut reader = FrameReader::new(&segment, length, read);
        loop {
            self.compare_index(None);
            let frame = match reader.try_at(self.offset, AT_ONCE)? {
                Ok(frame) => frame,
                Err(fault) => return Ok(Err(fault)),
            };
            let follows = self.checksum.is_none_or(|checksum| {
                frame.header.previous_checksum == checksum && frame.header.first_position == self.head + 1
            });
            if !follows {
                return Ok(Err(FrameFault::OutOfLine));
            }
            self.check_padding(&frame)?;
            self.take(&frame);
            if frame.header.kind == FrameKind::Seal {
                return Ok(Ok(frame));
            }
        }
    }

    /// The frame that seals the segment has to be its end.
    fn check_seal(&mut self, seal: &Frame, length: u64) -> Link {
        self.compare_index(Some(seal.offset));
        // The last one may be about to be cut off there.
        if length != seal.end() && !self.is_last {
            let detail = format!("the segment is sealed here, but its file goes on to byte {length}");
            self.damage(detail);
        }
        self.offset = seal.end();
        Link { start: self.segment.start, checksum: seal.checksum, last_position: self.head }
    }

    /// Whether there is a whole frame by now where there was none.
    fn is_followed(&self) -> Result<bool, Failure> {
        let mut reader = FrameReader::new(&self.segment, self.length()?, read);
        let found = reader.try_at(self.offset, 0)?;
        Ok(found.is_ok_and(|frame| {
            self.checksum.is_none_or(|checksum| {
                frame.header.previous_checksum == checksum && frame.header.first_position == self.head + 1
            })
        }))
    }

    /// Whether the log ends here: with nothing, or with an append of which nothing says that it had been durable.
    fn is_the_end(&mut self, fault: FrameFault, rest: &Rest) -> bool {
        if self.file.lacks_behind(self.offset) {
            self.damage(format!("{fault}, and not all that is behind can be read"));
            return false;
        }
        let claimed = self.all.claims.iter().filter(|claim| claim.segment == self.segment.start);
        let durable_through = claimed.map(|claim| claim.offset).max().unwrap_or(0).max(rest.synced);
        if durable_through > self.offset {
            self.damage(format!("{fault}, but the log had been durable through byte {durable_through}"));
            return false;
        }
        if rest.end > self.offset {
            self.all.report.torn_tail = Some(TornEnd {
                file: self.segment.described.clone(),
                offset: self.offset,
                bytes: rest.end - self.offset,
                detail: fault.to_string(),
            });
        }
        true
    }

    /// Finds the next frame behind a damaged one; false where there is none.
    fn pass_over(&mut self, fault: FrameFault) -> Result<bool, Failure> {
        self.checksum = None;
        let length = self.length()?;
        let from = match fault {
            // It is whole by itself, and nothing is to be expected of it any more.
            FrameFault::OutOfLine => return Ok(true),
            FrameFault::BodyChecksum => {
                let header = self.segment.read(self.offset, FRAME_HEADER_BYTES, Wait::Allowed)?;
                match FrameHeader::decode(&header, self.segment.seed, self.offset) {
                    Ok((header, _)) => self.offset + header.frame_bytes(),
                    Err(_) => self.offset + 8,
                }
            }
            _ => self.offset + 8,
        };
        match next_frame(&self.segment, from, length)? {
            Some(found) => {
                self.offset = found;
                Ok(true)
            }
            None => {
                self.offset = length;
                Ok(false)
            }
        }
    }

    /// Events are missing here.
    fn gap(&mut self) {
        self.all.streams.gap();
        self.forget_index();
    }

    /// An index takes only versions without a hole.
    fn forget_index(&mut self) {
        self.is_whole = false;
        self.index = Arc::new(ActiveIndex::new(self.all.store.as_bytes(), self.segment.start));
    }

    fn damage(&mut self, detail: impl ToString) {
        self.is_whole = false;
        self.all.report.damages.push(self.segment.damage(self.offset, detail));
    }

    fn length(&self) -> Result<u64, Failure> {
        let length = self.segment.file().length();
        length.map_err(Failure::io(|| format!("cannot read {}", self.segment.described)))
    }
}

fn read(segment: &Segment, offset: u64, length: usize) -> Result<Bytes, Failure> {
    segment.read(offset, length, Wait::Allowed)
}
