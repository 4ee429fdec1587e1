use crc32fast::Hasher;
use eventstore_api::limits::{MAX_EVENT_TYPE_BYTES, MAX_PAYLOAD_BYTES, MAX_STREAM_ID_BYTES};

use crate::format::{FORMAT_VERSION, StoreId};

/// Records begin at multiples of this, in bytes.
pub(super) const ALIGNMENT: u64 = 8;

pub(super) const FILE_HEADER_BYTES: usize = 64;
pub(super) const RECORD_HEADER_BYTES: usize = 40;

/// Where the records begin.
pub(super) const FIRST_RECORD: u64 = FILE_HEADER_BYTES as u64;

/// The longest body there can be: the longest of everything in a snapshot, and what it takes to say where it ends.
pub(super) const MAX_BODY_BYTES: u64 =
    (MAX_PAYLOAD_BYTES + MAX_STREAM_ID_BYTES + MAX_EVENT_TYPE_BYTES + 256) as u64;

/// What every record begins with.
pub(super) const RECORD_MAGIC: [u8; 2] = *b"ES";

const FILE_MAGIC: [u8; 8] = *b"EVWALSNP";
const FILE_CHECKSUM_AT: usize = FILE_HEADER_BYTES - 4;
const RECORD_CHECKSUM_AT: usize = RECORD_HEADER_BYTES - 4;

/// What the file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) generation: u64,
    /// Everything before this offset was durable before the file got its name, in bytes.
    pub(super) carried_through: u64,
}

/// Why some bytes are not the header of a file of snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileFault {
    /// Not what was written.
    Damaged(&'static str),
    /// What was written, but nothing for this program or this store.
    Refused(String),
}

impl FileHeader {
    pub(super) fn encode(&self, store: StoreId) -> [u8; FILE_HEADER_BYTES] {
        let mut bytes = [0; FILE_HEADER_BYTES];
        put(&mut bytes, 0, FILE_MAGIC);
        put(&mut bytes, 8, FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 16, *store.as_bytes());
        put(&mut bytes, 32, self.generation.to_le_bytes());
        put(&mut bytes, 40, self.carried_through.to_le_bytes());
        let checksum = crc32fast::hash(checked(&bytes, FILE_CHECKSUM_AT));
        put(&mut bytes, FILE_CHECKSUM_AT, checksum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8], store: StoreId) -> Result<Self, FileFault> {
        let Some((header, _)) = bytes.split_first_chunk::<FILE_HEADER_BYTES>() else {
            return Err(FileFault::Damaged("the file ends within its header"));
        };
        if take(header, 0) != FILE_MAGIC {
            return Err(FileFault::Damaged("the file does not begin as one of snapshots does"));
        }
        let checksum = u32::from_le_bytes(take(header, FILE_CHECKSUM_AT));
        if checksum != crc32fast::hash(checked(header, FILE_CHECKSUM_AT)) {
            return Err(FileFault::Damaged("the checksum of the file's header is wrong"));
        }
        // Both are known to be what was written. To go on would be to destroy it.
        let version = u16::from_le_bytes(take(header, 8));
        if version != FORMAT_VERSION {
            return Err(FileFault::Refused(format!(
                "the snapshots are written in format {version}, and this program knows format {FORMAT_VERSION} alone"
            )));
        }
        if StoreId::from_bytes(take(header, 16)) != store {
            return Err(FileFault::Refused("the snapshots belong to another store".to_owned()));
        }
        Ok(Self {
            generation: u64::from_le_bytes(take(header, 32)),
            carried_through: u64::from_le_bytes(take(header, 40)),
        })
    }
}

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordKind {
    /// A snapshot.
    Snapshot,
    /// Nothing: it was put over bytes that were no record, so that they are stepped over. Its body is not checked.
    Gap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) kind: RecordKind,
    /// Without the padding to [`ALIGNMENT`].
    pub(super) body_bytes: u64,
    pub(super) body_checksum: u32,
    pub(super) generation: u64,
    /// Everything in the file before this offset was durable when the record was written, in bytes.
    pub(super) synced_through: u64,
}

/// Why some bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordFault {
    #[error("no record begins there")]
    NoMagic,
    #[error("the file ends within the record")]
    CutOff,
    #[error("the checksum of the record's header is wrong")]
    HeaderChecksum,
    #[error("the record's header makes no sense, although its checksum is right")]
    Nonsense,
    #[error("the record is of another generation of the file")]
    OtherGeneration,
    #[error("the checksum of the record's body is wrong")]
    BodyChecksum,
    #[error("the record holds no snapshot that this program can read, although its checksum is right")]
    Unreadable,
}

/// How many bytes a record takes whose body has so many.
pub(super) const fn record_bytes(body_bytes: u64) -> u64 {
    (RECORD_HEADER_BYTES as u64 + body_bytes).next_multiple_of(ALIGNMENT)
}

impl RecordHeader {
    /// How many bytes the whole record takes.
    pub(super) const fn record_bytes(&self) -> u64 {
        record_bytes(self.body_bytes)
    }

    /// The header as it stands at this offset of the store's file.
    pub(super) fn encode(&self, store: StoreId, offset: u64) -> [u8; RECORD_HEADER_BYTES] {
        let kind = match self.kind {
            RecordKind::Snapshot => 1,
            RecordKind::Gap => 2,
        };
        let mut bytes = [0; RECORD_HEADER_BYTES];
        put(&mut bytes, 0, RECORD_MAGIC);
        put(&mut bytes, 2, [kind]);
        put(&mut bytes, 4, self.body_checksum.to_le_bytes());
        put(&mut bytes, 8, self.body_bytes.to_le_bytes());
        put(&mut bytes, 16, self.generation.to_le_bytes());
        put(&mut bytes, 24, self.synced_through.to_le_bytes());
        let checksum = seeded_checksum(store, offset, checked(&bytes, RECORD_CHECKSUM_AT));
        put(&mut bytes, RECORD_CHECKSUM_AT, checksum.to_le_bytes());
        bytes
    }

    /// The header at the front of these bytes. Nothing of it is believed, and nothing allocated for it, before the checksum
    /// has been found right.
    pub(super) fn decode(bytes: &[u8], store: StoreId, offset: u64) -> Result<Self, RecordFault> {
        if !bytes.starts_with(&RECORD_MAGIC) {
            return Err(RecordFault::NoMagic);
        }
        let Some((header, _)) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>() else {
            return Err(RecordFault::CutOff);
        };
        let checksum = u32::from_le_bytes(take(header, RECORD_CHECKSUM_AT));
        if checksum != seeded_checksum(store, offset, checked(header, RECORD_CHECKSUM_AT)) {
            return Err(RecordFault::HeaderChecksum);
        }
        let kind = match take(header, 2) {
            [1] => RecordKind::Snapshot,
            [2] => RecordKind::Gap,
            _ => return Err(RecordFault::Nonsense),
        };
        let header = Self {
            kind,
            body_checksum: u32::from_le_bytes(take(header, 4)),
            body_bytes: u64::from_le_bytes(take(header, 8)),
            generation: u64::from_le_bytes(take(header, 16)),
            synced_through: u64::from_le_bytes(take(header, 24)),
        };
        let most = match kind {
            RecordKind::Snapshot => MAX_BODY_BYTES,
            // Nothing is allocated for it. No file is longer.
            RecordKind::Gap => i64::MAX.unsigned_abs() - offset.min(i64::MAX.unsigned_abs()),
        };
        let sensible = header.body_bytes <= most && header.synced_through <= offset;
        if sensible { Ok(header) } else { Err(RecordFault::Nonsense) }
    }
}

/// A record of another store, or at another offset, never looks valid, whatever brought it there.
fn seeded_checksum(store: StoreId, offset: u64, checked: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(store.as_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(checked);
    hasher.finalize()
}

fn checked(header: &[u8], checksum_at: usize) -> &[u8] {
    header.get(..checksum_at).unwrap_or_default()
}

fn put<const N: usize>(header: &mut [u8], at: usize, field: [u8; N]) {
    if let Some(place) = header.get_mut(at..at + N) {
        place.copy_from_slice(&field);
    }
}

/// Beyond the end, every field is zero.
fn take<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    header.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}
