use std::{fmt, sync::Arc, time::Duration};

use eventstore_api::{
    EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition, StoreError, StreamRange,
};

use super::{
    ConsumerGroup, GroupError, RetryPolicy,
    control::{ControlStream, ControlStreams, Definition, PartitionCount, from_record, to_event},
    settings::{GroupCore, KeyOf, Settings},
};
use crate::{Error, Event, EventStore, Recorded};

/// A third of it is the time from one sign of life to the next.
const SHORTEST_LEASE: Duration = Duration::from_millis(3);
/// Nobody takes over from a dead member before.
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);
/// All that a member has read may be parked at once, or settled behind one event that is not: what is written of it has to
/// be within what one append and one event may hold.
const MAX_BUFFER: usize = 16_384;

/// A consumer group about to be opened.
///
/// The number of partitions and the place where it starts are kept by the group from when it is made. All else may differ
/// each time it is opened; every member should open it with the same filter, key and lease.
#[must_use = "nothing happens before `open`"]
pub struct ConsumerGroupBuilder<E, B> {
    store: EventStore<E, B>,
    name: String,
    partitions: Option<u32>,
    start: GlobalPosition,
    key_of: Option<KeyOf<E>>,
    settings: Settings,
}

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// Names a consumer group on this store, to be opened, or made where there is none of that name. See
    /// [`consumer_group`](crate::consumer_group).
    pub fn consumer_group(&self, name: impl Into<String>) -> ConsumerGroupBuilder<E, B> {
        ConsumerGroupBuilder {
            store: self.clone(),
            name: name.into(),
            partitions: None,
            start: GlobalPosition::START,
            key_of: None,
            settings: Settings::default(),
        }
    }
}

impl<E: Event, B: EventStoreBackend> ConsumerGroupBuilder<E, B> {
    /// Of the events of type `E`, those only that pass this filter: by type, by stream or the prefix of its name, by tags.
    pub fn with_filter(mut self, filter: EventFilter) -> Self {
        self.settings.filter = filter;
        self
    }

    /// A new group starts behind this position; with the first event of the store, where nothing is said.
    pub fn starting_after(mut self, position: GlobalPosition) -> Self {
        self.start = position;
        self
    }

    /// A new group has this many partitions, 1 to 1024, and keeps them; 8, where nothing is said. They are what members
    /// divide among them: more members than partitions are of no use.
    pub fn with_partitions(mut self, partitions: u32) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// The key of an event, in whose order it is handled; the name of its stream, where nothing is said.
    ///
    /// Every event that passes the filter must have one: where the function panics, the member ends with
    /// [`GroupError::KeyPanicked`], and so does the next one that comes to the event.
    ///
    /// An event that cannot be read has the name of its stream as its key. Under another function later, events of what is
    /// one key then may be handled out of order around the change.
    pub fn with_key(mut self, key_of: impl Fn(&Recorded<E>) -> String + Send + Sync + 'static) -> Self {
        self.key_of = Some(Arc::new(key_of));
        self
    }

    /// A member of which nothing was heard for so long is taken for dead: 15 s, where nothing is said. Each member writes
    /// one small event in a third of it. Must be between 3 ms and a day.
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How often an event is delivered, and with what waits, before it is parked.
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// An event is delivered at most this often, at least once, before it is parked; the waits in between are those of
    /// [`RetryPolicy::new`].
    pub fn with_max_attempts(self, attempts: u32) -> Self {
        self.with_retry(RetryPolicy::new(attempts))
    }

    /// A member has at most this many deliveries out at a time, at least one: 64, where nothing is said. Those that wait to
    /// be asked for with [`Consumer::next`](super::Consumer::next) are among them.
    pub fn with_max_in_flight(mut self, deliveries: usize) -> Self {
        self.settings.max_in_flight = deliveries.max(1);
        self
    }

    /// A member reads at most this many events ahead of the oldest that is not done with, 1 to 16384: 1024, where
    /// nothing is said. One event that is never acknowledged holds the member up after so many others.
    pub fn with_buffer(mut self, events: usize) -> Self {
        self.settings.buffer = events.max(1);
        self
    }

    /// How much may be handled again when a member dies: a checkpoint is written after this many events (256), at least
    /// one, or this long after the first that is not in one (1 s), whichever comes first.
    pub fn with_checkpoint_every(mut self, events: usize, interval: Duration) -> Self {
        self.settings.checkpoint_events = events.max(1);
        self.settings.checkpoint_interval = interval;
        self
    }

    /// Opens the group, and makes it if there is none of this name. Consumes nothing yet: [`ConsumerGroup::join`] does.
    ///
    /// # Errors
    ///
    /// [`GroupError::InvalidName`] for a name that is empty, longer than 256 bytes, or holds a `/` or a control
    /// character; [`GroupError::InvalidSetting`]; [`GroupError::PartitionsDiffer`] when the group has another number of
    /// partitions than was asked for; [`GroupError::Store`] with what the store answered; [`GroupError::Unreadable`] and
    /// [`GroupError::NewerForm`] for what it holds in the place of the group.
    pub async fn open(self) -> Result<ConsumerGroup<E, B>, GroupError> {
        let streams = ControlStreams::of(self.name)?;
        let partitions = self.partitions.map_or(Ok(PartitionCount::DEFAULT), PartitionCount::try_from);
        let partitions = partitions.map_err(|_| GroupError::InvalidSetting {
            setting: "the number of partitions",
            range: PartitionCount::RANGE,
        })?;
        if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&self.settings.lease) {
            return Err(GroupError::InvalidSetting { setting: "the lease", range: "between 3 ms and a day" });
        }
        if self.settings.buffer > MAX_BUFFER {
            return Err(GroupError::InvalidSetting { setting: "the buffer", range: "16384 events at most" });
        }
        self.settings.filter.validate()?;
        let wanted = Definition { partitions, start: self.start.get() };
        let definition = define(&self.store, &streams, wanted).await?;
        let stored = definition.partitions.get();
        match self.partitions {
            Some(asked) if asked != stored => {
                Err(GroupError::PartitionsDiffer { name: streams.name().to_owned(), stored, asked })
            }
            _ => Ok(ConsumerGroup::new(GroupCore {
                store: self.store,
                streams,
                partitions: stored,
                start: definition.start,
                key_of: self.key_of,
                settings: self.settings,
            })),
        }
    }
}

/// The definition that the store has, or from now on has.
async fn define<E: Event, B: EventStoreBackend>(
    store: &EventStore<E, B>,
    streams: &ControlStreams,
    wanted: Definition,
) -> Result<Definition, GroupError> {
    let stream = streams.id(ControlStream::Definition)?;
    let first = StreamRange::all().limit(1);
    if let Some(record) = store.backend().read_stream(&stream, first).await?.events.first() {
        return from_record(record);
    }
    let batch = eventstore_api::AppendBatch::single(
        stream.clone(),
        ExpectedVersion::NoStream,
        vec![to_event(&wanted)?],
    );
    match store.append_settled(batch).await {
        Ok(_) => Ok(wanted),
        // Another process was faster: the group is what that one has made.
        Err(Error::Store(error @ StoreError::WrongExpectedVersion { .. })) => {
            match store.backend().read_stream(&stream, first).await?.events.first() {
                Some(record) => from_record(record),
                None => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

impl<E, B> fmt::Debug for ConsumerGroupBuilder<E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerGroupBuilder")
            .field("name", &self.name)
            .field("partitions", &self.partitions)
            .field("start", &self.start)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
