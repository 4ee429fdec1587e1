use super::{Evidence, Opening, ScanEnd, TornTail, layout::TORN, scan::look_behind};
use crate::{
    damage::Failure,
    disk::{fill_with_zeros, replace, write_all},
    format::FRAME_HEADER_BYTES,
    index::Wait,
    segment::Segment,
};

/// How much is copied at once, in bytes.
const AT_ONCE: u64 = 1 << 20;

impl Opening {
    /// Decides what stands behind the last whole frame, and makes what stands before it durable.
    ///
    /// It is the end of an append that was interrupted only if nothing says that it had been durable: no frame behind it,
    /// no clean close, no word to other processes. Else it is damage, and nothing is touched.
    pub(super) fn settle_tail(
        &mut self,
        segment: &Segment,
        end: &ScanEnd,
        length: u64,
        evidence: Evidence,
    ) -> Result<(), Failure> {
        let mut proven = end.synced;
        if let Some(fault) = end.fault {
            let rest = look_behind(segment, end.offset, length)?;
            let durable_through = self.durable_through(segment, evidence).max(rest.synced);
            if durable_through > end.offset && !self.trusts_nothing() {
                let detail = format!("{fault}, but the log had been durable through byte {durable_through}");
                return Err(segment.damage(end.offset, detail).into());
            }
            if rest.end > end.offset {
                self.put_in_quarantine(segment, end.offset, rest.end, fault.to_string())?;
            }
        }
        proven = proven.max(self.durable_through(segment, evidence)).min(end.offset);
        let through = match end.fault {
            Some(_) => end.offset,
            None => self.cut_behind_seal(segment, end.offset, length)?,
        };
        self.rewrite(segment, proven, through)
    }

    /// Where a sealed segment ends is how its seal is found: the crash may have come before the file was cut off there.
    fn cut_behind_seal(&self, segment: &Segment, seal: u64, length: u64) -> Result<u64, Failure> {
        let end = seal + FRAME_HEADER_BYTES as u64;
        if end < length {
            segment
                .file()
                .set_len(end)
                .map_err(Failure::io(|| format!("cannot cut off {}", segment.described)))?;
        }
        Ok(end)
    }

    /// How far the segment had been durable, by what stands elsewhere, in bytes.
    fn durable_through(&self, segment: &Segment, evidence: Evidence) -> u64 {
        let closed = evidence.closed.filter(|it| it.segment == segment.start).map_or(0, |it| it.offset);
        let synced = evidence.synced.filter(|it| it.segment == segment.start).map_or(0, |it| it.offset);
        closed.max(synced)
    }

    /// Moves bytes that belong to no whole frame to a file of their own, and puts zeros in their place.
    fn put_in_quarantine(
        &mut self,
        segment: &Segment,
        from: u64,
        to: u64,
        detail: String,
    ) -> Result<(), Failure> {
        let length = usize::try_from(to - from).unwrap_or(usize::MAX);
        let bytes = segment.read(from, length, Wait::Allowed)?;
        let name = format!("{}.{from}{TORN}", segment.start.file_name());
        let quarantine = self.disk.describe(&name);
        let move_there = || {
            replace(&*self.disk, &name, &bytes)?;
            fill_with_zeros(&*segment.file(), from, to)?;
            segment.file().sync_all()
        };
        move_there().map_err(Failure::io(|| format!("cannot move the torn end of {}", segment.described)))?;
        tracing::warn!(
            segment = %segment.described, offset = from, bytes = to - from, %quarantine, %detail,
            "an append had been interrupted; what there was of it is cut off",
        );
        let file = segment.described.clone();
        self.report.torn_tail = Some(TornTail { file, offset: from, bytes: to - from, quarantine, detail });
        Ok(())
    }

    /// Writes what is not known to be durable once more, and syncs it. Reading it proves nothing: after a sync has failed,
    /// a system may show what it has given up writing.
    fn rewrite(&mut self, segment: &Segment, from: u64, to: u64) -> Result<(), Failure> {
        let mut offset = from;
        while offset < to {
            let length = usize::try_from((to - offset).min(AT_ONCE)).unwrap_or(usize::MAX);
            let bytes = segment.read(offset, length, Wait::Allowed)?;
            if bytes.is_empty() {
                return Err(segment.damage(offset, "the file has become shorter while it was read").into());
            }
            write_all(&*segment.file(), &bytes, offset)
                .map_err(Failure::io(|| format!("cannot write to {}", segment.described)))?;
            offset += bytes.len() as u64;
        }
        self.report.bytes_rewritten += to.saturating_sub(from);
        // Also when nothing was written: the end of the file may not be durable.
        segment.file().sync_all().map_err(Failure::io(|| format!("cannot sync {}", segment.described)))
    }

    fn trusts_nothing(&self) -> bool {
        #[cfg(feature = "torture")]
        return self.options.bug == Some(crate::log::SeededBug::TruncateAtBadChecksum);
        #[cfg(not(feature = "torture"))]
        false
    }

    /// A bug, for the crash tests to find: a frame whose body is wrong is passed over by its length, and the log goes
    /// on behind it.
    #[cfg(feature = "torture")]
    pub(super) fn trust_the_length(
        &self,
        segment: &Segment,
        end: ScanEnd,
        length: u64,
    ) -> Result<ScanEnd, Failure> {
        use crate::format::{FrameFault, FrameHeader};

        if self.options.bug != Some(crate::log::SeededBug::TrustTheLength)
            || end.fault != Some(FrameFault::BodyChecksum)
        {
            return Ok(end);
        }
        let bytes = segment.read(end.offset, FRAME_HEADER_BYTES, Wait::Allowed)?;
        let Ok((header, checksum)) = FrameHeader::decode(&bytes, segment.seed, end.offset) else {
            return Ok(end);
        };
        let offset = (end.offset + header.frame_bytes()).min(length);
        let head = end.head + u64::from(header.events);
        Ok(ScanEnd { offset, head, checksum, fault: Some(FrameFault::Empty), ..end })
    }
}
