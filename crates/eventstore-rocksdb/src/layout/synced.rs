//! What stands in the file `SYNCED`, beside those of the database: how far the store is durable.
//!
//! ```text
//! head      u64       the position of the last event, all little-endian
//! sequence  u64       RocksDB's number of the last write
//! check     2 u64     the same two with all bits turned
//! ```

use eventstore_api::GlobalPosition;

/// How many bytes the file has, and a number in it.
const BYTES: usize = 4 * NUMBER;
const NUMBER: usize = size_of::<u64>();

/// How far a store is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    pub(crate) head: GlobalPosition,
    pub(crate) sequence: u64,
}

impl Synced {
    /// Of a store in which nothing is.
    pub(crate) const NOTHING: Self = Self { head: GlobalPosition::START, sequence: 0 };

    pub(crate) fn to_bytes(self) -> [u8; BYTES] {
        let numbers = [self.head.get(), self.sequence, !self.head.get(), !self.sequence];
        let mut bytes = [0; BYTES];
        for (place, number) in bytes.chunks_exact_mut(NUMBER).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// `None` where these are not the bytes of one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<NUMBER>() else { return None };
        let [head, sequence, check @ ..] = numbers else { return None };
        let (head, sequence) = (u64::from_le_bytes(*head), u64::from_le_bytes(*sequence));
        let is_whole = check == [(!head).to_le_bytes(), (!sequence).to_le_bytes()];
        is_whole.then(|| Self { head: GlobalPosition::new(head), sequence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNCED: Synced = Synced { head: GlobalPosition::new(7), sequence: 70 };

    #[test]
    fn what_makes_no_sense_says_nothing() {
        let bytes = SYNCED.to_bytes();
        assert_eq!(Synced::from_bytes(&bytes), Some(SYNCED));
        for length in 0..bytes.len() {
            assert_eq!(Synced::from_bytes(bytes.get(..length).unwrap()), None);
        }
        for at in 0..bytes.len() {
            let mut changed = bytes;
            *changed.get_mut(at).unwrap() ^= 1;
            assert_eq!(Synced::from_bytes(&changed), None, "{at}");
        }
    }
}
