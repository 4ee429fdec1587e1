use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use eventstore_api::{EventFilter, RecordedEvent};

use super::{GroupError, RetryPolicy, control::ControlStreams, partitioning::partition_of};
use crate::{EventStore, Panicked, Recorded};

/// What says to which key an event belongs.
pub(super) type KeyOf<E> = Arc<dyn Fn(&Recorded<E>) -> String + Send + Sync>;

/// How a member goes about its work.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) filter: EventFilter,
    pub(super) lease: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) max_in_flight: usize,
    pub(super) buffer: usize,
    pub(super) checkpoint_events: usize,
    pub(super) checkpoint_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            filter: EventFilter::all(),
            lease: Duration::from_secs(15),
            retry: RetryPolicy::default(),
            max_in_flight: 64,
            buffer: 1_024,
            checkpoint_events: 256,
            checkpoint_interval: Duration::from_secs(1),
        }
    }
}

impl Settings {
    /// How often a member says that it lives: a lease outlives two that are lost.
    pub(super) fn heartbeat(&self) -> Duration {
        self.lease / 3
    }
}

/// What the handles to a group, its members and its tools share.
pub(super) struct GroupCore<E, B> {
    pub(super) store: EventStore<E, B>,
    pub(super) streams: ControlStreams,
    pub(super) partitions: u32,
    pub(super) start: u64,
    pub(super) key_of: Option<KeyOf<E>>,
    pub(super) settings: Settings,
}

impl<E, B> GroupCore<E, B> {
    /// The key of an event. Where there is no event, because it could not be read, nobody can be asked but the record.
    pub(super) fn key_of(
        &self,
        event: Option<&Recorded<E>>,
        record: &RecordedEvent,
    ) -> Result<String, GroupError> {
        let (Some(key_of), Some(event)) = (&self.key_of, event) else {
            return Ok(record.stream.as_str().to_owned());
        };
        // What a panic leaves half changed is the function's own: whoever called ends.
        catch_unwind(AssertUnwindSafe(|| key_of(event))).map_err(|payload| GroupError::KeyPanicked {
            position: record.position,
            stream: record.stream.clone(),
            version: record.version,
            source: Panicked::new(&*payload),
        })
    }

    pub(super) fn partition_of(&self, key: &str) -> u32 {
        partition_of(key, self.partitions)
    }
}

impl<E, B> fmt::Debug for GroupCore<E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCore")
            .field("name", &self.streams.name())
            .field("partitions", &self.partitions)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
