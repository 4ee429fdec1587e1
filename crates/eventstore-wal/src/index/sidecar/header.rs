use std::fmt;

use eventstore_api::EventId;

use super::SegmentStart;

pub(super) const HEADER_BYTES: usize = 188;
pub(super) const SECTIONS: usize = 9;
pub(super) const FORMAT_VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"es-index";

/// The sections, in their order in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Streams,
    StreamRecords,
    Frames,
    Ids,
    Tags,
    TagFrames,
    Types,
    TypeRecords,
    Positions,
}

impl Section {
    pub(super) const ALL: [Self; SECTIONS] = [
        Self::Streams,
        Self::StreamRecords,
        Self::Frames,
        Self::Ids,
        Self::Tags,
        Self::TagFrames,
        Self::Types,
        Self::TypeRecords,
        Self::Positions,
    ];

    pub(super) const fn number(self) -> u8 {
        self as u8
    }

    /// How many bytes an entry takes, where all take the same.
    pub(super) const fn entry_bytes(self) -> usize {
        match self {
            Self::Streams | Self::Ids | Self::Tags | Self::Types | Self::Positions => 8,
            Self::Frames | Self::TagFrames => 4,
            Self::StreamRecords | Self::TypeRecords => 1,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Streams => "streams",
            Self::StreamRecords => "stream records",
            Self::Frames => "frames",
            Self::Ids => "ids",
            Self::Tags => "tags",
            Self::TagFrames => "frames of tags",
            Self::Types => "types",
            Self::TypeRecords => "type records",
            Self::Positions => "positions",
        })
    }
}

/// What a section's checksum goes on from.
pub(super) fn section_seed(store_id: &[u8; 16], segment: SegmentStart, section: Section) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(store_id);
    hasher.update(&segment.get().to_le_bytes());
    hasher.update(&[section.number()]);
    hasher.finalize()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) store_id: [u8; 16],
    pub(super) segment: SegmentStart,
    pub(super) covers: u64,
    pub(super) last_position: u64,
    pub(super) events: u64,
    pub(super) greatest_id: Option<EventId>,
    pub(super) sections: [SectionEntry; SECTIONS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SectionEntry {
    pub(super) length: u64,
    pub(super) checksum: u32,
}

/// Why these bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    Damaged(&'static str),
    UnknownVersion(u32),
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.store_id);
        for number in [self.segment.get(), self.covers, self.last_position, self.events] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.greatest_id.map_or([0; 16], |id| *id.as_bytes()));
        for section in self.sections {
            bytes.extend_from_slice(&section.length.to_le_bytes());
            bytes.extend_from_slice(&section.checksum.to_le_bytes());
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The header that these bytes begin with, of a file of this length.
    pub(super) fn decode(bytes: &[u8], file_length: u64) -> Result<Self, HeaderFault> {
        use HeaderFault::{Damaged, UnknownVersion};

        let mut fields = Fields(bytes);
        let short = Damaged("it is cut off");
        if fields.take::<8>().ok_or(short)? != MAGIC {
            return Err(Damaged("it does not begin as an index does"));
        }
        let version = u32::from_le_bytes(fields.take().ok_or(short)?);
        let covered = bytes.get(..HEADER_BYTES - 4).ok_or(short)?;
        let checksum = bytes.get(HEADER_BYTES - 4..HEADER_BYTES).ok_or(short)?;
        if crc32fast::hash(covered).to_le_bytes() != checksum {
            // Another version may keep its checksum elsewhere.
            return Err(match version {
                FORMAT_VERSION => Damaged("its checksum does not match"),
                _ => UnknownVersion(version),
            });
        }
        if version != FORMAT_VERSION {
            return Err(UnknownVersion(version));
        }
        let store_id = fields.take().ok_or(short)?;
        let segment = SegmentStart::new(fields.number().ok_or(short)?);
        let [covers, last_position, events] = [fields.number(), fields.number(), fields.number()];
        let greatest_id = fields.take::<16>().ok_or(short)?;
        let mut header = Self {
            store_id,
            segment,
            covers: covers.ok_or(short)?,
            last_position: last_position.ok_or(short)?,
            events: events.ok_or(short)?,
            greatest_id: None,
            sections: [SectionEntry::default(); SECTIONS],
        };
        header.greatest_id = (header.events > 0)
            .then(|| EventId::from_uuid(eventstore_api::reexports::uuid::Uuid::from_bytes(greatest_id)));
        for section in &mut header.sections {
            section.length = fields.number().ok_or(short)?;
            section.checksum = u32::from_le_bytes(fields.take().ok_or(short)?);
        }
        header.check_lengths(file_length).map_err(Damaged)?;
        Ok(header)
    }

    fn check_lengths(&self, file_length: u64) -> Result<(), &'static str> {
        let mut end = HEADER_BYTES as u64;
        for (section, entry) in Section::ALL.into_iter().zip(self.sections) {
            if !entry.length.is_multiple_of(section.entry_bytes() as u64) {
                return Err("a section's length is not that of whole entries");
            }
            end = end.checked_add(entry.length).ok_or("its sections are longer than any file")?;
        }
        match end == file_length {
            true => Ok(()),
            false => Err("the file is not as long as its sections"),
        }
    }

    pub(super) fn section(&self, section: Section) -> SectionEntry {
        self.sections.get(usize::from(section.number())).copied().unwrap_or_default()
    }

    /// Where in the file a section begins.
    pub(super) fn begin(&self, section: Section) -> u64 {
        let before = self.sections.iter().take(usize::from(section.number()));
        HEADER_BYTES as u64 + before.map(|section| section.length).sum::<u64>()
    }
}

struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
