//! How much the store holds, and where it ends: written with every group of appends, so that it is of the same moment.
//!
//! ```text
//! events       u64    all little-endian
//! streams      u64
//! snapshots    u64
//! head         u64    the position of the last event
//! synced       4 u64  the same four, of what was durable already when this was written
//! recorded at  i64    of the last event, microseconds since 1970
//! greatest id  16 bytes
//! ```

use eventstore_api::{BackendStats, EventId, GlobalPosition, Timestamp, reexports::uuid::Uuid};

/// How many bytes a number takes, and how many all of it.
const NUMBER: usize = size_of::<u64>();
const BYTES: usize = 9 * NUMBER + NO_ID.len();
/// No count is greater: it could not be counted on from there.
const MOST: u64 = 1 << 62;
/// Stands where there is no event.
const NO_ID: [u8; 16] = [0; 16];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) counts: Counts,
    /// Of what was durable already when this was written: what other processes may show.
    pub(crate) synced: Counts,
    pub(crate) recorded_at: Timestamp,
    /// No event has a greater one: none of those that are appended with greater ones is there already.
    pub(crate) greatest_id: Option<EventId>,
}

/// How much there is up to some event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) streams: u64,
    pub(crate) snapshots: u64,
    pub(crate) head: GlobalPosition,
}

impl Counts {
    pub(crate) fn stats(&self) -> BackendStats {
        BackendStats::new(self.events, self.streams, self.snapshots, self.head)
    }

    /// Whether no count is greater than the other's.
    pub(crate) fn is_within(self, other: Self) -> bool {
        self.to_numbers().iter().zip(other.to_numbers()).all(|(ours, theirs)| *ours <= theirs)
    }

    fn to_numbers(self) -> [u64; 4] {
        [self.events, self.streams, self.snapshots, self.head.get()]
    }

    fn from_numbers([events, streams, snapshots, head]: [u64; 4]) -> Self {
        Self { events, streams, snapshots, head: GlobalPosition::new(head) }
    }
}

impl State {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        for number in self.counts.to_numbers().into_iter().chain(self.synced.to_numbers()) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.recorded_at.as_micros().to_le_bytes());
        let greatest_id = self.greatest_id.map_or(NO_ID, |id| *id.as_bytes());
        bytes.extend_from_slice(&greatest_id);
        bytes
    }

    /// `None` where these are not the bytes of one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != BYTES {
            return None;
        }
        let (numbers, _) = bytes.as_chunks::<NUMBER>();
        let [a, b, c, d, e, f, g, h, recorded_at, id @ ..] = numbers else { return None };
        let counts = Counts::from_numbers([a, b, c, d].map(|number| u64::from_le_bytes(*number)));
        let synced = Counts::from_numbers([e, f, g, h].map(|number| u64::from_le_bytes(*number)));
        let id = <[u8; 16]>::try_from(id.as_flattened()).ok()?;
        let is_possible = |counts: Counts| counts.to_numbers().iter().all(|number| *number <= MOST);
        (is_possible(counts) && is_possible(synced)).then(|| Self {
            counts,
            synced,
            recorded_at: Timestamp::from_micros(i64::from_le_bytes(*recorded_at)),
            greatest_id: (counts.events > 0).then(|| EventId::from_uuid(Uuid::from_bytes(id))),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn numbers() -> impl Strategy<Value = Vec<u8>> {
        let number = (any::<u64>(), 0..64_u32).prop_map(|(number, smaller)| number >> smaller);
        vec(number, BYTES / NUMBER).prop_map(|all| all.iter().flat_map(|it| it.to_le_bytes()).collect())
    }

    proptest! {
        #[test]
        fn any_numbers_are_a_state_or_none(bytes in numbers()) {
            if let Some(state) = State::from_bytes(&bytes) {
                prop_assert_eq!(State::from_bytes(&state.to_bytes()), Some(state));
            }
        }
    }

    #[test]
    fn what_could_not_be_counted_on_from_is_none() {
        let great = Counts { head: GlobalPosition::END, ..state().counts };
        assert_eq!(State::from_bytes(&State { counts: great, ..state() }.to_bytes()), None);
        assert_eq!(State::from_bytes(&State { synced: great, ..state() }.to_bytes()), None);
    }

    fn state() -> State {
        State {
            counts: Counts { events: 5, streams: 2, snapshots: 1, head: GlobalPosition::new(0x0102_0304) },
            synced: Counts { events: 4, streams: 2, snapshots: 1, head: GlobalPosition::new(0x0102_0303) },
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
