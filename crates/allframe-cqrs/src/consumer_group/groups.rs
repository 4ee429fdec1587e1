use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use eventstore_api::{
    EventFilter, EventStoreBackend, EventType, GlobalPosition, StreamId, StreamRange, Subscription, Timestamp,
};

use super::{
    GroupError, Lag, MemberId, ParkedEvent, PartitionStatus,
    control::{
        ControlEvent, ControlStream, ControlStreams, Definition, LedgerFile, MemberNote, PartitionState,
        from_record,
    },
};
use crate::EventStore;

/// The consumer groups in a store, for people: how far each is, and who is at work. The types of their events are not needed.
///
/// ```
/// # use allframe_cqrs::event;
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Ordered { item: u64 }
/// use allframe_cqrs::{EventStore, consumer_group::{ConsumerGroups, GroupError}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let store = EventStore::<Ordered>::new();
/// store.consumer_group("shipping").with_partitions(2).open().await?;
///
/// let groups = ConsumerGroups::of(&store).list().await?;
/// assert_eq!((groups[0].name.as_str(), groups[0].partitions.len()), ("shipping", 2));
/// # Ok::<(), GroupError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct ConsumerGroups {
    backend: Arc<dyn EventStoreBackend>,
}

/// A consumer group as its store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupSummary {
    /// How it is named.
    pub name: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// How each partition stands. The lag is unknown, since neither the group's filter nor its keys are stored.
    pub partitions: Vec<PartitionStatus>,
    /// Those that have given a sign of life lately, by their ids.
    pub members: Vec<MemberSummary>,
}

/// A member of a group, as it was heard of last.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberSummary {
    /// Which.
    pub member: MemberId,
    /// When the store recorded its last sign of life.
    pub seen_at: Timestamp,
    /// Whether it has closed.
    pub has_left: bool,
}

/// How many signs of life are looked at, from the last one on.
const SIGNS: usize = 1_000;

impl ConsumerGroups {
    /// The groups in this store.
    #[must_use]
    pub fn of<E, B: EventStoreBackend>(store: &EventStore<E, B>) -> Self {
        Self { backend: store.shared_backend() }
    }

    /// All groups, by their names. One that cannot be read hides the others: who wants those asks for the
    /// [`names`](Self::names), and for each.
    ///
    /// # Errors
    ///
    /// As [`names`](Self::names) and [`named`](Self::named).
    pub async fn list(&self) -> Result<Vec<GroupSummary>, GroupError> {
        let mut groups = Vec::new();
        for name in self.names().await? {
            groups.extend(self.named(&name).await?);
        }
        Ok(groups)
    }

    /// The names of all groups, in their order. Reads the events that define groups.
    ///
    /// # Errors
    ///
    /// [`GroupError::Store`] with what the store answered.
    pub async fn names(&self) -> Result<Vec<String>, GroupError> {
        let filter = EventFilter::types([EventType::new(Definition::TYPE)?]);
        let mut definitions =
            Subscription::new(Arc::new(Arc::clone(&self.backend)), GlobalPosition::START, filter);
        let mut names = BTreeSet::new();
        while let Some(record) = definitions.next_stored().await? {
            // Who writes such an event elsewhere has made no group.
            names.extend(name_of(&record.stream).filter(|name| ControlStreams::of(name.clone()).is_ok()));
        }
        Ok(names.into_iter().collect())
    }

    /// The group of this name; `None` where there is none. Reads its definition, the last state of each partition, what is parked
    /// there, and the last thousand signs of life.
    ///
    /// # Errors
    ///
    /// [`GroupError::Store`] with what the store answered, [`GroupError::InvalidName`], and [`GroupError::Unreadable`] and
    /// [`GroupError::NewerForm`] for what the control streams hold.
    pub async fn named(&self, group: &str) -> Result<Option<GroupSummary>, GroupError> {
        let streams = ControlStreams::of(group.to_owned())?;
        let Some((definition, made_at)) = self.definition(&streams).await? else { return Ok(None) };
        Ok(Some(GroupSummary {
            name: streams.name().to_owned(),
            made_at,
            partitions: self.partitions(&streams, &definition).await?,
            members: self.members(&streams).await?,
        }))
    }

    /// Every event that a group has parked, from old to new; none where there is no group of this name.
    ///
    /// # Errors
    ///
    /// As [`named`](Self::named).
    pub async fn parked(&self, group: &str) -> Result<Vec<ParkedEvent>, GroupError> {
        let streams = ControlStreams::of(group.to_owned())?;
        let Some((definition, _)) = self.definition(&streams).await? else { return Ok(Vec::new()) };
        let mut parked = Vec::new();
        for partition in 0..definition.partitions.get() {
            let file = LedgerFile::load(&self.backend, streams.id(ControlStream::Parked(partition))?).await?;
            for entry in file.ledger.entries() {
                parked.push(ParkedEvent::new(entry, file.ledger.is_replaying(&entry.key))?);
            }
        }
        parked.sort_by_key(|event| event.position);
        Ok(parked)
    }

    /// And when the store recorded it.
    async fn definition(
        &self,
        streams: &ControlStreams,
    ) -> Result<Option<(Definition, Timestamp)>, GroupError> {
        let stream = streams.id(ControlStream::Definition)?;
        let page = self.backend.read_stream(&stream, StreamRange::all().limit(1)).await?;
        let Some(record) = page.events.first() else { return Ok(None) };
        Ok(Some((from_record(record)?, record.recorded_at)))
    }

    async fn partitions(
        &self,
        streams: &ControlStreams,
        definition: &Definition,
    ) -> Result<Vec<PartitionStatus>, GroupError> {
        let mut statuses = Vec::new();
        for partition in 0..definition.partitions.get() {
            let stream = streams.id(ControlStream::Partition(partition))?;
            let last = self.backend.read_stream(&stream, StreamRange::backward().limit(1)).await?;
            let state: PartitionState = match last.events.first() {
                Some(record) => from_record(record)?,
                None => PartitionState { checkpoint: definition.start, ..PartitionState::default() },
            };
            let file = LedgerFile::load(&self.backend, streams.id(ControlStream::Parked(partition))?).await?;
            statuses.push(PartitionStatus {
                partition,
                holder: state.holder,
                checkpoint: GlobalPosition::new(state.checkpoint),
                lag: Lag::Unknown,
                in_flight: None,
                parked: file.ledger.len(),
            });
        }
        Ok(statuses)
    }

    async fn members(&self, streams: &ControlStreams) -> Result<Vec<MemberSummary>, GroupError> {
        let range = StreamRange::backward().limit(SIGNS);
        let page = self.backend.read_stream(&streams.id(ControlStream::Members)?, range).await?;
        let mut members: BTreeMap<MemberId, MemberSummary> = BTreeMap::new();
        for record in &page.events {
            let (member, has_left) = match from_record(record)? {
                MemberNote::Alive { member } => (member, false),
                MemberNote::Left { member } => (member, true),
            };
            // The last one comes first.
            let seen_at = record.recorded_at;
            members.entry(member.clone()).or_insert(MemberSummary { member, seen_at, has_left });
        }
        Ok(members.into_values().collect())
    }
}

/// The group whose definition this stream holds.
fn name_of(stream: &StreamId) -> Option<String> {
    let name = stream.as_str().strip_prefix("$group-")?.strip_suffix("/definition")?;
    Some(name.to_owned())
}

impl fmt::Debug for ConsumerGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerGroups").finish_non_exhaustive()
    }
}
