use super::{StoreId, fields::Fields};
use crate::index::SegmentStart;

pub(crate) const SYNCED_NAME: &str = "SYNCED";

pub(crate) const SYNCED_MARK_BYTES: usize = 32;

/// How far the log is durable: written over and over in place after every sync, and never synced itself.
///
/// It is how another process learns what it may show. What it says is true whenever it can be read, also when it is old:
/// it is written after the sync that it speaks of, and what is durable stays. So recovery believes it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SyncedMark {
    pub(crate) segment: SegmentStart,
    /// Every frame that ends at or before this offset is durable.
    pub(crate) offset: u64,
    /// The position of the last event before it.
    pub(crate) head: u64,
}

impl SyncedMark {
    pub(crate) fn encode(&self, store: StoreId) -> [u8; SYNCED_MARK_BYTES] {
        let mut fields = Vec::with_capacity(SYNCED_MARK_BYTES);
        fields.extend(self.segment.get().to_le_bytes());
        fields.extend(self.offset.to_le_bytes());
        fields.extend(self.head.to_le_bytes());
        fields.extend(checksum(store, &fields).to_le_bytes());
        fields.resize(SYNCED_MARK_BYTES, 0);
        let mut bytes = [0; SYNCED_MARK_BYTES];
        bytes.copy_from_slice(&fields);
        bytes
    }

    /// None for anything but a mark of this store: it may be torn, or older than the store's first sync.
    pub(crate) fn decode(bytes: &[u8], store: StoreId) -> Option<Self> {
        let (checked, checksum_bytes) = bytes.split_at_checked(24)?;
        let mut fields = Fields(checked);
        let mark =
            Self { segment: SegmentStart::new(fields.u64()), offset: fields.u64(), head: fields.u64() };
        let (checksum_bytes, zeros) = checksum_bytes.split_at_checked(4)?;
        let sound = Fields(checksum_bytes).u32() == checksum(store, checked);
        (sound && zeros.iter().all(|byte| *byte == 0)).then_some(mark)
    }
}

fn checksum(store: StoreId, checked: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(store.as_bytes());
    hasher.update(checked);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_which_any_bit_is_another_is_none() {
        let store = StoreId::generate();
        let mark = SyncedMark { segment: SegmentStart::new(1), offset: 64, head: 7 };
        let sound = mark.encode(store);
        assert_eq!(SyncedMark::decode(&sound, store), Some(mark));
        for bit in 0..SYNCED_MARK_BYTES * 8 {
            let mut bytes = sound;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SyncedMark::decode(&bytes, store), None, "bit {bit}");
        }
        for length in 0..SYNCED_MARK_BYTES - 4 {
            assert_eq!(SyncedMark::decode(&sound[..length], store), None, "{length} bytes");
        }
    }
}
