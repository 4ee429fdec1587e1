//! Numbers of seven bits a byte (ULEB128), the lowest first, as Parquet has them before packed ones.

/// How far decoding has come.
pub(crate) struct Input<'b>(pub(crate) &'b [u8]);

impl<'b> Input<'b> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(crate) fn unsigned(&mut self) -> Option<u64> {
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

    /// The same of a number with a sign, which is its lowest bit (zigzag).
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let zigzag = self.unsigned()?;
        Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    pub(crate) fn length(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned()?).ok()
    }
}

pub(crate) fn put_unsigned(mut number: u64, bytes: &mut Vec<u8>) {
    loop {
        let [lowest, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(lowest);
            return;
        }
        bytes.push(lowest | 0x80);
    }
}

pub(crate) fn put_signed(number: i64, bytes: &mut Vec<u8>) {
    put_unsigned((number << 1 ^ number >> 63).cast_unsigned(), bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_takes_a_byte_for_seven_bits() {
        let mut bytes = Vec::new();
        put_unsigned(300, &mut bytes);
        put_signed(-1, &mut bytes);
        assert_eq!(bytes, [0xac, 0x02, 0x01]);
        assert_eq!(Input(&[0x80]).unsigned(), None);
    }

    proptest! {
        #[test]
        fn every_number_comes_back(unsigned in any::<u64>(), signed in any::<i64>()) {
            let mut bytes = Vec::new();
            put_unsigned(unsigned, &mut bytes);
            put_signed(signed, &mut bytes);
            let mut input = Input(&bytes);
            prop_assert_eq!((input.unsigned(), input.signed()), (Some(unsigned), Some(signed)));
            prop_assert!(input.0.is_empty());
        }
    }
}
