use eventstore_api::{EventStoreBackend, GlobalPosition, StreamRange};

use super::{
    GroupError, Lag, MemberId,
    control::{ControlStream, LedgerFile, PartitionState, from_record},
    lag::{Backlog, lags},
    settings::GroupCore,
};
use crate::Event;

/// How a partition of a group stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// Which one, from 0.
    pub partition: u32,
    /// The member that works on it, or did until it died; none where it was given up.
    pub holder: Option<MemberId>,
    /// Every event up to here is done with: acknowledged or parked.
    pub checkpoint: GlobalPosition,
    /// How many events are stored that no checkpoint says are done with.
    pub lag: Lag,
    /// How many deliveries are out; known to the member alone that holds the partition.
    pub in_flight: Option<usize>,
    /// How many events are parked.
    pub parked: usize,
}

/// How each partition stands, by what is in the store.
pub(super) async fn stored_status<E: Event, B: EventStoreBackend>(
    core: &GroupCore<E, B>,
) -> Result<Vec<PartitionStatus>, GroupError> {
    let backend = core.store.backend();
    let mut statuses = Vec::new();
    let mut backlogs = Vec::new();
    for partition in 0..core.partitions {
        let stream = core.streams.id(ControlStream::Partition(partition))?;
        let last = backend.read_stream(&stream, StreamRange::backward().limit(1)).await?;
        let state: PartitionState = match last.events.first() {
            Some(record) => from_record(record)?,
            None => PartitionState { checkpoint: core.start, ..PartitionState::default() },
        };
        let file = LedgerFile::load(backend, core.streams.id(ControlStream::Parked(partition))?).await?;
        statuses.push(PartitionStatus {
            partition,
            holder: state.holder,
            checkpoint: GlobalPosition::new(state.checkpoint),
            lag: Lag::Unknown,
            in_flight: None,
            parked: file.ledger.len(),
        });
        backlogs.push(Backlog {
            checkpoint: GlobalPosition::new(state.checkpoint),
            settled: state.settled.into_iter().collect(),
        });
    }
    for (status, lag) in statuses.iter_mut().zip(lags(core, &backlogs).await?) {
        status.lag = lag;
    }
    Ok(statuses)
}
