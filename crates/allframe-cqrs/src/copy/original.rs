//! What a copied event keeps of the one that it was made of.

use std::hash::Hasher as _;

use eventstore_api::{EventId, NewEvent, RecordedEvent, Timestamp, reexports::uuid};

/// The name of the metadata entry under which a copied event says when the original was recorded, in whole microseconds
/// since 1970-01-01T00:00:00Z. [`originally_recorded_at`] reads it.
pub const ORIGINALLY_RECORDED_AT: &str = "originally_recorded_at";

/// When an event was recorded first: before it was copied, however often; `recorded_at` of one that never was.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use allframe_cqrs::{EventStore, InMemoryBackend, copy::{StoreCopy, originally_recorded_at}, event};
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Deposited { amount: u64 }
///
/// let (old, new) = (EventStore::new(), EventStore::<Deposited>::new());
/// old.append("account-7", vec![Deposited { amount: 1 }]).await?;
/// StoreCopy::new("to-new").from(old.backend()).to(new.backend()).run().await?;
///
/// let first = old.get_matching(&Default::default()).await?.events.remove(0);
/// let copied = new.get_matching(&Default::default()).await?.events.remove(0);
/// assert_eq!(originally_recorded_at(&copied.record), first.recorded_at());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use]
pub fn originally_recorded_at(record: &RecordedEvent) -> Timestamp {
    let kept = record.metadata.get(ORIGINALLY_RECORDED_AT).and_then(|micros| micros.parse().ok());
    kept.map_or(record.recorded_at, Timestamp::from_micros)
}

/// The event that a record is a record of, with the time of the record beside it.
pub(super) fn event_of(record: &RecordedEvent) -> NewEvent {
    let event = NewEvent::identified(record.id, record.event_type.clone(), record.payload.clone())
        .with_schema_version(record.schema_version)
        .with_encoding(record.encoding)
        .with_metadata(record.metadata.clone())
        .with_tags(record.tags.clone());
    with_original_time(event, record)
}

/// The same event, with the time of the record beside it, unless it has one already: that of an earlier copy.
pub(super) fn with_original_time(mut event: NewEvent, record: &RecordedEvent) -> NewEvent {
    if event.metadata.get(ORIGINALLY_RECORDED_AT).is_none() {
        let micros = originally_recorded_at(record).as_micros().to_string();
        event.metadata = event.metadata.with(ORIGINALLY_RECORDED_AT, micros);
    }
    event
}

/// The id of what else is made of an event, beside the first, which has the event's own: always the same one.
///
/// The first 48 bits, in which a generated id holds its time, stay, so that ids go on to sort by it.
pub(super) fn derived_id(id: EventId, part: u64) -> EventId {
    const TIME_BYTES: usize = 6;
    let mut bytes = *id.as_bytes();
    let hashes = [0_u8, 1].map(|half| {
        let mut hasher = fnv::FnvHasher::default();
        hasher.write(id.as_bytes());
        hasher.write(&part.to_le_bytes());
        hasher.write(&[half]);
        scattered(hasher.finish()).to_le_bytes()
    });
    let rest = bytes.iter_mut().skip(TIME_BYTES);
    rest.zip(hashes.into_iter().flatten()).for_each(|(byte, hashed)| *byte = hashed);
    EventId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// FNV leaves its last bytes in few bits (the finaliser of `SplitMix64`).
fn scattered(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn derived_ids_are_always_the_same_and_differ_from_each_other() {
        let ids: Vec<EventId> = (0..100).map(|_| EventId::generate()).collect();
        let derived: Vec<EventId> =
            ids.iter().flat_map(|id| (1..=50).map(|part| derived_id(*id, part))).collect();
        let again = ids.iter().flat_map(|id| (1..=50).map(|part| derived_id(*id, part)));
        assert!(derived.iter().copied().eq(again));
        let all: HashSet<_> = ids.iter().chain(&derived).collect();
        assert_eq!(all.len(), 100 * 51);
    }

    #[test]
    fn a_derived_id_never_changes_and_keeps_the_time() {
        let id = EventId::from_uuid(uuid::Uuid::from_u128(0x0190_8f3e_55aa_7bcd_8123_4567_89ab_cdef));
        // It is in stores: it never changes.
        assert_eq!(derived_id(id, 1).to_string(), "01908f3e-55aa-89ef-a3ca-62392ede993d");
    }
}
