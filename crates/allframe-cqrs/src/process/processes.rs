use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, GlobalPosition};
use serde::de::DeserializeOwned;
use tokio::{sync::watch, task::JoinHandle};

use super::{ProcessError, ProcessesBuilder, engine::Engine, key::Instance};
use crate::{
    Event,
    consumer_group::{ConsumerGroup, ParkedEvent},
    saga::{SagaOrchestrator, SagaOrchestratorBuilder},
};

/// The process managers of this process, and the orchestrator that their timers, scheduled commands and sagas go through.
///
/// Cloning it is cheap and gives another handle to the same ones. When the last one is dropped, what they do ends in the middle, and
/// others take over after the time of a lease; [`close`](Self::close) ends in order. It needs a tokio runtime with time.
#[derive(Clone)]
pub struct Processes {
    open: Arc<Open>,
}

pub(super) struct Open {
    pub(super) sagas: SagaOrchestrator,
    pub(super) closing: watch::Sender<bool>,
    pub(super) running: BTreeMap<Arc<str>, Running>,
}

/// A process manager that is open.
pub(super) struct Running {
    pub(super) process: Arc<Engine>,
    pub(super) group: Arc<dyn Group>,
    pub(super) worker: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Processes {
    /// Process managers in the making, beside the sagas of this orchestrator.
    pub fn builder(sagas: SagaOrchestratorBuilder) -> ProcessesBuilder {
        ProcessesBuilder::new(sagas)
    }

    pub(super) fn new(open: Open) -> Self {
        Self { open: Arc::new(open) }
    }

    /// The orchestrator that they go through, to start sagas by hand as well.
    #[must_use]
    pub fn orchestrator(&self) -> &SagaOrchestrator {
        &self.open.sagas
    }

    /// What an instance knows, and whether it has ended; nothing where there is none.
    ///
    /// # Errors
    ///
    /// [`ProcessError::NoProcess`], [`ProcessError::InvalidKey`], [`ProcessError::UnreadableState`] and [`ProcessError::Store`];
    /// [`ProcessError::Closed`].
    pub async fn state<S: DeserializeOwned>(
        &self,
        process: &str,
        key: &str,
    ) -> Result<Option<InstanceState<S>>, ProcessError> {
        let process = &self.running(process)?.process;
        let instance = Instance::new(&process.name, key)?;
        let runtime = process.runtime().await?;
        let Some(last) = runtime.log.last(&instance.stream).await? else { return Ok(None) };
        let state = S::deserialize(&last.reacted.state).map_err(|source| ProcessError::UnreadableState {
            stream: instance.stream,
            version: last.version,
            source: Arc::new(source),
        })?;
        let timers = last.reacted.timers.into_keys().collect();
        Ok(Some(InstanceState { state, timers, has_ended: last.reacted.ended }))
    }

    /// The events that a process manager has failed to react to, and those behind them, from old to new.
    ///
    /// # Errors
    ///
    /// [`ProcessError::NoProcess`], and as [`ConsumerGroup::parked`].
    pub async fn parked(&self, process: &str) -> Result<Vec<ParkedEvent>, ProcessError> {
        self.running(process)?.group.parked().await
    }

    /// Has the parked events of a [key](ParkedEvent::key) delivered again, in order.
    ///
    /// # Errors
    ///
    /// [`ProcessError::NoProcess`], and as [`ConsumerGroup::replay_parked`].
    pub async fn replay_parked(&self, process: &str, key: &str) -> Result<(), ProcessError> {
        self.running(process)?.group.replay_parked(key).await
    }

    /// Gives up a parked event for good. Where the instance has reacted to it already, and what it decided was not carried out, that is
    /// given up too.
    ///
    /// # Errors
    ///
    /// [`ProcessError::NoProcess`], and as [`ConsumerGroup::discard_parked`].
    pub async fn discard_parked(&self, process: &str, position: GlobalPosition) -> Result<(), ProcessError> {
        self.running(process)?.group.discard_parked(position).await
    }

    /// Ends: no event is taken any more, what is being done comes to its end, and other processes take over at once. The orchestrator
    /// ends too.
    ///
    /// Dropping the future early lets them go on ending.
    pub async fn close(&self) {
        self.open.closing.send_replace(true);
        for running in self.open.running.values() {
            let mut worker = running.worker.lock().await;
            if let Some(handle) = worker.as_mut() {
                // It does not panic; and if it did, there is nothing left to end.
                let _ = handle.await;
                *worker = None;
            }
        }
        self.open.sagas.close().await;
        self.open.forget();
    }

    fn running(&self, name: &str) -> Result<&Running, ProcessError> {
        self.open.running.get(name).ok_or_else(|| ProcessError::NoProcess { name: name.to_owned() })
    }
}

impl Open {
    /// The orchestrator and the process managers know each other no more, so that both can go.
    fn forget(&self) {
        for running in self.running.values() {
            running.process.close();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        for running in self.running.values_mut() {
            if let Some(worker) = running.worker.get_mut() {
                worker.abort();
            }
        }
        self.forget();
    }
}

/// An instance of a process manager.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceState<S> {
    /// What it knows.
    pub state: S,
    /// The names of the timers that are set.
    pub timers: Vec<String>,
    /// Whether it reacts to nothing any more.
    pub has_ended: bool,
}

/// A consumer group whose events are forgotten.
#[async_trait]
pub(super) trait Group: Send + Sync {
    async fn parked(&self) -> Result<Vec<ParkedEvent>, ProcessError>;
    async fn replay_parked(&self, key: &str) -> Result<(), ProcessError>;
    async fn discard_parked(&self, position: GlobalPosition) -> Result<(), ProcessError>;
}

#[async_trait]
impl<E: Event> Group for ConsumerGroup<E, Arc<dyn EventStoreBackend>> {
    async fn parked(&self) -> Result<Vec<ParkedEvent>, ProcessError> {
        Ok(self.parked().await?)
    }

    async fn replay_parked(&self, key: &str) -> Result<(), ProcessError> {
        Ok(self.replay_parked(key).await?)
    }

    async fn discard_parked(&self, position: GlobalPosition) -> Result<(), ProcessError> {
        Ok(self.discard_parked(position).await?)
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.open.running.keys().collect();
        f.debug_struct("Processes").field("processes", &names).field("sagas", &self.open.sagas).finish()
    }
}
