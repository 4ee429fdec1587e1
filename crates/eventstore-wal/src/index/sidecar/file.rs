use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    IndexOf, Part, Section, SegmentStart, SidecarError, Wait,
    header::{HEADER_BYTES, Header, HeaderFault, SECTIONS, section_seed},
};
use crate::disk::{Disk, DiskFile, Open, read_up_to};

/// A sidecar's file, of which nothing is handed out before the section that holds it was found whole.
pub(super) struct SidecarFile {
    name: Arc<str>,
    file: Arc<dyn DiskFile>,
    header: Header,
    whole: [AtomicBool; SECTIONS],
    checking: Mutex<()>,
}

/// How much is read at a time where a section is read from one end to the other.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

impl SidecarFile {
    pub(super) fn open(
        disk: &dyn Disk,
        store_id: &[u8; 16],
        segment: SegmentStart,
        of: IndexOf,
        how: Open,
    ) -> Result<Self, SidecarError> {
        let file_name = of.file_name(segment);
        let name: Arc<str> = disk.describe(&file_name).into();
        let failed = |source| SidecarError::Io { file: name.clone(), source };
        let file = disk.open(&file_name, how).map_err(failed)?;
        let length = file.length().map_err(failed)?;
        let mut bytes = [0; HEADER_BYTES];
        let filled = read_up_to(&*file, &mut bytes, 0).map_err(failed)?;
        let header = Header::decode(bytes.get(..filled).unwrap_or_default(), length);
        let header = header.map_err(|fault| match fault {
            HeaderFault::Damaged(detail) => {
                SidecarError::Damaged { file: name.clone(), part: Part::Header, detail }
            }
            HeaderFault::UnknownVersion(version) => {
                SidecarError::UnknownVersion { file: name.clone(), version }
            }
        })?;
        if header.store_id != *store_id {
            return Err(SidecarError::OtherStore { file: name });
        }
        if header.segment != segment {
            return Err(SidecarError::OtherSegment { file: name, segment: header.segment.get() });
        }
        Ok(Self { name, file, header, whole: Default::default(), checking: Mutex::new(()) })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// How long a section is.
    pub(super) fn length(&self, section: Section) -> u64 {
        self.header.section(section).length
    }

    /// How many entries a section holds.
    pub(super) fn count(&self, section: Section) -> u64 {
        self.length(section) / section.entry_bytes() as u64
    }

    /// Fills the buffer with what lies at an offset in a section.
    pub(super) fn read(
        &self,
        section: Section,
        offset: u64,
        buffer: &mut [u8],
        how: Wait,
    ) -> Result<(), SidecarError> {
        self.check_range(section, offset, buffer.len() as u64)?;
        self.check_whole(section, how)?;
        self.fill(section, offset, buffer, how)
    }

    /// Whether a section reaches this far.
    pub(super) fn check_range(&self, section: Section, offset: u64, length: u64) -> Result<(), SidecarError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length(section) => Ok(()),
            _ => Err(self.damaged(Part::Section(section), "an entry beyond its end is named")),
        }
    }

    pub(super) fn damaged(&self, part: Part, detail: &'static str) -> SidecarError {
        SidecarError::Damaged { file: self.name.clone(), part, detail }
    }

    fn failed(&self, source: io::Error) -> SidecarError {
        SidecarError::Io { file: self.name.clone(), source }
    }

    /// Compares a section with its checksum, once.
    fn check_whole(&self, section: Section, how: Wait) -> Result<(), SidecarError> {
        let is_whole = || {
            let whole = self.whole.get(usize::from(section.number()));
            whole.is_none_or(|whole| whole.load(Ordering::Acquire))
        };
        if self.length(section) == 0 || is_whole() {
            return Ok(());
        }
        if how == Wait::Never {
            return Err(self.failed(io::ErrorKind::WouldBlock.into()));
        }
        let _one_at_a_time = self.checking.lock();
        if is_whole() { Ok(()) } else { self.check(section) }
    }

    /// Compares a section with its checksum, whether that was done before or not.
    pub(super) fn check(&self, section: Section) -> Result<(), SidecarError> {
        let length = self.length(section);
        if length == 0 {
            return Ok(());
        }
        let seed = section_seed(&self.header.store_id, self.header.segment, section);
        let mut hasher = crc32fast::Hasher::new_with_initial(seed);
        let mut chunk = vec![0; at_most(length, CHUNK_BYTES)];
        let mut offset = 0;
        while offset < length {
            chunk.truncate(at_most(length - offset, CHUNK_BYTES));
            self.fill(section, offset, &mut chunk, Wait::Allowed)?;
            hasher.update(&chunk);
            offset += chunk.len() as u64;
        }
        if hasher.finalize() != self.header.section(section).checksum {
            return Err(self.damaged(Part::Section(section), "its checksum does not match"));
        }
        if let Some(whole) = self.whole.get(usize::from(section.number())) {
            whole.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn fill(&self, section: Section, offset: u64, buffer: &mut [u8], how: Wait) -> Result<(), SidecarError> {
        let offset = self.header.begin(section) + offset;
        let filled = match how {
            Wait::Allowed => read_up_to(&*self.file, buffer, offset),
            Wait::Never => read_up_to_if_cached(&*self.file, buffer, offset),
        };
        match filled.map_err(|error| self.failed(error))? {
            filled if filled == buffer.len() => Ok(()),
            _ => Err(self.damaged(Part::Section(section), "it is cut off")),
        }
    }
}

/// As [`read_up_to`], without waiting.
fn read_up_to_if_cached(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at_if_cached(rest, offset + filled as u64)? {
            None => return Err(io::ErrorKind::WouldBlock.into()),
            Some(0) => break,
            Some(read) => filled += read,
        }
    }
    Ok(filled)
}

/// The smaller of the two.
pub(super) fn at_most(length: u64, most: usize) -> usize {
    usize::try_from(length).map_or(most, |length| length.min(most))
}
