use eventstore_api::{GlobalPosition, ReadAll, StreamRange};
use std::collections::BTreeSet;

use super::{
    GroupError, MemberId,
    control::{ControlStream, LedgerFile, PartitionState, from_record},
    settings::GroupCore,
};
use crate::{
    Event, EventStoreBackend,
    event_store::{to_recorded, typed_filter},
};

/// How many events are looked at before a lag is not counted further.
const MAX_COUNTED: u64 = 10_000;

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

/// A number of events, as far as it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lag {
    /// So many.
    Exactly(u64),
    /// So many, and perhaps more: 10 000 events of the group were looked at, and then no more.
    AtLeast(u64),
}

/// How each partition stands, by what is in the store.
pub(super) async fn stored_status<E: Event, B: EventStoreBackend>(
    core: &GroupCore<E, B>,
) -> Result<Vec<PartitionStatus>, GroupError> {
    let backend = core.store.backend();
    let mut statuses = Vec::new();
    let mut settled = Vec::new();
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
            lag: Lag::Exactly(0),
            in_flight: None,
            parked: file.ledger.len(),
        });
        settled.push(state.settled.into_iter().collect::<BTreeSet<u64>>());
    }
    count_lags(core, &mut statuses, &settled).await?;
    Ok(statuses)
}

/// Reads on from the lowest checkpoint, for all partitions at once.
async fn count_lags<E: Event, B: EventStoreBackend>(
    core: &GroupCore<E, B>,
    statuses: &mut [PartitionStatus],
    settled: &[BTreeSet<u64>],
) -> Result<(), GroupError> {
    let lowest = statuses.iter().map(|status| status.checkpoint).min().unwrap_or_default();
    let mut query = ReadAll::after(lowest).filter(typed_filter::<E>(&core.settings.filter));
    let mut counts = vec![0_u64; statuses.len()];
    let mut looked_at = 0_u64;
    let mut all_counted = false;
    while !all_counted && looked_at < MAX_COUNTED {
        let page = core.store.backend().read_all(&query).await?;
        query = query.next_page(&page);
        all_counted = page.end_reached;
        for record in page.events {
            looked_at += 1;
            let (stream, position) = (record.stream.clone(), record.position);
            let event = core.key_of.as_ref().and_then(|_| to_recorded(record).ok());
            let place = core.partition_of(&core.key_of(event.as_ref(), &stream)) as usize;
            let (Some(status), Some(settled), Some(count)) =
                (statuses.get(place), settled.get(place), counts.get_mut(place))
            else {
                continue;
            };
            if position > status.checkpoint && !settled.contains(&position.get()) {
                *count += 1;
            }
        }
    }
    for (status, count) in statuses.iter_mut().zip(counts) {
        status.lag = if all_counted { Lag::Exactly(count) } else { Lag::AtLeast(count) };
    }
    Ok(())
}
