use std::collections::{BTreeMap, HashMap};

use eventstore_api::{EventFilter, EventStoreBackend, RecordedEvent, StreamRange, Subscription, Version};
use tokio::time::{Duration, Instant};

use crate::{
    Event,
    consumer_group::{
        GroupError, MemberId,
        control::{ControlStream, MemberNote, PartitionState, from_record},
        settings::GroupCore,
    },
};

/// What a member sees of the group: who gives signs of life, and who holds what.
///
/// Every time is this member's own, of when it *read* a sign: later than when it was given. So no clocks are compared, and a
/// member is never taken for dead before it knows itself that its lease has run out.
pub(super) struct Roster<B> {
    feed: Subscription<B>,
    /// Every sign that was given before then has been read.
    observed_at: Instant,
    seen: HashMap<MemberId, Instant>,
    partitions: BTreeMap<u32, Observed>,
    /// The last version of each stream of parked events, as far as one was seen.
    parked: BTreeMap<u32, Version>,
}

/// The last state of a partition that was seen.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) version: Version,
    pub(super) state: PartitionState,
}

impl<B: EventStoreBackend> Roster<B> {
    /// How the group stands now. Whoever holds a partition counts as seen now.
    pub(super) async fn load<E: Event>(core: &GroupCore<E, B>) -> Result<Self, GroupError> {
        let backend = core.store.backend();
        let observed_at = Instant::now();
        let head = backend.head().await?;
        let filter = EventFilter::stream_prefix(core.streams.prefix());
        let mut roster = Self {
            feed: Subscription::new(core.store.shared_backend(), head, filter),
            observed_at,
            seen: HashMap::new(),
            partitions: BTreeMap::new(),
            parked: BTreeMap::new(),
        };
        for partition in 0..core.partitions {
            let stream = core.streams.id(ControlStream::Partition(partition))?;
            let last = backend.read_stream(&stream, StreamRange::backward().limit(1)).await?;
            match last.events.first() {
                Some(record) => roster.note_partition(partition, record)?,
                None => {
                    let state = PartitionState { checkpoint: core.start, ..PartitionState::default() };
                    roster.partitions.insert(partition, Observed { version: Version::NONE, state });
                }
            }
        }
        Ok(roster)
    }

    /// Takes in everything that was appended to the control streams since.
    pub(super) async fn observe<E: Event>(&mut self, core: &GroupCore<E, B>) -> Result<(), GroupError> {
        loop {
            let before = Instant::now();
            let Some(record) = self.feed.next_stored().await? else {
                self.observed_at = before;
                return Ok(());
            };
            match core.streams.which(&record.stream) {
                Some(ControlStream::Members) => match from_record(&record)? {
                    MemberNote::Alive { member } => {
                        self.seen.insert(member, Instant::now());
                    }
                    MemberNote::Left { member } => {
                        self.seen.remove(&member);
                    }
                },
                Some(ControlStream::Partition(partition)) => self.note_partition(partition, &record)?,
                Some(ControlStream::Parked(partition)) => {
                    self.parked.insert(partition, record.version);
                }
                Some(ControlStream::Definition) | None => {}
            }
        }
    }

    /// The members that have given a sign within this time, in an order that all of them agree on.
    pub(super) fn alive(&self, lease: Duration) -> Vec<MemberId> {
        let alive = self.seen.iter().filter(|(_, seen)| is_within(self.observed_at, **seen, lease));
        let mut alive: Vec<_> = alive.map(|(member, _)| member.clone()).collect();
        alive.sort_unstable();
        alive
    }

    pub(super) fn partition(&self, partition: u32) -> Option<&Observed> {
        self.partitions.get(&partition)
    }

    pub(super) fn parked_version(&self, partition: u32) -> Option<Version> {
        self.parked.get(&partition).copied()
    }

    /// Forgets those that have been silent for so long that nobody asks for them.
    pub(super) fn forget_the_dead(&mut self, lease: Duration) {
        let observed_at = self.observed_at;
        self.seen.retain(|_, seen| is_within(observed_at, *seen, lease));
    }

    fn note_partition(&mut self, partition: u32, record: &RecordedEvent) -> Result<(), GroupError> {
        let state: PartitionState = from_record(record)?;
        if let Some(holder) = &state.holder {
            self.seen.insert(holder.clone(), Instant::now());
        }
        // The feed begins before the state that was loaded, and may bring older ones.
        if self.partition(partition).is_none_or(|known| known.version < record.version) {
            self.partitions.insert(partition, Observed { version: record.version, state });
        }
        Ok(())
    }
}

/// Whether a sign was seen within this time before the last look at the signs. The time that has passed since does not
/// count: a store that answers late hides the signs that were given meanwhile.
fn is_within(observed_at: Instant, seen: Instant, lease: Duration) -> bool {
    observed_at.saturating_duration_since(seen) < lease
}
