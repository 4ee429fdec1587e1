use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use eventstore_api::EventStoreBackend;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{runtime::Handle, sync::watch};

use super::{
    ProcessError, ProcessManager, Processes, deferred,
    engine::{Engine, Runtime},
    key,
    log::ProcessLog,
    manager::{GroupSettings, Parts},
    processes::{Open, Running},
    rules::Rules,
    worker::Worker,
};
use crate::{Error, Event, EventStore, consumer_group::RetryPolicy, saga::SagaOrchestratorBuilder};

/// [`Processes`] in the making.
#[must_use = "nothing happens before `open`"]
pub struct ProcessesBuilder {
    sagas: SagaOrchestratorBuilder,
    processes: Vec<Result<Box<dyn Opening>, ProcessError>>,
}

/// How often an event is delivered before it is parked, unless said otherwise: for a minute or so.
const ATTEMPTS: u32 = 10;

impl ProcessesBuilder {
    pub(super) fn new(sagas: SagaOrchestratorBuilder) -> Self {
        Self { sagas, processes: Vec::new() }
    }

    /// Takes a process manager in, which reacts to the events of this store. Its instances are in that store too.
    pub fn process<S, E, B>(self, store: &EventStore<E, B>, manager: ProcessManager<S, E>) -> Self
    where
        S: Default + Serialize + DeserializeOwned + 'static,
        E: Event,
        B: EventStoreBackend,
    {
        let Self { mut sagas, mut processes } = self;
        processes.push(match manager.into_parts() {
            Ok(Parts { process, rules, with_group }) => {
                sagas = sagas.saga(deferred::timers(&process)).saga(deferred::commands(&process));
                let rules = Arc::new(rules);
                Ok(Box::new(OfStore { process, rules, store: store.to_dyn(), with_group }))
            }
            Err(error) => Err(error),
        });
        Self { sagas, processes }
    }

    /// Opens the orchestrator, and has all process managers take events.
    ///
    /// A new process manager begins with the first event of the store, unless its
    /// [consumer group](ProcessManager::with_group) is told to start after another one.
    ///
    /// Dropping the future early ends what was opened by then.
    ///
    /// # Errors
    ///
    /// [`ProcessError::InvalidName`], [`ProcessError::TwoProcesses`], [`ProcessError::TwoCommands`] and
    /// [`ProcessError::TwoTimers`]; [`ProcessError::Saga`] as [`SagaOrchestratorBuilder::open`], and [`ProcessError::Group`] as
    /// [`ConsumerGroupBuilder::open`](crate::consumer_group::ConsumerGroupBuilder::open).
    pub async fn open(self) -> Result<Processes, ProcessError> {
        Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let mut processes = BTreeMap::new();
        for opening in self.processes {
            let opening = opening?;
            let name = opening.name();
            if processes.insert(Arc::clone(&name), opening).is_some() {
                return Err(ProcessError::TwoProcesses { name: name.to_string() });
            }
        }
        let clock = self.sagas.clock();
        let mut open = Open {
            sagas: self.sagas.open().await?,
            closing: watch::Sender::new(false),
            running: BTreeMap::new(),
        };
        for (name, opening) in processes {
            let (sagas, clock) = (open.sagas.clone(), Arc::clone(&clock));
            let log = opening.log();
            let running = opening.open(Runtime { log, sagas, clock }, open.closing.subscribe()).await?;
            open.running.insert(name, running);
        }
        Ok(Processes::new(open))
    }
}

/// A process manager that is to be opened, whose events are forgotten.
#[async_trait]
trait Opening: Send {
    fn name(&self) -> Arc<str>;
    fn log(&self) -> ProcessLog;
    async fn open(
        self: Box<Self>,
        runtime: Runtime,
        closing: watch::Receiver<bool>,
    ) -> Result<Running, ProcessError>;
}

struct OfStore<E> {
    process: Arc<Engine>,
    rules: Arc<Rules<E>>,
    store: EventStore<E, Arc<dyn EventStoreBackend>>,
    with_group: GroupSettings<E>,
}

#[async_trait]
impl<E: Event> Opening for OfStore<E> {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.process.name)
    }

    fn log(&self) -> ProcessLog {
        ProcessLog::new(Arc::clone(self.store.backend()))
    }

    async fn open(
        self: Box<Self>,
        runtime: Runtime,
        closing: watch::Receiver<bool>,
    ) -> Result<Running, ProcessError> {
        let Self { process, rules, store, with_group } = *self;
        let group = store.consumer_group(key::group(&process.name)).with_retry(RetryPolicy::new(ATTEMPTS));
        let of = (Arc::clone(&process), Arc::clone(&rules));
        let group = with_group(group).with_key(move |event| Rules::key_in_group(&of.1, &of.0, event));
        let group = group.open().await?;
        process.open(runtime);
        let worker = Worker { process: Arc::clone(&process), rules, group: group.clone(), closing };
        let worker = tokio::sync::Mutex::new(Some(tokio::spawn(worker.run())));
        Ok(Running { process, group: Arc::new(group), worker })
    }
}

impl fmt::Debug for ProcessesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.processes.iter().flatten().map(|opening| opening.name()).collect();
        f.debug_struct("ProcessesBuilder").field("processes", &names).field("sagas", &self.sagas).finish()
    }
}
