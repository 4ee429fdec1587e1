use std::collections::{BTreeMap, BTreeSet};

use eventstore_api::{AppendBatch, Appended, EventStoreBackend, ExpectedVersion, StoreError, Version};

use super::{ControlStream, ControlStreams, ParkedChange, PartitionState, to_event};
use crate::{Error, EventStore, consumer_group::GroupError};

/// A new state of a partition, together with what changes among its parked events.
#[derive(Debug)]
pub(in crate::consumer_group) struct PartitionWrite {
    pub(in crate::consumer_group) partition: u32,
    /// The version that whoever writes has seen last: a later one is somebody else's, who holds the partition now.
    pub(in crate::consumer_group) expected: Version,
    pub(in crate::consumer_group) state: PartitionState,
    pub(in crate::consumer_group) parked: Vec<ParkedChange>,
}

/// What became of the writes.
#[derive(Debug, Default)]
pub(in crate::consumer_group) struct Written {
    /// The new versions of the partitions that were written.
    pub(in crate::consumer_group) versions: BTreeMap<u32, Version>,
    /// Where the changes among their parked events are, of those that have some.
    pub(in crate::consumer_group) parked: BTreeMap<u32, Appended>,
    /// The partitions in which somebody else had written before.
    pub(in crate::consumer_group) refused: BTreeSet<u32>,
}

/// Writes all of it in one append, but for the partitions that others have taken.
pub(in crate::consumer_group) async fn write_partitions<E, B: EventStoreBackend>(
    store: &EventStore<E, B>,
    streams: &ControlStreams,
    mut writes: Vec<PartitionWrite>,
) -> Result<Written, GroupError> {
    let mut written = Written::default();
    while !writes.is_empty() {
        match store.append_records(batch_of(streams, &writes)?).await {
            Ok(outcomes) => {
                // As `batch_of` has them.
                let mut outcomes = outcomes.into_iter();
                let states = writes.iter().map(|write| write.partition);
                written.versions =
                    states.zip(outcomes.by_ref().map(|appended| appended.last_version)).collect();
                let with_parked = writes.iter().filter(|write| !write.parked.is_empty());
                written.parked = with_parked.map(|write| write.partition).zip(outcomes).collect();
                break;
            }
            Err(Error::Store(StoreError::WrongExpectedVersion { stream, expected, actual })) => {
                let Some(ControlStream::Partition(taken)) = streams.which(&stream) else {
                    return Err(StoreError::WrongExpectedVersion { stream, expected, actual }.into());
                };
                writes.retain(|write| write.partition != taken);
                written.refused.insert(taken);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(written)
}

/// The states first, in their order, and then what changes among the parked events: those of an operator may come in
/// between, so that they have no guard of their own.
fn batch_of(streams: &ControlStreams, writes: &[PartitionWrite]) -> Result<AppendBatch, GroupError> {
    let mut batch = AppendBatch::new();
    for write in writes {
        let stream = streams.id(ControlStream::Partition(write.partition))?;
        batch = batch.append(stream, ExpectedVersion::Exact(write.expected), vec![to_event(&write.state)?]);
    }
    for write in writes.iter().filter(|write| !write.parked.is_empty()) {
        let stream = streams.id(ControlStream::Parked(write.partition))?;
        let changes = write.parked.iter().map(to_event).collect::<Result<_, _>>()?;
        batch = batch.append(stream, ExpectedVersion::Any, changes);
    }
    Ok(batch)
}
