//! Numbers and levels of a page, decoded: of the encodings of Parquet those that the writer uses.
//!
//! Everything here takes bytes that passed their checksum, and still says `None` of what makes no sense instead of panicking.

/// How far decoding has come.
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number in seven bits a byte, the lowest first.
    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// The same of a number with a sign, which is its lowest bit.
    fn signed(&mut self) -> Option<i64> {
        let zigzag = self.unsigned()?;
        Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned()?).ok()
    }
}

/// Numbers of eight bytes each.
pub(crate) fn plain_numbers(values: &[u8], count: usize) -> Option<Vec<i64>> {
    let (numbers, rest) = values.as_chunks::<8>();
    (rest.is_empty() && numbers.len() == count)
        .then(|| numbers.iter().map(|it| i64::from_le_bytes(*it)).collect())
}

/// Numbers as differences (`DELTA_BINARY_PACKED`).
pub(crate) fn delta_numbers(values: &[u8], count: usize) -> Option<Vec<i64>> {
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
                let step = packed_number(packed, number * width, width).cast_signed();
                last = last.wrapping_add(least).wrapping_add(step);
                numbers.push(last);
            }
        }
    }
    Some(numbers)
}

/// The number of so many bits that begins at a bit.
fn packed_number(packed: &[u8], bit: usize, width: usize) -> u64 {
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

/// Levels of one bit each, in runs of equal ones or packed, whichever the writer found shorter.
pub(crate) fn levels(bytes: &[u8], count: usize) -> Option<Vec<bool>> {
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
    fn differences_of_every_width_are_added_up() {
        // Four parts of 32 in a block of 128, as other writers have them; ours has one.
        let mut bytes = vec![0x80, 0x01, 4, 34, 10, 0x03];
        bytes.extend([1, 0, 64, 3]);
        bytes.extend([0b1010_1010; 4]);
        let mut numbers = vec![5];
        for step in 0..32 {
            numbers.push(numbers[step] - 2 + (step % 2) as i64);
        }
        numbers.push(numbers[32] - 2);
        assert_eq!(delta_numbers(&bytes, 34), Some(numbers));
        assert_eq!(delta_numbers(&bytes, 33), None);
        assert_eq!(delta_numbers(&bytes[..13], 34), None);
    }

    #[test]
    fn levels_are_runs_and_packed_bits() {
        let expected = [true, true, true, false, true, false, true];
        assert_eq!(levels(&[3 << 1, 1, 1 << 1 | 1, 0b1010], 7).as_deref(), Some(&expected[..]));
        for senseless in [&[][..], &[0], &[0, 1], &[2, 2], &[1], &[3]] {
            assert_eq!(levels(senseless, 7), None, "{senseless:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_there_are_so_many_values_or_none(bytes in vec(any::<u8>(), 0..80), count in 0..300_usize) {
            prop_assert!(delta_numbers(&bytes, count).is_none_or(|numbers| numbers.len() == count));
            prop_assert!(levels(&bytes, count).is_none_or(|levels| levels.len() == count));
        }
    }
}
