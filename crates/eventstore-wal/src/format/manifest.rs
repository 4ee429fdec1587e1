use super::{FORMAT_VERSION, StoreId, fields::Fields};
use crate::index::SegmentStart;

pub(crate) const MANIFEST_NAME: &str = "MANIFEST";

const MAGIC: [u8; 8] = *b"EVWALMAN";
const MANIFEST_BYTES: usize = 64;
const CHECKSUM_AT: usize = MANIFEST_BYTES - 4;

/// What makes a directory a store: written when it is created, and replaced when it is opened and when it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) store: StoreId,
    /// Where the log ended when the store was last closed in good order. After an opener that never closed, it is still
    /// true that everything up to there is durable.
    pub(crate) closed: Option<CleanClose>,
    /// Whether the store was opened for writing since.
    pub(crate) open: bool,
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
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MANIFEST_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT_VERSION.to_le_bytes());
        bytes.extend([u8::from(self.open), 0, 0, 0, 0, 0]);
        bytes.extend(self.store.as_bytes());
        let closed = self.closed.unwrap_or(CleanClose { segment: SegmentStart::new(0), offset: 0, head: 0 });
        bytes.extend(closed.segment.get().to_le_bytes());
        bytes.extend(closed.offset.to_le_bytes());
        bytes.extend(closed.head.to_le_bytes());
        bytes.resize(CHECKSUM_AT, 0);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let Some((checked, checksum)) =
            bytes.split_at_checked(CHECKSUM_AT).filter(|_| bytes.len() == MANIFEST_BYTES)
        else {
            return Err(format!("it is {} bytes long, and not {MANIFEST_BYTES}", bytes.len()));
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
        let _reserved: [u8; 5] = fields.bytes();
        let store = StoreId::from_bytes(fields.bytes());
        let closed =
            CleanClose { segment: SegmentStart::new(fields.u64()), offset: fields.u64(), head: fields.u64() };
        Ok(Self { store, open, closed: Some(closed).filter(|closed| closed.segment.get() > 0) })
    }
}
