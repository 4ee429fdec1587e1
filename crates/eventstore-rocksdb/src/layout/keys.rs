//! Keys that sort as what they stand for.

use eventstore_api::{EventId, EventType, GlobalPosition, StreamId, Tag, Version};

/// Ends a name: no name holds it.
const END: u8 = 0;
/// How many bytes a number takes.
const NUMBER: usize = size_of::<u64>();
/// How many positions a type's posting stands for. An event of a common type costs no posting of its own then, and a rare
/// type is found by looking at so many events.
const BLOCK_BITS: u32 = 10;

/// The version of the layout.
pub(crate) const FORMAT: &[u8] = b"format";
/// The counts, and where the log ends.
pub(crate) const STATE: &[u8] = b"state";

/// An event's.
pub(crate) fn event(position: GlobalPosition) -> [u8; NUMBER] {
    position.get().to_be_bytes()
}

/// The position that [`event`] made this key of.
pub(crate) fn position(key: &[u8]) -> Option<GlobalPosition> {
    key.try_into().ok().map(|bytes| GlobalPosition::new(u64::from_be_bytes(bytes)))
}

/// Of a stream's event of this version.
pub(crate) fn stream(stream: &StreamId, version: Version) -> Vec<u8> {
    numbered(&[], stream.as_str(), version.get())
}

/// Whose event has this id.
pub(crate) fn id(id: EventId, stream: &StreamId) -> Vec<u8> {
    [id.as_bytes(), stream.as_str().as_bytes()].concat()
}

/// The id and the stream that [`id`] made this key of.
#[cfg(test)]
pub(crate) fn id_and_stream(key: &[u8]) -> Option<([u8; 16], &[u8])> {
    key.split_first_chunk().map(|(id, stream)| (*id, stream))
}

/// Of an event that carries this tag.
pub(crate) fn tag(tag: &Tag, position: GlobalPosition) -> Vec<u8> {
    numbered(b"t", tag.as_str(), position.get())
}

/// Of the events of this type in a block of positions.
pub(crate) fn event_type(event_type: &EventType, block: u64) -> Vec<u8> {
    numbered(b"y", event_type.as_str(), block)
}

/// The block of positions that this one is in.
pub(crate) fn block(position: GlobalPosition) -> u64 {
    position.get() >> BLOCK_BITS
}

/// The first and the last position of a block.
pub(crate) fn block_ends(block: u64) -> (GlobalPosition, GlobalPosition) {
    let first = block << BLOCK_BITS;
    (GlobalPosition::new(first), GlobalPosition::new(first | ((1 << BLOCK_BITS) - 1)))
}

/// A key without the number at its end: what the keys of one name have in common. All of it, where it is too short to
/// have a number.
pub(crate) fn name(key: &[u8]) -> &[u8] {
    key.split_last_chunk::<NUMBER>().map_or(key, |(name, _)| name)
}

/// The number at the end of a key.
pub(crate) fn number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<NUMBER>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The text of a name that [`name`] has cut out of a key of streams.
pub(crate) fn stream_text(name: &[u8]) -> Option<&str> {
    let text = name.split_last().filter(|(end, _)| **end == END).map(|(_, text)| text);
    text.and_then(|text| std::str::from_utf8(text).ok())
}

fn numbered(kind: &[u8], name: &str, number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(kind.len() + name.len() + 1 + NUMBER);
    key.extend_from_slice(kind);
    key.extend_from_slice(name.as_bytes());
    key.push(END);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> impl Strategy<Value = String> {
        // Short ones of few characters begin each other often.
        prop_oneof!["[ab -]{1,4}", "\\PC{1,40}"]
            .prop_filter("a legal name", |name| StreamId::new(name.clone()).is_ok())
    }

    fn numbers() -> impl Strategy<Value = u64> {
        prop_oneof![0..3_u64, 250..260_u64, any::<u64>(), Just(u64::MAX)]
    }

    proptest! {
        #[test]
        fn keys_of_streams_sort_as_streams_and_versions_do(
            (left, right) in (names(), names()),
            (low, high) in (numbers(), numbers()),
        ) {
            let (a, b) = (StreamId::new(left).unwrap(), StreamId::new(right).unwrap());
            let order = (a.as_str(), low).cmp(&(b.as_str(), high));
            prop_assert_eq!(stream(&a, Version::new(low)).cmp(&stream(&b, Version::new(high))), order);
        }

        #[test]
        fn keys_of_events_sort_as_positions_do_and_are_read_back(low in numbers(), high in numbers()) {
            let (a, b) = (event(GlobalPosition::new(low)), event(GlobalPosition::new(high)));
            prop_assert_eq!(a.cmp(&b), low.cmp(&high));
            prop_assert_eq!(position(&a), Some(GlobalPosition::new(low)));
        }

        #[test]
        fn keys_of_ids_sort_as_ids_do_and_are_read_back(
            (low, high) in (any::<[u8; 16]>(), any::<[u8; 16]>()),
            name in names(),
        ) {
            use eventstore_api::reexports::uuid::Uuid;
            let of = |bytes| EventId::from_uuid(Uuid::from_bytes(bytes));
            let owner = StreamId::new(name).unwrap();
            let (a, b) = (id(of(low), &owner), id(of(high), &owner));
            prop_assert_eq!(a.cmp(&b), of(low).cmp(&of(high)));
            prop_assert_eq!(id_and_stream(&a), Some((low, owner.as_str().as_bytes())));
        }

        #[test]
        fn a_key_is_a_name_and_a_number(text in names(), version in numbers()) {
            let owner = StreamId::new(text).unwrap();
            let key = stream(&owner, Version::new(version));
            prop_assert_eq!(number(&key), Some(version));
            prop_assert_eq!(stream_text(name(&key)), Some(owner.as_str()));
        }

        #[test]
        fn no_key_of_one_stream_lies_between_those_of_another(
            (one, other) in (names(), names()),
            version in numbers(),
        ) {
            prop_assume!(one != other);
            let (one, other) = (StreamId::new(one).unwrap(), StreamId::new(other).unwrap());
            let between = stream(&one, Version::new(version));
            let ends = stream(&other, Version::NONE)..=stream(&other, Version::MAX);
            prop_assert!(!ends.contains(&between));
        }

        #[test]
        fn a_block_holds_the_positions_between_its_ends(number in numbers()) {
            let here = GlobalPosition::new(number);
            let (first, last) = block_ends(block(here));
            prop_assert!(first <= here && here <= last);
            prop_assert_eq!((block(first), block(last)), (block(here), block(here)));
        }
    }

    #[test]
    fn keys_of_tags_and_types_do_not_meet() {
        let tag = tag(&Tag::new("y:1").unwrap(), GlobalPosition::new(1));
        let event_type = event_type(&EventType::new("y:1").unwrap(), 1);
        assert!(tag.first() < event_type.first());
    }
}
