use eventstore_api::{Encoding, EventType, GlobalPosition, NewEvent, RecordedEvent, StreamId, Version};
use serde::{Deserialize, Serialize};

use super::{CopyError, CopyOrder, EventPlace, batch::CopyBatch, checksum::Digest, report::CopyTotals};

/// Under which name marks are stored.
const MARK_TYPE: &str = "$copy.mark";

/// How far a copy is: the last event of every append that it makes, and so there exactly where the rest of it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Of the transform.
    pub(super) transform: u32,
    pub(super) order: CopyOrder,
    /// The last event of the source that was read; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<SourceEvent>,
    /// How many there are of the copy's events before this one in the same append.
    pub(super) events: u64,
    /// Of these.
    pub(super) checksum: Digest,
    /// Since the copy was begun.
    pub(super) totals: CopyTotals,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verified: Option<Verified>,
}

/// An event of the source, and enough of it to know it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SourceEvent {
    pub(super) position: u64,
    pub(super) stream: String,
    pub(super) version: u64,
    pub(super) id: String,
}

/// Up to where the copy was found to be right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Verified {
    source: u64,
    target: u64,
}

impl Verified {
    pub(super) fn new(source: GlobalPosition, target: GlobalPosition) -> Self {
        Self { source: source.get(), target: target.get() }
    }

    pub(super) fn source(&self) -> GlobalPosition {
        GlobalPosition::new(self.source)
    }

    pub(super) fn target(&self) -> GlobalPosition {
        GlobalPosition::new(self.target)
    }
}

impl Mark {
    /// The mark of a copy that has read nothing.
    pub(super) fn first(transform: u32, nothing: &CopyBatch, order: CopyOrder) -> Self {
        Self {
            transform,
            order,
            source: None,
            events: 0,
            checksum: nothing.checksum().finish(),
            totals: CopyTotals::default(),
            verified: None,
        }
    }

    /// The mark after this batch.
    pub(super) fn after(&self, batch: &CopyBatch, order: CopyOrder) -> Self {
        Self {
            transform: self.transform,
            order,
            source: batch.last.as_ref().map(SourceEvent::of).or_else(|| self.source.clone()),
            events: u64::try_from(batch.events()).unwrap_or(u64::MAX),
            checksum: batch.checksum().finish(),
            totals: self.totals.and(&batch.counts),
            verified: self.verified,
        }
    }

    /// Up to where the source is copied.
    pub(super) fn position(&self) -> GlobalPosition {
        self.source.as_ref().map_or(GlobalPosition::START, |event| GlobalPosition::new(event.position))
    }

    pub(super) fn to_event(
        &self,
        failed: impl Fn(serde_json::Error) -> CopyError,
    ) -> Result<NewEvent, CopyError> {
        let payload = serde_json::to_vec(self).map_err(failed)?;
        let event_type = EventType::new(MARK_TYPE).map_err(|error| CopyError::Target(error.into()))?;
        Ok(NewEvent::new(event_type, payload).with_encoding(Encoding::JSON))
    }

    pub(super) fn of(record: &RecordedEvent) -> Result<Self, CopyError> {
        serde_json::from_slice(&record.payload).map_err(|error| CopyError::UnreadableMark {
            stream: record.stream.clone(),
            version: record.version,
            source: error.into(),
        })
    }
}

impl SourceEvent {
    fn of(place: &EventPlace) -> Self {
        Self {
            position: place.position.get(),
            stream: place.stream.as_str().to_owned(),
            version: place.version.get(),
            id: place.id.to_string(),
        }
    }

    /// Where to look for it.
    pub(super) fn place(&self) -> Option<(StreamId, Version)> {
        StreamId::new(self.stream.clone()).ok().map(|stream| (stream, Version::new(self.version)))
    }

    pub(super) fn is(&self, record: &RecordedEvent) -> bool {
        record.position.get() == self.position && record.id.to_string() == self.id
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventId, Metadata, Placement, Tags, Timestamp, reexports::uuid::Uuid};

    use super::*;
    use crate::copy::{checksum::Checksum, limits::Limits};

    fn written() -> NewEvent {
        let id = EventId::from_uuid(Uuid::from_u128(0x0190_8f3e_55aa_7bcd_8123_4567_89ab_cdef));
        NewEvent::identified(id, EventType::new("Opened").unwrap(), r#"{"owner":"ann"}"#)
            .with_schema_version(3)
            .with_encoding(Encoding::JSON)
            .with_metadata(Metadata::new().with_correlation_id("request-9"))
            .with_tags(Tags::parse(["branch:berlin"]).unwrap())
    }

    fn recorded() -> RecordedEvent {
        let (stream, version) = (StreamId::new("account-7").unwrap(), Version::new(2));
        let (position, recorded_at) = (GlobalPosition::new(41), Timestamp::from_micros(5));
        written().record(Placement { stream, version, position, recorded_at })
    }

    #[test]
    fn a_mark_in_a_store_is_read_for_ever() {
        let mut checksum = Checksum::default();
        checksum.add_recorded(&recorded());
        let mark = Mark {
            transform: 3,
            order: CopyOrder::Streams,
            source: Some(SourceEvent::of(&EventPlace::of(&recorded()))),
            events: 1,
            checksum: checksum.finish(),
            totals: CopyTotals { read: 4, written: 1, discarded: 2, left_out: 1 },
            verified: Some(Verified::new(GlobalPosition::new(7), GlobalPosition::new(8))),
        };
        let stored = concat!(
            r#"{"transform":3,"order":"streams","#,
            r#""source":{"position":41,"stream":"account-7","version":2,"id":"01908f3e-55aa-7bcd-8123-456789abcdef"},"#,
            r#""events":1,"checksum":"9d05a9159f725ee3","#,
            r#""totals":{"read":4,"written":1,"discarded":2,"left_out":1},"verified":{"source":7,"target":8}}"#,
        );
        assert_eq!(serde_json::to_string(&mark).unwrap(), stored);
        let read: Mark = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        assert!(read.source.unwrap().is(&recorded()));
    }

    #[test]
    fn a_mark_of_nothing_says_no_more_than_it_knows() {
        let nothing = CopyBatch::new(Limits::default());
        let first = Mark::first(1, &nothing, CopyOrder::Positions);
        assert_eq!(
            serde_json::to_string(&first).unwrap(),
            concat!(
                r#"{"transform":1,"order":"positions","events":0,"checksum":"cbf29ce484222325","#,
                r#""totals":{"read":0,"written":0,"discarded":0,"left_out":0}}"#,
            )
        );
    }

    #[test]
    fn what_was_written_and_what_is_read_have_one_checksum() {
        let (mut one, mut other) = (Checksum::default(), Checksum::default());
        one.add_new(&recorded().stream, &written());
        other.add_recorded(&recorded());
        assert_eq!(one.finish(), other.finish());
    }
}
