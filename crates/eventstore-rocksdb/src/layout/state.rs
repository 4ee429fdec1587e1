//! How much the store holds, and where it ends: written with every group of appends, so that it is of the same moment.
//!
//! ```text
//! events       u64    all little-endian
//! streams      u64
//! snapshots    u64
//! head         u64    the position of the last event
//! synced       u64    the position up to which everything was durable when this was written
//! recorded at  i64    of the last event, microseconds since 1970
//! greatest id  16 bytes
//! ```

use eventstore_api::{BackendStats, EventId, GlobalPosition, Timestamp, reexports::uuid::Uuid};

/// How many bytes it takes.
const BYTES: usize = 6 * size_of::<u64>() + size_of::<Uuid>();

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) events: u64,
    pub(crate) streams: u64,
    pub(crate) snapshots: u64,
    pub(crate) head: GlobalPosition,
    /// Up to where everything was durable already when this was written: what other processes may show.
    pub(crate) synced: GlobalPosition,
    pub(crate) recorded_at: Timestamp,
    /// No event has a greater one: none of those that are appended with greater ones is there already.
    pub(crate) greatest_id: Option<EventId>,
}

impl State {
    pub(crate) fn stats(&self) -> BackendStats {
        BackendStats::new(self.events, self.streams, self.snapshots, self.head)
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        for number in [self.events, self.streams, self.snapshots, self.head.get(), self.synced.get()] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.recorded_at.as_micros().to_le_bytes());
        bytes.extend_from_slice(self.greatest_id.as_ref().map_or(&[0; 16], EventId::as_bytes));
        bytes
    }

    /// `None` where these are not the bytes of one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<{ size_of::<u64>() }>();
        let [events, streams, snapshots, head, synced, recorded_at, id @ ..] = numbers else { return None };
        if !rest.is_empty() || bytes.len() != BYTES {
            return None;
        }
        let events = u64::from_le_bytes(*events);
        let id = <[u8; 16]>::try_from(id.as_flattened()).ok()?;
        Some(Self {
            events,
            streams: u64::from_le_bytes(*streams),
            snapshots: u64::from_le_bytes(*snapshots),
            head: GlobalPosition::new(u64::from_le_bytes(*head)),
            synced: GlobalPosition::new(u64::from_le_bytes(*synced)),
            recorded_at: Timestamp::from_micros(i64::from_le_bytes(*recorded_at)),
            greatest_id: (events > 0).then(|| EventId::from_uuid(Uuid::from_bytes(id))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            events: 5,
            streams: 2,
            snapshots: 1,
            head: GlobalPosition::new(0x0102_0304),
            synced: GlobalPosition::new(4),
            recorded_at: Timestamp::from_micros(-1),
            greatest_id: Some(EventId::from_uuid(Uuid::from_u128(0xabcd))),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(State::from_bytes(&state().to_bytes()), Some(state()));
        assert_eq!(State::from_bytes(&State::default().to_bytes()), Some(State::default()));
    }

    #[test]
    fn the_form_of_the_state_is_this() {
        let hex: String = state().to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        insta::assert_snapshot!(hex);
    }

    #[test]
    fn what_has_another_length_is_none() {
        let bytes = state().to_bytes();
        assert_eq!(State::from_bytes(bytes.split_last().unwrap().1), None);
        assert_eq!(State::from_bytes(&[bytes.as_slice(), &[0]].concat()), None);
        assert_eq!(State::from_bytes(&[]), None);
    }
}
