use eventstore_api::EventStoreBackend;
use tokio::time::Instant;

use super::{LONGEST_WAIT, Member};
use crate::{
    Event,
    consumer_group::{
        GroupError,
        control::{ControlStream, MemberNote, PartitionWrite, Written, to_event, write_partitions},
    },
};

impl<E: Event, B: EventStoreBackend> Member<E, B> {
    /// Sees to it that what is settled is written: at once where it is much, and otherwise after a while.
    pub(super) fn plan_save(&mut self) {
        let settings = &self.core.settings;
        let unsaved: usize = self.tenures.values().map(super::Tenure::unsaved).sum();
        let now = Instant::now();
        if unsaved >= settings.checkpoint_events {
            let soonest = now.max(self.saves_from);
            self.save_at = Some(self.save_at.unwrap_or(soonest).min(soonest));
        } else if self.save_at.is_none() && self.tenures.values().any(super::Tenure::is_dirty) {
            self.save_at = Some(now + settings.checkpoint_interval.min(LONGEST_WAIT));
        }
    }

    /// Writes the state of every partition that has changed, in one append.
    pub(super) async fn save(&mut self) -> Result<(), GroupError> {
        self.note_reading();
        let changed: Vec<u32> =
            self.tenures.iter().filter(|(_, tenure)| tenure.is_dirty()).map(|(number, _)| *number).collect();
        self.write(&changed).await
    }

    /// Writes the state of the partitions whose checkpoint has moved without any event to settle, so that whoever goes on
    /// there need not read so much again.
    pub(super) async fn save_moved(&mut self) -> Result<(), GroupError> {
        self.note_reading();
        let moved: Vec<u32> =
            self.tenures.iter().filter(|(_, tenure)| tenure.has_moved()).map(|(number, _)| *number).collect();
        self.write(&moved).await
    }

    /// Writes a last state, in which nobody holds the partitions, and that the member is gone.
    pub(super) async fn leave(&mut self) -> Result<(), GroupError> {
        let held: Vec<u32> = self.tenures.keys().copied().collect();
        self.note_reading();
        self.release(&held).await?;
        self.tell(MemberNote::Left { member: self.id.clone() }).await
    }

    /// Gives these partitions up, for others to take.
    pub(super) async fn release(&mut self, partitions: &[u32]) -> Result<(), GroupError> {
        let writes = partitions.iter().filter_map(|number| {
            let tenure = self.tenures.get(number)?;
            Some(PartitionWrite {
                partition: *number,
                expected: tenure.version,
                state: tenure.state(None),
                parked: tenure.pending().to_vec(),
            })
        });
        let writes = writes.collect();
        let outcome = write_partitions(&self.core.store, &self.core.streams, writes).await;
        if outcome.as_ref().is_ok() || outcome.as_ref().is_err_and(is_unsettled) {
            partitions.iter().for_each(|number| drop(self.tenures.remove(number)));
        }
        outcome.map(drop)
    }

    async fn write(&mut self, partitions: &[u32]) -> Result<(), GroupError> {
        let holder = Some(self.id.clone());
        let writes = partitions.iter().filter_map(|number| {
            let tenure = self.tenures.get(number)?;
            Some(PartitionWrite {
                partition: *number,
                expected: tenure.version,
                state: tenure.state(holder.clone()),
                parked: tenure.pending().to_vec(),
            })
        });
        let writes = writes.collect();
        self.save_at = None;
        match write_partitions(&self.core.store, &self.core.streams, writes).await {
            Ok(written) => self.note_written(written).await,
            Err(error) => {
                if is_unsettled(&error) {
                    // Nobody knows which version they have now: the next beat takes them anew.
                    partitions.iter().for_each(|number| drop(self.tenures.remove(number)));
                } else {
                    self.saves_from = Instant::now() + self.core.settings.heartbeat();
                    self.save_at = Some(self.saves_from);
                }
                Err(error)
            }
        }
    }

    async fn note_written(&mut self, written: Written) -> Result<(), GroupError> {
        for partition in written.refused {
            self.lose(partition);
        }
        let mut between_others = Vec::new();
        for (partition, version) in written.versions {
            let Some(tenure) = self.tenures.get_mut(&partition) else { continue };
            tenure.saved_as(version);
            let Some(parked) = written.parked.get(&partition) else { continue };
            if tenure.file.goes_on_with(parked) {
                tenure.file.snapshot_if_due(self.core.store.backend()).await;
            } else {
                between_others.push(partition);
            }
        }
        let mut outcome = Ok(());
        for partition in between_others {
            let loaded = self.load_ledger(partition).await;
            match (loaded, self.tenures.get_mut(&partition)) {
                (Ok(file), Some(tenure)) => tenure.file = file,
                (Ok(_), None) => {}
                (Err(error), _) => {
                    // Its ledger is not what is stored: the next beat takes it anew.
                    self.tenures.remove(&partition);
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    /// Another member holds the partition: what was going on there is over.
    pub(super) fn lose(&mut self, partition: u32) {
        if self.tenures.remove(&partition).is_some() {
            tracing::info!(partition, member = %self.id, group = self.core.streams.name(), "a partition was taken over");
        }
    }

    /// Appends to the stream of members.
    pub(super) async fn tell(&self, note: MemberNote) -> Result<(), GroupError> {
        let stream = self.core.streams.id(ControlStream::Members)?;
        let batch = eventstore_api::AppendBatch::single(
            stream,
            eventstore_api::ExpectedVersion::Any,
            vec![to_event(&note)?],
        );
        self.core.store.append_settled(batch).await?;
        Ok(())
    }
}

/// Whether a write may have happened or not.
fn is_unsettled(error: &GroupError) -> bool {
    matches!(error, GroupError::Store(error) if !error.outcome_is_known())
}
