use std::{fmt, sync::Arc};

use eventstore_api::{AppendBatch, EventStoreBackend, ExpectedVersion, GlobalPosition, RecordedEvent};

use super::{
    Consumer, GroupError, ParkedEvent, PartitionStatus,
    control::{ControlStream, Ledger, LedgerFile, ParkedChange, to_event},
    parked::read_record,
    settings::GroupCore,
    status::stored_status,
};
use crate::Event;

/// A named consumer group on one store. Cloning one is cheap.
///
/// [`EventStore::consumer_group`](crate::EventStore::consumer_group) opens it; [`consumer_group`](crate::consumer_group)
/// says what it is.
pub struct ConsumerGroup<E, B> {
    core: Arc<GroupCore<E, B>>,
}

impl<E: Event, B: EventStoreBackend> ConsumerGroup<E, B> {
    pub(super) fn new(core: GroupCore<E, B>) -> Self {
        Self { core: Arc::new(core) }
    }

    /// How the group is named.
    #[must_use]
    pub fn name(&self) -> &str {
        self.core.streams.name()
    }

    /// How many partitions it has.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.core.partitions
    }

    /// Begins to consume, as one more member. Its share of the partitions comes as soon as others have given them up, or
    /// at once where nobody holds them.
    ///
    /// # Errors
    ///
    /// [`Error::NoRuntime`](crate::Error::NoRuntime) outside a tokio runtime, which needs its timers enabled.
    pub fn join(&self) -> Result<Consumer<E, B>, GroupError> {
        Consumer::begin(Arc::clone(&self.core))
    }

    /// How each partition stands, by what is in the store.
    ///
    /// Reads the last state of each partition and what is parked there, with three reads at least, and then the events
    /// behind the lowest checkpoint: about 10 000 of them, and where some partition has none among those, as many again from
    /// where it goes on, three times at most. Those that do not pass the filter are not counted there, but a store without
    /// an index for it has to pass over them. So this is for people and for gauges, not for each event.
    ///
    /// # Errors
    ///
    /// [`GroupError::Store`] with what the store answered, what the control streams hold that cannot be read, or
    /// [`GroupError::KeyPanicked`].
    pub async fn status(&self) -> Result<Vec<PartitionStatus>, GroupError> {
        stored_status(&self.core).await
    }

    /// Every event that is parked, from old to new.
    ///
    /// # Errors
    ///
    /// As [`ConsumerGroup::status`].
    pub async fn parked(&self) -> Result<Vec<ParkedEvent>, GroupError> {
        let mut parked = Vec::new();
        for partition in 0..self.core.partitions {
            let ledger = self.ledger(partition).await?;
            for entry in ledger.entries() {
                parked.push(ParkedEvent::new(entry, ledger.is_replaying(&entry.key))?);
            }
        }
        parked.sort_by_key(|event| event.position);
        Ok(parked)
    }

    /// What is stored of a parked event; none where it is in the store no more.
    ///
    /// # Errors
    ///
    /// [`GroupError::Store`] with what the store answered.
    pub async fn parked_record(&self, parked: &ParkedEvent) -> Result<Option<RecordedEvent>, GroupError> {
        read_record(self.core.store.backend(), &parked.stream, parked.version).await
    }

    /// Has every parked event of a key delivered again, in order and each with all its attempts, by the member that holds
    /// its partition; then the key goes on as any other. If one fails again, it and those behind it stay parked.
    ///
    /// The member learns of it with its next heartbeat. Asking twice does no more than asking once. Dropping the future
    /// early leaves it asked or not.
    ///
    /// # Errors
    ///
    /// [`GroupError::KeyNotParked`], or as [`ConsumerGroup::status`].
    pub async fn replay_parked(&self, key: &str) -> Result<(), GroupError> {
        let partition = self.core.partition_of(key);
        match self.ledger(partition).await? {
            // An event that could not be read is in the partition of its stream, as its key says: the same place.
            ledger if !ledger.holds(key) => Err(GroupError::KeyNotParked { key: key.to_owned() }),
            ledger if ledger.is_replaying(key) => Ok(()),
            _ => self.change(partition, &ParkedChange::Replay { key: key.to_owned() }).await,
        }
    }

    /// Gives up a parked event for good: the group never delivers it. It stays in the store.
    ///
    /// Those of its key that were parked behind it stay so until the key is [replayed](Self::replay_parked): to go on
    /// without an event is for the caller to decide. With its last parked event gone, a key goes on as any other. A
    /// delivery of it that is out, because it is being replayed, is not called back.
    ///
    /// # Errors
    ///
    /// [`GroupError::EventNotParked`], or as [`ConsumerGroup::status`].
    pub async fn discard_parked(&self, position: GlobalPosition) -> Result<(), GroupError> {
        for partition in 0..self.core.partitions {
            if self.ledger(partition).await?.entry(position.get()).is_some() {
                return self.change(partition, &ParkedChange::Discarded { position: position.get() }).await;
            }
        }
        Err(GroupError::EventNotParked { position })
    }

    async fn ledger(&self, partition: u32) -> Result<Ledger, GroupError> {
        let stream = self.core.streams.id(ControlStream::Parked(partition))?;
        Ok(LedgerFile::load(self.core.store.backend(), stream).await?.ledger)
    }

    async fn change(&self, partition: u32, change: &ParkedChange) -> Result<(), GroupError> {
        let stream = self.core.streams.id(ControlStream::Parked(partition))?;
        let batch = AppendBatch::single(stream, ExpectedVersion::Any, vec![to_event(change)?]);
        self.core.store.append_settled(batch).await?;
        Ok(())
    }
}

// By hand: a handle can be cloned whether or not its events and its backend can.
impl<E, B> Clone for ConsumerGroup<E, B> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core) }
    }
}

impl<E, B> fmt::Debug for ConsumerGroup<E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConsumerGroup").field(&self.core).finish()
    }
}
