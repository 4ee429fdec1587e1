use std::{collections::HashMap, fmt, sync::Arc};

use eventstore_api::{
    Criterion, EventFilter, EventStoreBackend, EventType, GlobalPosition, StreamId, Subscription, Timestamp,
    Version,
};

use super::{
    ProcessError, Reacted,
    key::{Instance, check_name, prefix_of},
    log::ProcessLog,
};
use crate::{Error, EventStore, Recorded};

/// The instances of process managers in a store, for people. What they are made of is not needed.
///
/// ```
/// # #[allframe_cqrs::event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Ordered { item: u64 }
/// use allframe_cqrs::{EventStore, process::Instances};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::<Ordered>::new();
/// let at_work = Instances::of(&store).list(|instance| !instance.has_ended).await?;
/// assert!(at_work.is_empty());
/// # Ok::<(), allframe_cqrs::process::ProcessError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Instances {
    log: Arc<ProcessLog>,
}

/// An instance among others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceSummary {
    /// The name of the process manager.
    pub process: String,
    /// Which instance of it.
    pub key: String,
    /// How often it has reacted.
    pub reactions: Version,
    /// When it did last.
    pub changed_at: Timestamp,
    /// The names of the timers that are set.
    pub timers: Vec<String>,
    /// Whether it reacts to nothing any more.
    pub has_ended: bool,
}

impl Instances {
    /// The instances in this store.
    #[must_use]
    pub fn of<E, B: EventStoreBackend>(store: &EventStore<E, B>) -> Self {
        Self { log: Arc::new(ProcessLog::new(store.shared_backend())) }
    }

    /// All instances of which this holds, by their streams' names. Every reaction in the store is read for it.
    /// What cannot be read is passed over, and `tracing` told: of a process manager of which that is everything,
    /// [`has_process`](Self::has_process) knows.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Store`].
    pub async fn list(
        &self,
        which: impl Fn(&InstanceSummary) -> bool,
    ) -> Result<Vec<InstanceSummary>, ProcessError> {
        let mut feed = self.reactions(Criterion::new())?;
        let mut found: HashMap<StreamId, InstanceSummary> = HashMap::new();
        while let Some(record) = feed.next_stored().await.map_err(Error::from)? {
            let Some((process, key)) = Instance::of_stream(&record.stream) else { continue };
            let stored = match self.log.read(&record) {
                Ok(stored) => stored,
                // One that cannot be read must not hide all others.
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, stream = %record.stream, "a reaction cannot be read");
                    continue;
                }
            };
            let summary = InstanceSummary {
                process: process.to_owned(),
                key: key.to_owned(),
                reactions: record.version,
                changed_at: record.recorded_at,
                timers: stored.reacted.timers.into_keys().collect(),
                has_ended: stored.reacted.ended,
            };
            found.insert(record.stream, summary);
        }
        let mut found: Vec<_> = found.into_values().filter(which).collect();
        found.sort_by(|some, other| (&some.process, &some.key).cmp(&(&other.process, &other.key)));
        Ok(found)
    }

    /// Whether there are instances of a process manager of this name, even if none of them can be read; of what can be no name, there are
    /// none. Reads one reaction after the other until one belongs to such an instance, which the first mostly does. It changes nothing: it
    /// may be dropped at any time.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Store`].
    pub async fn has_process(&self, process: &str) -> Result<bool, ProcessError> {
        if check_name(process).is_err() {
            return Ok(false);
        }
        let of_the_name = Criterion::new().stream_prefix(prefix_of(process));
        let mut feed = self.reactions(of_the_name)?.with_page_size(1);
        while let Some(record) = feed.next_stored().await.map_err(Error::from)? {
            if Instance::of_stream(&record.stream).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those that meet this, from the first on.
    fn reactions(
        &self,
        criterion: Criterion,
    ) -> Result<Subscription<Arc<dyn EventStoreBackend>>, ProcessError> {
        let reactions = criterion.types([EventType::new(Reacted::TYPE).map_err(Error::from)?]);
        let backend = Arc::new(Arc::clone(self.log.backend()));
        Ok(Subscription::new(backend, GlobalPosition::START, EventFilter::any_of([reactions])))
    }

    /// All that an instance has reacted to, from old to new; nothing where there is no such instance.
    ///
    /// Takes as much memory as its stream.
    ///
    /// # Errors
    ///
    /// [`ProcessError::InvalidName`], [`ProcessError::InvalidKey`] and [`ProcessError::Store`].
    pub async fn history(&self, process: &str, key: &str) -> Result<Vec<Recorded<Reacted>>, ProcessError> {
        check_name(process)?;
        let stream = Instance::new(&process.into(), key)?.stream;
        Ok(self.log.all(&stream).await?)
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instances").finish_non_exhaustive()
    }
}
