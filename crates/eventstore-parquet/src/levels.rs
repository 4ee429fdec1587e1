//! Levels of a page, of one bit each: whether a row has a value, or a value goes on with the list of the one before.

use crate::varint::{Input, put_unsigned};

/// As one run where all are equal, and else a bit for each: pages are short, and levels are not compressed.
pub(crate) fn encode(levels: &[bool]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some((first, others)) = levels.split_first() else { return bytes };
    if others.iter().all(|level| level == first) {
        put_unsigned((levels.len() as u64) << 1, &mut bytes);
        bytes.push(u8::from(*first));
        return bytes;
    }
    put_unsigned((levels.len().div_ceil(8) as u64) << 1 | 1, &mut bytes);
    let byte = |eight: &[bool]| eight.iter().rev().fold(0, |byte, level| byte << 1 | u8::from(*level));
    bytes.extend(levels.chunks(8).map(byte));
    bytes
}

/// Of so many values; `None` of what makes no sense.
pub(crate) fn decode(bytes: &[u8], count: usize) -> Option<Vec<bool>> {
    let mut input = Input(bytes);
    let mut levels = Vec::with_capacity(count);
    while levels.len() < count {
        let header = input.length()?;
        let (length, left) = (header >> 1, count - levels.len());
        if header & 1 == 0 {
            let level = input.byte()?;
            if length == 0 || level > 1 {
                return None;
            }
            levels.resize(levels.len() + length.min(left), level == 1);
        } else {
            let packed = input.take(length.min(left.div_ceil(8)))?;
            if packed.is_empty() {
                return None;
            }
            let bits = packed.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
            levels.extend(bits.take(left));
        }
    }
    Some(levels)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn equal_levels_are_one_run() {
        assert!(encode(&[]).is_empty());
        assert_eq!(encode(&[true; 300]), [0xd8, 0x04, 1]);
        assert_eq!(encode(&[false, true, false]), [1 << 1 | 1, 0b010]);
    }

    #[test]
    fn runs_and_packed_bits_may_follow_each_other() {
        let expected = [true, true, true, false, true, false, true];
        assert_eq!(decode(&[3 << 1, 1, 1 << 1 | 1, 0b1010], 7).as_deref(), Some(&expected[..]));
        for senseless in [&[][..], &[0], &[0, 1], &[2, 2], &[1], &[3]] {
            assert_eq!(decode(senseless, 7), None, "{senseless:?}");
        }
    }

    proptest! {
        #[test]
        fn every_list_of_levels_comes_back(levels in vec(any::<bool>(), 0..600)) {
            prop_assert_eq!(decode(&encode(&levels), levels.len()), Some(levels));
        }

        #[test]
        fn whatever_the_bytes_are_there_are_so_many_levels_or_none(bytes in vec(any::<u8>(), 0..80), count in 0..300_usize) {
            prop_assert!(decode(&bytes, count).is_none_or(|levels| levels.len() == count));
        }
    }
}
