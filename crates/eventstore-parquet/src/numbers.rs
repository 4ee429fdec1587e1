//! Numbers of a page: as they are (`PLAIN`), or as differences (`DELTA_BINARY_PACKED`). What makes no sense is `None`.

use crate::varint::{Input, put_signed, put_unsigned};

/// How many bytes a number of a column takes that is written as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Four,
    Eight,
}

impl Width {
    /// From which difference on numbers are written as they are. Differences of differences fit into as many bits as the numbers
    /// have, as long as each is less: that is what other readers reckon with.
    const fn far(self) -> u64 {
        match self {
            Self::Four => 1 << 30,
            Self::Eight => 1 << 62,
        }
    }
}

/// Whether no number is too far from the one before it to be written as a difference.
pub(crate) fn are_near(numbers: &[i64], width: Width) -> bool {
    numbers.windows(2).all(|pair| matches!(pair, [one, next] if one.abs_diff(*next) < width.far()))
}

/// Each as it is. Of four bytes the lower half, which is all that such a number has.
pub(crate) fn encode_plain(numbers: &[i64], width: Width) -> Vec<u8> {
    match width {
        Width::Four => numbers.iter().flat_map(|number| lower_half(*number)).collect(),
        Width::Eight => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
    }
}

fn lower_half(number: i64) -> [u8; 4] {
    let [one, two, three, four, ..] = number.to_le_bytes();
    [one, two, three, four]
}

pub(crate) fn decode_plain(values: &[u8], count: usize, width: Width) -> Option<Vec<i64>> {
    let numbers: Vec<i64> = match width {
        Width::Four => {
            let (numbers, []) = values.as_chunks::<4>() else { return None };
            numbers.iter().map(|it| i32::from_le_bytes(*it).into()).collect()
        }
        Width::Eight => {
            let (numbers, []) = values.as_chunks::<8>() else { return None };
            numbers.iter().map(|it| i64::from_le_bytes(*it)).collect()
        }
    };
    (numbers.len() == count).then_some(numbers)
}

/// How many differences have the least of them in common, and in how many parts they are packed, each with the bits that it takes.
const BLOCK: usize = 128;
const PARTS: usize = 4;
const IN_A_PART: usize = BLOCK / PARTS;

/// As differences; near ones, or nobody else can read them.
pub(crate) fn encode_deltas(numbers: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [BLOCK, PARTS, numbers.len()] {
        put_unsigned(number as u64, &mut bytes);
    }
    put_signed(numbers.first().copied().unwrap_or_default(), &mut bytes);
    let steps = numbers.iter().zip(numbers.iter().skip(1)).map(|(one, next)| next.wrapping_sub(*one));
    let steps: Vec<i64> = steps.collect();
    for block in steps.chunks(BLOCK) {
        let least = block.iter().min().copied().unwrap_or_default();
        put_signed(least, &mut bytes);
        let above = |step: &i64| step.wrapping_sub(least).cast_unsigned();
        let mut widths = [0; PARTS];
        for (width, part) in widths.iter_mut().zip(block.chunks(IN_A_PART)) {
            *width = u64::BITS - part.iter().map(above).fold(0, |all, one| all | one).leading_zeros();
        }
        bytes.extend(widths.map(|width| width.to_le_bytes()[0]));
        for (width, part) in widths.into_iter().zip(block.chunks(IN_A_PART)) {
            pack(part.iter().map(above), width, &mut bytes);
        }
    }
    bytes
}

/// A whole part of numbers of so many bits each, of which it may have fewer.
fn pack(numbers: impl Iterator<Item = u64>, width: u32, bytes: &mut Vec<u8>) {
    let (mut bits, mut filled) = (0_u128, 0);
    for number in numbers.chain(std::iter::repeat(0)).take(IN_A_PART) {
        bits |= u128::from(number) << filled;
        filled += width;
        while filled >= u8::BITS {
            bytes.push(bits.to_le_bytes()[0]);
            bits >>= u8::BITS;
            filled -= u8::BITS;
        }
    }
}

pub(crate) fn decode_deltas(values: &[u8], count: usize) -> Option<Vec<i64>> {
    let mut input = Input(values);
    let block = input.length()?;
    let parts = input.length()?;
    let in_a_part = block.checked_div(parts).filter(|part| *part > 0 && part.is_multiple_of(8))?;
    if input.length()? != count {
        return None;
    }
    let mut last = input.signed()?;
    let mut numbers = Vec::with_capacity(count);
    if count > 0 {
        numbers.push(last);
    }
    while numbers.len() < count {
        let least = input.signed()?;
        let widths = input.take(parts)?;
        for &width in widths {
            let wanted = in_a_part.min(count - numbers.len());
            if wanted == 0 {
                break;
            }
            let width = usize::from(width);
            if width > 64 {
                return None;
            }
            let packed = input.take(in_a_part.checked_mul(width)? / 8)?;
            if width == 0 {
                numbers.extend((0..wanted).map(|_| {
                    last = last.wrapping_add(least);
                    last
                }));
                continue;
            }
            for number in 0..wanted {
                let step = unpacked(packed, number * width, width).cast_signed();
                last = last.wrapping_add(least).wrapping_add(step);
                numbers.push(last);
            }
        }
    }
    Some(numbers)
}

/// The number of so many bits that begins at a bit.
fn unpacked(packed: &[u8], bit: usize, width: usize) -> u64 {
    let (at, shift) = (bit / 8, bit % 8);
    let mut bytes = [0; 16];
    match packed.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        Some(eight) if shift + width <= 64 => {
            return (u64::from_le_bytes(*eight) >> shift) & (u64::MAX >> (64 - width));
        }
        _ => packed.iter().skip(at).zip(&mut bytes).for_each(|(from, to)| *to = *from),
    }
    let bits = u128::from_le_bytes(bytes) >> shift & u128::from(u64::MAX >> (64 - width));
    u64::try_from(bits).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn differences_of_every_width_are_added_up() {
        let mut bytes = vec![0x80, 0x01, 4, 34, 10, 0x03];
        bytes.extend([1, 0, 64, 3]);
        bytes.extend([0b1010_1010; 4]);
        let mut numbers = vec![5];
        for step in 0..32 {
            numbers.push(numbers[step] - 2 + (step % 2) as i64);
        }
        numbers.push(numbers[32] - 2);
        assert_eq!(decode_deltas(&bytes, 34), Some(numbers));
        assert_eq!(decode_deltas(&bytes, 33), None);
        assert_eq!(decode_deltas(&bytes[..13], 34), None);
    }

    #[test]
    fn numbers_that_rise_by_one_take_a_few_bytes() {
        let numbers: Vec<i64> = (1_000..1_512).collect();
        // Block, parts, count and the first; then of each block the least difference, and four parts of no bits.
        assert_eq!(encode_deltas(&numbers).len(), 2 + 1 + 2 + 2 + 4 * (1 + 4));
    }

    #[test]
    fn a_block_of_one_part_is_read_too() {
        // As the encoder of arrow2 has it.
        let mut bytes = vec![0x80, 0x01, 1, 3, 2, 0, 2];
        bytes.extend([0b0110]);
        bytes.extend([0; 31]);
        assert_eq!(decode_deltas(&bytes, 3), Some(vec![1, 3, 4]));
    }

    #[test]
    fn numbers_that_are_far_apart_are_not_near() {
        assert!(are_near(&[0, (1 << 30) - 1, 0], Width::Four));
        assert!(!are_near(&[0, 1 << 30], Width::Four));
        assert!(are_near(&[0, 1 << 30, -1], Width::Eight));
        assert!(!are_near(&[i64::MIN, i64::MAX], Width::Eight));
    }

    proptest! {
        #[test]
        fn all_numbers_come_back(numbers in vec(any::<i64>(), 0..600)) {
            let count = numbers.len();
            prop_assert_eq!(decode_deltas(&encode_deltas(&numbers), count), Some(numbers.clone()));
            prop_assert_eq!(decode_plain(&encode_plain(&numbers, Width::Eight), count, Width::Eight), Some(numbers));
        }

        #[test]
        fn so_do_small_ones(numbers in vec(any::<i32>(), 0..600), near in vec(0..50_i64, 0..600)) {
            let numbers: Vec<i64> = numbers.into_iter().map(i64::from).collect();
            let count = numbers.len();
            prop_assert_eq!(decode_plain(&encode_plain(&numbers, Width::Four), count, Width::Four), Some(numbers));
            prop_assert_eq!(decode_deltas(&encode_deltas(&near), near.len()), Some(near));
        }

        #[test]
        fn whatever_the_bytes_are_there_are_so_many_numbers_or_none(bytes in vec(any::<u8>(), 0..80), count in 0..300_usize) {
            prop_assert!(decode_deltas(&bytes, count).is_none_or(|numbers| numbers.len() == count));
            prop_assert!(decode_plain(&bytes, count, Width::Four).is_none_or(|numbers| numbers.len() == count));
        }
    }
}
