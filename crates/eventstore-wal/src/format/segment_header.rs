use super::{FORMAT_VERSION, StoreId, fields::Fields};
use crate::index::SegmentStart;

pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"EVWALSEG";
const CHECKSUM_AT: usize = SEGMENT_HEADER_BYTES - 4;

/// What a segment file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) store: StoreId,
    /// Also the file's name.
    pub(crate) start: SegmentStart,
    /// The segment before this one; none in the first.
    pub(crate) previous: Option<SegmentStart>,
    /// The checksum of the header of the frame that sealed it; zero in the first.
    pub(crate) previous_checksum: u32,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> ([u8; SEGMENT_HEADER_BYTES], u32) {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT_VERSION.to_le_bytes());
        bytes.extend([0; 6]);
        bytes.extend(self.store.as_bytes());
        bytes.extend(self.start.get().to_le_bytes());
        bytes.extend(self.previous.map_or(0, SegmentStart::get).to_le_bytes());
        bytes.extend(self.previous_checksum.to_le_bytes());
        bytes.resize(CHECKSUM_AT, 0);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        let mut header = [0; SEGMENT_HEADER_BYTES];
        header.copy_from_slice(&bytes);
        (header, checksum)
    }

    /// The header at the front of a file, and its checksum; or what is wrong with it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, u32), String> {
        let Some((header, _)) = bytes.split_first_chunk::<SEGMENT_HEADER_BYTES>() else {
            return Err("the file ends within the segment header".to_owned());
        };
        let (checked, checksum) = header.split_at(CHECKSUM_AT);
        let mut fields = Fields(checked);
        if fields.bytes() != MAGIC {
            return Err("the file does not begin as a segment does".to_owned());
        }
        let version = fields.u16();
        let checksum = Fields(checksum).u32();
        if crc32fast::hash(checked) != checksum {
            return Err("the checksum of the segment header is wrong".to_owned());
        }
        if version != FORMAT_VERSION {
            return Err(format!(
                "the segment is written in format {version}, and this program knows format {FORMAT_VERSION} alone"
            ));
        }
        let _reserved: [u8; 6] = fields.bytes();
        let header = Self {
            store: StoreId::from_bytes(fields.bytes()),
            start: SegmentStart::new(fields.u64()),
            previous: Some(SegmentStart::new(fields.u64())).filter(|start| start.get() > 0),
            previous_checksum: fields.u32(),
        };
        Ok((header, checksum))
    }
}
