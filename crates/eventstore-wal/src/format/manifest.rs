use eventstore_api::Timestamp;

use super::{FORMAT_VERSION, StoreId, fields::Fields};
use crate::index::SegmentStart;

pub(crate) const MANIFEST_NAME: &str = "MANIFEST";

const MAGIC: [u8; 8] = *b"EVWALMAN";
/// Of a manifest without parts, its checksum left out.
const FIXED_BYTES: usize = 60;
const PART_BYTES: usize = 48;
const CHECKSUM_BYTES: usize = 4;

/// What makes a directory a store: written when it is created, and replaced when it is opened, when it is closed, and when
/// a part takes the place of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) store: StoreId,
    /// Where the log ended when the store was last closed in good order. After an opener that never closed, it is still
    /// true that everything up to there is durable.
    pub(crate) closed: Option<CleanClose>,
    /// Whether the store was opened for writing since.
    pub(crate) open: bool,
    /// The parts in the place of segments, in their order: the beginning of the log.
    pub(crate) parts: Vec<PartEntry>,
}

/// A part that has taken the place of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartEntry {
    /// The position of its first event, as of the segment's.
    pub(crate) start: SegmentStart,
    /// The position of its last event.
    pub(crate) last_position: u64,
    /// The latest time of an event up to its last: no later event has an earlier one.
    pub(crate) recorded_at: Timestamp,
    /// How long its file is.
    pub(crate) file_bytes: u64,
    /// Of all bytes of its file.
    pub(crate) file_checksum: u32,
    /// Of all its events, with everything that is known of them.
    pub(crate) events_checksum: u32,
    /// Of the header of the frame that sealed the segment, which the next segment names.
    pub(crate) seal_checksum: u32,
}

impl PartEntry {
    /// How many events it holds.
    pub(crate) fn events(&self) -> u64 {
        (self.last_position + 1).saturating_sub(self.start.get())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CleanClose {
    pub(crate) segment: SegmentStart,
    /// Where the next frame will stand, in bytes.
    pub(crate) offset: u64,
    /// The position of the last event.
    pub(crate) head: u64,
}

impl Manifest {
    /// Of a store without parts.
    pub(crate) fn new(store: StoreId, closed: Option<CleanClose>, open: bool) -> Self {
        Self { store, closed, open, parts: Vec::new() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_BYTES + self.parts.len() * PART_BYTES + CHECKSUM_BYTES);
        // Each stands for a segment that was there once: there are never so many.
        let parts = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT_VERSION.to_le_bytes());
        bytes.extend([u8::from(self.open), 0]);
        bytes.extend(parts.to_le_bytes());
        bytes.extend(self.store.as_bytes());
        let closed = self.closed.unwrap_or(CleanClose { segment: SegmentStart::new(0), offset: 0, head: 0 });
        bytes.extend(closed.segment.get().to_le_bytes());
        bytes.extend(closed.offset.to_le_bytes());
        bytes.extend(closed.head.to_le_bytes());
        bytes.resize(FIXED_BYTES, 0);
        for part in &self.parts {
            bytes.extend(part.start.get().to_le_bytes());
            bytes.extend(part.last_position.to_le_bytes());
            bytes.extend(part.recorded_at.as_micros().to_le_bytes());
            bytes.extend(part.file_bytes.to_le_bytes());
            bytes.extend(part.events_checksum.to_le_bytes());
            bytes.extend(part.seal_checksum.to_le_bytes());
            bytes.extend(part.file_checksum.to_le_bytes());
            bytes.extend([0; 4]);
        }
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let length = bytes.len();
        let Some((checked, checksum)) = length
            .checked_sub(CHECKSUM_BYTES)
            .filter(|checked| *checked >= FIXED_BYTES)
            .and_then(|checked| bytes.split_at_checked(checked))
        else {
            return Err(format!("it is {length} bytes long, and no manifest is so short"));
        };
        let mut fields = Fields(checked);
        if fields.bytes() != MAGIC {
            return Err("it does not begin as a manifest does".to_owned());
        }
        let version = fields.u16();
        if crc32fast::hash(checked) != Fields(checksum).u32() {
            return Err("its checksum is wrong".to_owned());
        }
        if version != FORMAT_VERSION {
            return Err(format!(
                "it is written in format {version}, and this program knows format {FORMAT_VERSION} alone"
            ));
        }
        let open = fields.u8() != 0;
        let _reserved = fields.u8();
        let parts = fields.u32() as usize;
        let store = StoreId::from_bytes(fields.bytes());
        let closed =
            CleanClose { segment: SegmentStart::new(fields.u64()), offset: fields.u64(), head: fields.u64() };
        let _reserved: [u8; 4] = fields.bytes();
        if parts.checked_mul(PART_BYTES).and_then(|parts| parts.checked_add(FIXED_BYTES))
            != Some(checked.len())
        {
            return Err(format!("it is {length} bytes long, which is not what {parts} parts take"));
        }
        let parts: Vec<PartEntry> = (0..parts)
            .map(|_| {
                let part = PartEntry {
                    start: SegmentStart::new(fields.u64()),
                    last_position: fields.u64(),
                    recorded_at: Timestamp::from_micros(fields.i64()),
                    file_bytes: fields.u64(),
                    events_checksum: fields.u32(),
                    seal_checksum: fields.u32(),
                    file_checksum: fields.u32(),
                };
                let _reserved = fields.u32();
                part
            })
            .collect();
        check_order(&parts)?;
        Ok(Self { store, open, parts, closed: Some(closed).filter(|closed| closed.segment.get() > 0) })
    }
}

/// That each part begins where the one before it ends, and the first with the first event of all.
fn check_order(parts: &[PartEntry]) -> Result<(), String> {
    let mut next = 1;
    for PartEntry { start, last_position, .. } in parts {
        // A segment holds fewer than 2^32 events, as each takes more than the 8 bytes in which offsets count.
        let is_next = start.get() == next
            && *last_position >= next
            && last_position - next < u64::from(u32::MAX)
            && *last_position < u64::MAX;
        if !is_next {
            return Err(format!("its parts do not follow one another at position {next}"));
        }
        next = last_position + 1;
    }
    Ok(())
}
