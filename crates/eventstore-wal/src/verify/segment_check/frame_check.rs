//! A frame, held against everything that was found before it.

use super::{SegmentCheck, read};
use crate::{
    catalog::{Before, NotTakenUp, TakenUp},
    damage::Failure,
    format::{FRAME_HEADER_BYTES, FrameHeader, FrameKind},
    frames::Frame,
    index::Previous,
    verify::witness::Witness,
};

impl<W: Witness> SegmentCheck<'_, W> {
    /// Checks a frame that is in its place, or of which nobody knows where its place is.
    pub(super) fn take(&mut self, frame: &Frame) {
        let header = &frame.header;
        if header.first_position != self.head + 1 {
            self.gap();
            if header.first_position > self.head + 1 {
                let positions = self.head + 1..=header.first_position - 1;
                self.all.report.lose(&self.segment.described, self.offset, positions);
            }
            if header.first_position <= self.head {
                let detail = format!("the frame begins with position {} again", header.first_position);
                self.damage(detail);
            }
        }
        if header.recorded_at < self.recorded_at {
            self.damage("the time of the frame lies before that of an earlier one");
        }
        self.check_watermark(header);
        if header.kind == FrameKind::Append {
            if header.events > 0 {
                self.take_events(frame);
            }
            // Other frames have the time of the last append; where there is none yet, it means nothing.
            self.recorded_at = self.recorded_at.max(header.recorded_at);
        }
        self.checksum = Some(frame.checksum);
        self.head = frame.last_position();
        if header.kind == FrameKind::Seal {
            return;
        }
        self.offset = frame.end();
        self.ends.push_back(self.offset);
        self.meet_claims();
        self.all.progress(header.frame_bytes());
    }

    /// Frames are made up to a multiple of 8 bytes with zeros, which no checksum covers.
    pub(super) fn check_padding(&mut self, frame: &Frame) -> Result<(), Failure> {
        let body_end = frame.offset + FRAME_HEADER_BYTES as u64 + u64::from(frame.header.body_bytes);
        let padding = usize::try_from(frame.end() - body_end).unwrap_or(0);
        if padding > 0 && read(&self.segment, body_end, padding)?.iter().any(|byte| *byte != 0) {
            self.damage("there is something behind the frame that belongs to none");
        }
        Ok(())
    }

    fn check_watermark(&mut self, header: &FrameHeader) {
        let watermark = header.synced_through;
        if header.kind != FrameKind::Append && watermark != self.offset {
            self.damage(format!(
                "the frame says that the log is durable through byte {watermark}, and not up to itself"
            ));
            return;
        }
        while self.ends.front().is_some_and(|end| *end < watermark) {
            self.ends.pop_front();
        }
        if self.is_whole && self.ends.front() != Some(&watermark) {
            self.damage(format!(
                "the frame says that the log was durable through byte {watermark}, where no frame ends"
            ));
        }
    }

    fn take_events(&mut self, frame: &Frame) {
        let (start, streams) = (self.segment.start, &self.all.streams);
        let mut taken = TakenUp::of(frame, &mut self.names, |stream| streams.before(stream));
        if let Err(wrong @ NotTakenUp::VersionHole { .. }) = &taken {
            // Said once: what follows is held against what was found.
            self.damage(wrong);
            self.forget_index();
            let unknown = |_: &str| Before { version: None, previous: Previous::Unknown };
            taken = TakenUp::of(frame, &mut self.names, unknown);
        }
        let taken = match taken {
            Ok(taken) => taken,
            Err(wrong) => {
                self.damage(wrong);
                let positions = frame.header.first_position..=frame.last_position();
                self.all.report.lose(&self.segment.described, self.offset, positions);
                self.gap();
                return;
            }
        };
        self.all.report.events += u64::from(frame.header.events);
        self.all.witness.frame(frame);
        for (stream, version) in taken.ends() {
            self.all.streams.set(stream.clone(), version, start);
        }
        self.all.indexing.note(&self.index, taken);
    }
}
