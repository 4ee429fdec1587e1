use eventstore_api::limits::{MAX_EVENT_TYPE_BYTES, MAX_STREAM_ID_BYTES};

use super::{FrameOffset, Previous, SegmentStart, TypePart};

/// No record is longer: a name, and five numbers.
pub(super) const MAX_RECORD_BYTES: usize = MAX_STREAM_ID_BYTES + 5 * MAX_NUMBER_BYTES;
const MAX_NUMBER_BYTES: usize = 10;
const _: () = assert!(MAX_EVENT_TYPE_BYTES <= MAX_STREAM_ID_BYTES);

const NO_PREVIOUS: u64 = 0;
const UNKNOWN_PREVIOUS: u64 = 1;

/// What a sidecar says of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamRecord<'b> {
    pub(super) name: &'b str,
    pub(super) first_version: u64,
    pub(super) count: u32,
    pub(super) previous: Previous,
    /// Which entry of the frames is its first.
    pub(super) start: u64,
}

impl<'b> StreamRecord<'b> {
    pub(super) fn encode(&self, segment: SegmentStart, bytes: &mut Vec<u8>) {
        put_name(bytes, self.name);
        put_number(bytes, self.first_version);
        put_number(bytes, u64::from(self.count));
        put_number(
            bytes,
            match self.previous {
                Previous::None => NO_PREVIOUS,
                Previous::Unknown => UNKNOWN_PREVIOUS,
                // One that is not before this one is none that can be.
                Previous::Segment(previous) => match segment.get().checked_sub(previous.get()) {
                    None | Some(0) => UNKNOWN_PREVIOUS,
                    Some(distance) => distance.saturating_add(UNKNOWN_PREVIOUS),
                },
            },
        );
        put_number(bytes, self.start);
    }

    /// The record that these bytes begin with, and how many bytes it takes.
    pub(super) fn decode(bytes: &'b [u8], segment: SegmentStart) -> Option<(Self, usize)> {
        let mut fields = Fields(bytes);
        let record = Self {
            name: fields.name()?,
            first_version: fields.number().filter(|&version| version > 0)?,
            count: u32::try_from(fields.number()?).ok().filter(|&count| count > 0)?,
            previous: match fields.number()? {
                NO_PREVIOUS => Previous::None,
                UNKNOWN_PREVIOUS => Previous::Unknown,
                distance => {
                    let previous = segment.get().checked_sub(distance - UNKNOWN_PREVIOUS)?;
                    Previous::Segment(SegmentStart::new(previous))
                }
            },
            start: fields.number()?,
        };
        Some((record, bytes.len() - fields.0.len()))
    }
}

/// What a sidecar says of an event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypeRecord<'b> {
    pub(super) name: &'b str,
    pub(super) part: TypePart,
}

impl<'b> TypeRecord<'b> {
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        let TypePart { first, last, count } = self.part;
        put_name(bytes, self.name);
        put_number(bytes, u64::from(first.units()));
        put_number(bytes, u64::from(last.units().saturating_sub(first.units())));
        put_number(bytes, count);
    }

    /// The record that these bytes begin with, and how many bytes it takes.
    pub(super) fn decode(bytes: &'b [u8]) -> Option<(Self, usize)> {
        let mut fields = Fields(bytes);
        let name = fields.name()?;
        let first = u32::try_from(fields.number()?).ok()?;
        let last = first.checked_add(u32::try_from(fields.number()?).ok()?)?;
        let [first, last] = [first, last].map(FrameOffset::from_units);
        let part = TypePart { first, last, count: fields.number()? };
        Some((Self { name, part }, bytes.len() - fields.0.len()))
    }
}

fn put_name(bytes: &mut Vec<u8>, name: &str) {
    put_number(bytes, name.len() as u64);
    bytes.extend_from_slice(name.as_bytes());
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}

struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn name(&mut self) -> Option<&'b str> {
        let length = usize::try_from(self.number()?).ok().filter(|&length| length <= MAX_STREAM_ID_BYTES)?;
        let (name, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(name).ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_is_read_back(number: u64, shift in 0_u32..64) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            prop_assert!(bytes.len() <= MAX_NUMBER_BYTES);
            let mut fields = Fields(&bytes);
            prop_assert_eq!(fields.number(), Some(number));
            prop_assert!(fields.0.is_empty());
            prop_assert_eq!(Fields(&bytes[..bytes.len() - 1]).number(), None);
        }

        #[test]
        fn any_bytes_are_a_record_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let segment = SegmentStart::new(1000);
            if let Some((_, length)) = StreamRecord::decode(&bytes, segment) {
                prop_assert!(length <= bytes.len());
            }
            if let Some((_, length)) = TypeRecord::decode(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }

    #[test]
    fn a_number_beyond_64_bits_is_none() {
        assert_eq!(Fields(&[0xff; 10]).number(), None);
        assert_eq!(
            Fields(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).number(),
            Some(u64::MAX)
        );
        assert_eq!(Fields(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).number(), None);
    }
}
