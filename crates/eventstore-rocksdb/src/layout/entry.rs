//! The value of an entry in the index of a stream: where the event is, and how long its record, so that a page knows what it
//! fetches.
//!
//! ```text
//! position  u64, big-endian
//! length    u32, big-endian: of the record, in bytes
//! ```

use eventstore_api::GlobalPosition;

/// How many bytes it takes.
const BYTES: usize = 12;

/// The entry of an event at this position.
pub(crate) fn write(position: GlobalPosition, length: usize) -> [u8; BYTES] {
    let mut entry = [0; BYTES];
    let (front, back) = entry.split_at_mut(size_of::<u64>());
    front.copy_from_slice(&position.get().to_be_bytes());
    back.copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    entry
}

/// The position and the length of the record; `None` where this is no entry.
pub(crate) fn read(entry: &[u8]) -> Option<(GlobalPosition, u32)> {
    let (position, length) = entry.split_first_chunk()?;
    let length = length.try_into().ok()?;
    Some((GlobalPosition::new(u64::from_be_bytes(*position)), u32::from_be_bytes(length)))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_an_entry_or_none(bytes in vec(any::<u8>(), 0..16)) {
            let read = read(&bytes);
            prop_assert_eq!(read.is_some(), bytes.len() == BYTES);
            if let Some((position, length)) = read {
                let written = write(position, length as usize);
                prop_assert_eq!(written.as_slice(), bytes.as_slice());
            }
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let position = GlobalPosition::new(0x0102);
        assert_eq!(write(position, 0x0304), [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4]);
        assert_eq!(read(&write(position, 0x0304)), Some((position, 0x0304)));
        assert_eq!(read(&[0; 11]), None);
        assert_eq!(read(&[0; 13]), None);
    }
}
