use crc32fast::Hasher;
use eventstore_api::Timestamp;

use super::{StoreId, VersionWidth, fields::Fields};
use crate::index::SegmentStart;

/// Frames begin at multiples of this, in bytes.
const ALIGNMENT: u64 = 8;

pub(crate) const FRAME_HEADER_BYTES: usize = 48;

/// The longest body there can be: a batch of the greatest size, and what it takes to say where its parts begin.
const MAX_BODY_BYTES: u32 = 128 << 20;

const MAGIC: u16 = u16::from_le_bytes(*b"EF");
const CHECKSUM_AT: usize = FRAME_HEADER_BYTES - 4;

/// How many bytes a frame takes whose body has so many.
pub(crate) const fn frame_bytes(body_bytes: u32) -> u64 {
    (FRAME_HEADER_BYTES as u64 + body_bytes as u64).next_multiple_of(ALIGNMENT)
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// One append, with all its events.
    Append,
    /// Nothing but the word that everything before it is durable. Written when the log falls idle and when it is closed.
    Mark,
    /// The end of a segment that is written no more.
    Seal,
}

impl FrameKind {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Append => 1,
            Self::Mark => 2,
            Self::Seal => 3,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Append),
            2 => Some(Self::Mark),
            3 => Some(Self::Seal),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: FrameKind,
    /// Without the padding to [`ALIGNMENT`].
    pub(crate) body_bytes: u32,
    /// Of the first event; where there is none, the position that the next event will have.
    pub(crate) first_position: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) events: u32,
    pub(crate) streams: u32,
    /// How wide the versions at the end of the body are.
    pub(crate) versions: VersionWidth,
    /// Everything in the segment before this offset was durable when the frame was written, in bytes.
    pub(crate) synced_through: u64,
    /// The checksum of the header of the frame before this one; in the first frame, that of the segment header.
    pub(crate) previous_checksum: u32,
    pub(crate) body_checksum: u32,
}

/// Why some bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameFault {
    /// What a segment holds where nothing has been written yet.
    #[error("nothing is written there")]
    Empty,
    #[error("the file ends within the frame")]
    CutOff,
    #[error("no frame begins there")]
    NoMagic,
    #[error("the checksum of the frame's header is wrong")]
    HeaderChecksum,
    #[error("the frame's header makes no sense, although its checksum is right")]
    Nonsense,
    #[error("the frame does not follow the one before it")]
    OutOfLine,
    #[error("the checksum of the frame's body is wrong")]
    BodyChecksum,
}

/// What the header checksums of a segment begin with: the store and the segment. A frame of another store, of another
/// segment or of another offset never looks valid, whatever brought it here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameSeed(u32);

impl FrameSeed {
    pub(crate) fn new(store: StoreId, segment: SegmentStart) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(store.as_bytes());
        hasher.update(&segment.get().to_le_bytes());
        Self(hasher.finalize())
    }

    fn checksum(self, offset: u64, checked: &[u8]) -> u32 {
        let mut hasher = Hasher::new_with_initial(self.0);
        hasher.update(&offset.to_le_bytes());
        hasher.update(checked);
        hasher.finalize()
    }
}

impl FrameHeader {
    /// How many bytes the whole frame takes.
    pub(crate) const fn frame_bytes(&self) -> u64 {
        frame_bytes(self.body_bytes)
    }

    /// The header as it stands at this offset of the segment, and its checksum.
    pub(crate) fn encode(&self, seed: FrameSeed, offset: u64) -> ([u8; FRAME_HEADER_BYTES], u32) {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, &MAGIC.to_le_bytes());
        put(&mut rest, &[self.kind.to_byte(), self.versions.to_byte()]);
        put(&mut rest, &self.body_bytes.to_le_bytes());
        put(&mut rest, &self.first_position.to_le_bytes());
        put(&mut rest, &self.recorded_at.as_micros().to_le_bytes());
        put(&mut rest, &self.events.to_le_bytes());
        put(&mut rest, &self.streams.to_le_bytes());
        put(&mut rest, &in_alignments(self.synced_through).to_le_bytes());
        put(&mut rest, &self.previous_checksum.to_le_bytes());
        put(&mut rest, &self.body_checksum.to_le_bytes());
        let (checked, _) = bytes.split_at(CHECKSUM_AT);
        let checksum = seed.checksum(offset, checked);
        put(&mut bytes.split_at_mut(CHECKSUM_AT).1, &checksum.to_le_bytes());
        (bytes, checksum)
    }

    /// The header that stands at the front of these bytes, and its checksum. Nothing of it is believed, and nothing
    /// allocated for it, before the checksum has been found right.
    pub(crate) fn decode(bytes: &[u8], seed: FrameSeed, offset: u64) -> Result<(Self, u32), FrameFault> {
        let Some((header, _)) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>() else {
            let empty = bytes.iter().all(|byte| *byte == 0);
            return Err(if empty { FrameFault::Empty } else { FrameFault::CutOff });
        };
        let mut fields = Fields(header);
        match fields.u16() {
            MAGIC => {}
            0 if header.iter().all(|byte| *byte == 0) => return Err(FrameFault::Empty),
            _ => return Err(FrameFault::NoMagic),
        }
        let (checked, checksum) = header.split_at(CHECKSUM_AT);
        let checksum = Fields(checksum).u32();
        if checksum != seed.checksum(offset, checked) {
            return Err(FrameFault::HeaderChecksum);
        }
        let kind = FrameKind::from_byte(fields.u8()).ok_or(FrameFault::Nonsense)?;
        let versions = VersionWidth::from_byte(fields.u8()).ok_or(FrameFault::Nonsense)?;
        let header = Self {
            kind,
            versions,
            body_bytes: fields.u32(),
            first_position: fields.u64(),
            recorded_at: Timestamp::from_micros(fields.i64()),
            events: fields.u32(),
            streams: fields.u32(),
            synced_through: u64::from(fields.u32()) * ALIGNMENT,
            previous_checksum: fields.u32(),
            body_checksum: fields.u32(),
        };
        let sensible = header.body_bytes <= MAX_BODY_BYTES
            && header.synced_through <= offset
            && header.first_position > 0
            && (header.kind == FrameKind::Append) == (header.events > 0)
            && (header.kind == FrameKind::Append) == (header.streams > 0)
            && header.first_position.checked_add(u64::from(header.events)).is_some();
        if sensible { Ok((header, checksum)) } else { Err(FrameFault::Nonsense) }
    }

    /// Whether this is the body that the header was written with.
    pub(crate) fn check_body(&self, body: &[u8]) -> Result<(), FrameFault> {
        if crc32fast::hash(body) == self.body_checksum { Ok(()) } else { Err(FrameFault::BodyChecksum) }
    }
}

/// A segment is never so long that this would cut off: see `MAX_SEGMENT_BYTES`.
fn in_alignments(offset: u64) -> u32 {
    u32::try_from(offset / ALIGNMENT).unwrap_or(0)
}

fn put(rest: &mut &mut [u8], field: &[u8]) {
    if let Some((place, after)) = std::mem::take(rest).split_at_mut_checked(field.len()) {
        place.copy_from_slice(field);
        *rest = after;
    }
}
