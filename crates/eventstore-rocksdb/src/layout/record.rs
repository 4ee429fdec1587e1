//! The value of an event.
//!
//! ```text
//! version      u64, little-endian
//! recorded at  i64, little-endian: microseconds since 1970
//! event        as `eventstore_codec::encode_event` writes it, with the name of its stream
//! ```

use bytes::Bytes;
use eventstore_api::{
    EventFilter, EventType, GlobalPosition, Placement, RecordedEvent, StreamId, Tags, Timestamp, Version,
};
use eventstore_codec::{AppendsReader, DecodeError, EventView, Names};

/// How many bytes stand before the event: what is known only when it is given its place.
pub(crate) const PLACE_BYTES: usize = 16;

/// What stands before the event.
pub(crate) fn place(version: Version, recorded_at: Timestamp) -> [u8; PLACE_BYTES] {
    let mut place = [0; PLACE_BYTES];
    let (front, back) = place.split_at_mut(PLACE_BYTES / 2);
    front.copy_from_slice(&version.get().to_le_bytes());
    back.copy_from_slice(&recorded_at.as_micros().to_le_bytes());
    place
}

/// Why a value is not a record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("it has {0} bytes, fewer than an event takes")]
    Short(usize),
    #[error("it holds no event")]
    Empty,
    #[error(transparent)]
    Event(#[from] DecodeError),
}

/// A record, as it stands in the database.
pub(crate) struct Record<'v> {
    pub(crate) stream: StreamId,
    pub(crate) version: Version,
    pub(crate) recorded_at: Timestamp,
    event: EventView<'v>,
}

impl<'v> Record<'v> {
    /// The record that stands in this value. Names are shared with those that `names` gave out lately.
    pub(crate) fn read(value: &'v [u8], names: &mut Names) -> Result<Self, Malformed> {
        let (version, rest) = value.split_first_chunk().ok_or(Malformed::Short(value.len()))?;
        let (recorded_at, event) = rest.split_first_chunk().ok_or(Malformed::Short(value.len()))?;
        let mut appends = AppendsReader::new(event)?;
        let stream = appends.next_stream()?.ok_or(Malformed::Empty)?.to_stream_id(names)?;
        Ok(Self {
            stream,
            version: Version::new(u64::from_le_bytes(*version)),
            recorded_at: Timestamp::from_micros(i64::from_le_bytes(*recorded_at)),
            event: appends.next_event()?,
        })
    }

    /// Whether it passes, as [`EventFilter::matches`] tells of the whole event.
    pub(crate) fn passes(&self, filter: &EventFilter, names: &mut Names) -> Result<bool, Malformed> {
        if filter.is_all() {
            return Ok(true);
        }
        let (event_type, tags) = self.type_and_tags(names)?;
        Ok(filter.matches_parts(&self.stream, &event_type, &tags))
    }

    /// By what it can be found.
    fn type_and_tags(&self, names: &mut Names) -> Result<(EventType, Tags), Malformed> {
        let event_type = names.event_type(self.event.event_type)?;
        let tags = if self.event.tags.is_empty() { Tags::NONE } else { self.event.tags.to_tags()? };
        Ok((event_type, tags))
    }

    /// How many bytes the payload has.
    pub(crate) fn payload_bytes(&self) -> usize {
        self.event.payload.len()
    }

    /// The event, at the position that its key says. Its payload is copied: it stays when the database's block is gone.
    pub(crate) fn into_recorded(
        self,
        position: GlobalPosition,
        names: &mut Names,
    ) -> Result<RecordedEvent, Malformed> {
        let Self { stream, version, recorded_at, event } = self;
        let placement = Placement { stream, version, position, recorded_at };
        // The payload is no part of this buffer, and is copied therefore.
        Ok(event.to_recorded(placement, &Bytes::new(), names)?)
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventId, NewEvent, reexports::uuid::Uuid};
    use eventstore_codec::encode_event;
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    /// Reads all that can be read of a value.
    fn read_all_of(value: &[u8]) -> Result<RecordedEvent, Malformed> {
        let mut names = Names::new();
        let record = Record::read(value, &mut names)?;
        let _ = record.payload_bytes();
        record.type_and_tags(&mut names)?;
        record.passes(&EventFilter::stream_prefix("flight-"), &mut names)?;
        record.into_recorded(GlobalPosition::END, &mut names)
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_refused(bytes in vec(any::<u8>(), 0..80)) {
            let _ = read_all_of(&bytes);
        }

        #[test]
        fn a_record_that_was_changed_is_read_or_refused(
            changes in vec((any::<Index>(), any::<u8>()), 1..4),
            end in any::<Index>(),
        ) {
            let (_, mut value) = value();
            for (at, byte) in changes {
                let at = at.index(value.len());
                value[at] = byte;
            }
            let _ = read_all_of(&value);
            value.truncate(end.index(value.len()));
            let _ = read_all_of(&value);
        }
    }

    fn value() -> (NewEvent, Vec<u8>) {
        let event = NewEvent::new(EventType::new("SeatBooked").unwrap(), "12A")
            .with_id(EventId::from_uuid(Uuid::from_u128(7)))
            .with_tags(Tags::parse(["flight:UA1545"]).unwrap());
        let mut value = place(Version::new(3), Timestamp::from_micros(-5)).to_vec();
        encode_event(&StreamId::new("flight-UA1545").unwrap(), &event, &mut value);
        (event, value)
    }

    #[test]
    fn what_was_written_is_read() {
        let (event, value) = value();
        let mut names = Names::new();
        let record = Record::read(&value, &mut names).unwrap();
        let recorded = record.into_recorded(GlobalPosition::new(9), &mut names).unwrap();
        assert!(recorded.same_content(&event));
        assert_eq!(recorded.stream.as_str(), "flight-UA1545");
        assert_eq!((recorded.version, recorded.position), (Version::new(3), GlobalPosition::new(9)));
        assert_eq!(recorded.recorded_at, Timestamp::from_micros(-5));
    }

    #[test]
    fn the_form_of_a_record_is_this() {
        let hex: String = value().1.iter().map(|byte| format!("{byte:02x}")).collect();
        insta::assert_snapshot!(hex);
    }

    #[test]
    fn what_is_cut_off_anywhere_is_no_record() {
        let (_, value) = value();
        for length in 0..value.len() {
            let cut = value.get(..length).unwrap();
            let mut names = Names::new();
            let read = Record::read(cut, &mut names)
                .and_then(|it| it.into_recorded(GlobalPosition::new(1), &mut names));
            assert!(read.is_err(), "{length}");
        }
    }

    #[test]
    fn a_filter_says_of_a_record_what_it_says_of_the_event() {
        let (_, value) = value();
        let mut names = Names::new();
        let mut passes = |filter: EventFilter| {
            let record = Record::read(&value, &mut names).unwrap();
            let passes = record.passes(&filter, &mut names).unwrap();
            let event = record.into_recorded(GlobalPosition::new(1), &mut names).unwrap();
            assert_eq!(passes, filter.matches(&event));
            passes
        };
        assert!(passes(EventFilter::all()));
        assert!(passes(EventFilter::tagged(Tags::parse(["flight:UA1545"]).unwrap())));
        assert!(!passes(EventFilter::types([EventType::new("SeatFreed").unwrap()])));
    }
}
