use std::{fmt, fmt::Write as _, str::FromStr};

use eventstore_api::{RecordedEvent, Snapshot};
use sha2::{Digest as _, Sha256};

/// What a store holds, in 32 bytes: SHA-256 over every field of every event in the order of positions, and of every snapshot in
/// the order of the streams' names. Two stores of any kinds with the same digest hold the same.
///
/// How a field is turned into bytes does not change from one version of this crate to another: a digest can be kept, as text or as
/// bytes, and compared with one of another day.
///
/// ```
/// use eventstore_migrate::Digest;
///
/// let kept = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// let digest: Digest = kept.parse()?;
/// assert_eq!(digest.to_string(), kept);
/// assert_eq!(Digest::from(*digest.as_bytes()), digest);
/// # Ok::<(), eventstore_migrate::InvalidDigest>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// From what [`Digest::as_bytes`] gave; any 32 bytes are a digest.
impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// From 64 hexadecimal digits in letters of either case, and nothing before, between or behind them.
impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let mut bytes = [0_u8; 32];
        let characters = text.chars().count();
        if characters != 2 * bytes.len() {
            return Err(InvalidDigest::Length { characters });
        }
        let mut digits = (1..).zip(text.chars()).map(|(at, found)| {
            let digit = found.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            digit.ok_or(InvalidDigest::NotADigit { found, at })
        });
        for byte in &mut bytes {
            for digit in digits.by_ref().take(2) {
                *byte = (*byte << 4) | digit?;
            }
        }
        Ok(Self(bytes))
    }
}

/// Why a text is not a [`Digest`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDigest {
    /// It is longer or shorter than one.
    #[error("a digest has 64 hexadecimal digits, and this text has {characters} characters; give all of it")]
    Length {
        /// How many it has.
        characters: usize,
    },
    /// Something in it is no digit.
    #[error("a digest is hexadecimal digits alone, and character {at} of this text is {found:?}")]
    NotADigit {
        /// What stands there.
        found: char,
        /// Where, counted in characters, from 1.
        at: usize,
    },
}

/// In hexadecimal, with small letters.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write!(text, "{self}")?;
        f.debug_tuple("Digest").field(&text).finish()
    }
}

/// A digest that is being made. What has a length of its own is preceded by it, so that nothing can move from one field to the
/// next unseen.
#[derive(Clone)]
pub(crate) struct Digester {
    hash: Sha256,
    /// What goes into the hash next: it takes a call of its own for each few bytes otherwise.
    record: Vec<u8>,
}

impl Digester {
    pub(crate) fn new() -> Self {
        Self { hash: Sha256::new(), record: Vec::with_capacity(1_024) }
    }

    pub(crate) fn event(&mut self, event: &RecordedEvent) {
        let record = &mut self.record;
        record.clear();
        record.push(b'e');
        record.extend(event.position.get().to_le_bytes());
        record.extend(event.version.get().to_le_bytes());
        record.extend(event.recorded_at.as_micros().to_le_bytes());
        record.extend(event.id.as_bytes());
        record.extend(event.schema_version.to_le_bytes());
        record.push(event.encoding.get());
        put(record, event.stream.as_str().as_bytes());
        put(record, event.event_type.as_str().as_bytes());
        put(record, &event.payload);
        record.extend((event.metadata.iter().count() as u64).to_le_bytes());
        for (name, value) in event.metadata.iter() {
            put(record, name.as_bytes());
            put(record, value.as_bytes());
        }
        record.extend((event.tags.iter().count() as u64).to_le_bytes());
        for tag in &event.tags {
            put(record, tag.as_str().as_bytes());
        }
        self.hash.update(&self.record);
    }

    pub(crate) fn snapshot(&mut self, snapshot: &Snapshot) {
        let record = &mut self.record;
        record.clear();
        record.push(b's');
        record.extend(snapshot.version.get().to_le_bytes());
        record.extend(snapshot.schema_version.to_le_bytes());
        record.push(snapshot.encoding.get());
        put(record, snapshot.stream.as_str().as_bytes());
        put(record, snapshot.state_type.as_str().as_bytes());
        put(record, &snapshot.payload);
        self.hash.update(&self.record);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.hash.finalize().into())
    }
}

fn put(record: &mut Vec<u8>, bytes: &[u8]) {
    record.extend((bytes.len() as u64).to_le_bytes());
    record.extend(bytes);
}

#[cfg(test)]
mod tests {
    use eventstore_api::{
        Encoding, EventId, EventType, GlobalPosition, Metadata, NewEvent, Placement, StreamId, Tags,
        Timestamp, Version, reexports::uuid::Uuid,
    };

    use super::*;

    fn event() -> RecordedEvent {
        NewEvent::identified(EventId::from_uuid(Uuid::from_u128(7)), EventType::new("Opened").unwrap(), "ann")
            .with_encoding(Encoding::JSON)
            .with_metadata(Metadata::new().with("user", "ann"))
            .with_tags(Tags::parse(["seat:12A"]).unwrap())
            .record(Placement {
                stream: StreamId::new("account-7").unwrap(),
                version: Version::new(1),
                position: GlobalPosition::new(1),
                recorded_at: Timestamp::from_micros(5),
            })
    }

    fn snapshot() -> Snapshot {
        Snapshot::new(
            StreamId::new("account-7").unwrap(),
            Version::new(1),
            EventType::new("Account").unwrap(),
            "42",
        )
    }

    fn of(events: &[RecordedEvent], snapshots: &[Snapshot]) -> String {
        let mut digester = Digester::new();
        events.iter().for_each(|event| digester.event(event));
        snapshots.iter().for_each(|snapshot| digester.snapshot(snapshot));
        digester.finish().to_string()
    }

    /// Whoever has kept a digest relies on it.
    #[test]
    fn the_digest_of_a_store_is_the_same_for_good() {
        insta::assert_snapshot!(of(&[event()], &[snapshot()]));
        insta::assert_snapshot!(of(&[], &[]));
    }

    #[test]
    fn a_digest_that_was_kept_is_read_back() {
        let mut digester = Digester::new();
        digester.event(&event());
        let digest = digester.finish();
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.to_string().to_uppercase().parse(), Ok(digest));
        assert_eq!(Digest::from(*digest.as_bytes()), digest);
    }

    #[test]
    fn a_text_that_is_no_digest_is_refused() {
        let of = |text: &str| text.parse::<Digest>().unwrap_err().to_string();
        insta::assert_snapshot!(of("e3b0"), @"a digest has 64 hexadecimal digits, and this text has 4 characters; give all of it");
        insta::assert_snapshot!(of(&"0".repeat(65)), @"a digest has 64 hexadecimal digits, and this text has 65 characters; give all of it");
        insta::assert_snapshot!(of(&format!("{}g{}", "0".repeat(20), "0".repeat(43))), @"a digest is hexadecimal digits alone, and character 21 of this text is 'g'");
        for foreign in ["\u{e4}", "\u{661}", "+", " "] {
            let text = format!("{foreign}{}", "0".repeat(63));
            assert!(matches!(text.parse::<Digest>(), Err(InvalidDigest::NotADigit { at: 1, .. })), "{text}");
        }
    }

    #[test]
    fn every_field_counts() {
        let changed: [fn(&mut RecordedEvent); 11] = [
            |event| event.position = GlobalPosition::new(2),
            |event| event.version = Version::new(2),
            |event| event.recorded_at = Timestamp::from_micros(6),
            |event| event.id = EventId::from_uuid(Uuid::from_u128(8)),
            |event| event.schema_version = 2,
            |event| event.encoding = Encoding::BINARY,
            |event| event.stream = StreamId::new("account-8").unwrap(),
            |event| event.event_type = EventType::new("Closed").unwrap(),
            |event| event.payload = "bob".into(),
            |event| event.metadata = Metadata::new(),
            |event| event.tags = Tags::NONE,
        ];
        for (number, change) in changed.into_iter().enumerate() {
            let mut other = event();
            change(&mut other);
            assert_ne!(of(&[other], &[]), of(&[event()], &[]), "change {number}");
        }
        let changed: [fn(&mut Snapshot); 6] = [
            |snapshot| snapshot.version = Version::new(2),
            |snapshot| snapshot.schema_version = 2,
            |snapshot| snapshot.encoding = Encoding::JSON,
            |snapshot| snapshot.stream = StreamId::new("account-8").unwrap(),
            |snapshot| snapshot.state_type = EventType::new("Other").unwrap(),
            |snapshot| snapshot.payload = "43".into(),
        ];
        for (number, change) in changed.into_iter().enumerate() {
            let mut other = snapshot();
            change(&mut other);
            assert_ne!(of(&[], &[other]), of(&[], &[snapshot()]), "change {number} of a snapshot");
        }
    }

    #[test]
    fn nothing_moves_from_one_field_to_the_next_unseen() {
        let (mut one, mut other) = (event(), event());
        (one.stream, one.event_type) = (StreamId::new("ab").unwrap(), EventType::new("c").unwrap());
        (other.stream, other.event_type) = (StreamId::new("a").unwrap(), EventType::new("bc").unwrap());
        assert_ne!(of(&[one], &[]), of(&[other], &[]));
    }
}
