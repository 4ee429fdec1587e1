use std::{collections::HashMap, fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use eventstore_api::EventStoreBackend;
use tokio::{runtime::Handle, sync::mpsc};

use super::{
    IntoSagaDefinition, SagaError, SagaOrchestrator,
    definition::Steps,
    engine::{Engine, WorkerId},
    lease::Lease,
    log::SagaLog,
    shared::Shared,
    telemetry::SagaTelemetry,
    worker::Worker,
};
use crate::{Clock, Error, SystemClock};

/// A [`SagaOrchestrator`] in the making.
pub struct SagaOrchestratorBuilder {
    backend: Arc<dyn EventStoreBackend>,
    definitions: Vec<Steps>,
    clock: Arc<dyn Clock>,
    lease: Duration,
    worker: Option<String>,
    max_driven: NonZeroUsize,
}

/// How long a process may be silent before others take its sagas over, unless said otherwise.
const DEFAULT_LEASE: Duration = Duration::from_secs(15);

/// How many sagas are driven at a time, unless said otherwise.
const DEFAULT_MAX_DRIVEN: NonZeroUsize = NonZeroUsize::new(256).expect("it is not 0");

impl SagaOrchestratorBuilder {
    pub(super) fn new(backend: Arc<dyn EventStoreBackend>) -> Self {
        Self {
            backend,
            definitions: Vec::new(),
            clock: Arc::new(SystemClock),
            lease: DEFAULT_LEASE,
            worker: None,
            max_driven: DEFAULT_MAX_DRIVEN,
        }
    }

    /// Drives sagas of this type. Those of types that were not given are left to other processes.
    #[must_use]
    pub fn saga(mut self, definition: impl IntoSagaDefinition) -> Self {
        self.definitions.push(definition.into_definition().steps);
        self
    }

    /// Goes by this clock; without this, by that of the machine.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// A process that drives sagas gives a sign of life three times in this time, and when it has given none for so long, others
    /// take them over; without this, 15 seconds. All processes on one store say the same.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_millis(1));
        self
    }

    /// This is the process of that name: what an earlier one of the same name has left when it died is taken up at once, without
    /// waiting for its lease to end. No two processes have one name at a time; where they do, the later one takes the sagas of the
    /// earlier, whatever that is at.
    #[must_use]
    pub fn with_worker_name(mut self, name: impl Into<String>) -> Self {
        self.worker = Some(name.into());
        self
    }

    /// So many sagas are driven at a time at most; without this, 256. Those of this process that are due wait for their turn, and
    /// those that are started meanwhile are anybody's. Those that wait for a time, for a person or for other sagas do not count.
    #[must_use]
    pub fn with_max_driven(mut self, sagas: NonZeroUsize) -> Self {
        self.max_driven = sagas;
        self
    }

    /// What it goes by.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The orchestrator, which knows all sagas that are not over, and drives those that it may.
    ///
    /// Dropping the future early leaves nothing behind.
    ///
    /// # Errors
    ///
    /// [`SagaError::InvalidDefinition`] and [`SagaError::InvalidName`]; [`SagaError::TwoDefinitions`]; [`SagaError::Store`] when
    /// the store cannot be read; [`Error::NoRuntime`] in it outside of a tokio runtime.
    pub async fn open(self) -> Result<SagaOrchestrator, SagaError> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let mut definitions = HashMap::new();
        for steps in self.definitions {
            steps.check()?;
            let name = Arc::clone(&steps.name);
            if definitions.insert(Arc::clone(&name), Arc::new(steps)).is_some() {
                return Err(SagaError::TwoDefinitions { saga: name.to_string() });
            }
        }
        let worker = WorkerId::new(self.worker.as_deref());
        let lease = Lease::new(worker.as_str().to_owned(), Arc::clone(&self.clock), self.lease);
        let log = Arc::new(SagaLog::new(self.backend));
        let engine = Engine {
            log,
            clock: self.clock,
            worker,
            definitions,
            lease,
            telemetry: SagaTelemetry::default(),
        };
        let (sender, messages) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(Arc::new(engine), self.max_driven.get(), sender));
        let worker = Worker::new(Arc::clone(&shared), messages).await?;
        Ok(SagaOrchestrator::new(shared, runtime.spawn(worker.run())))
    }
}

impl fmt::Debug for SagaOrchestratorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sagas: Vec<_> = self.definitions.iter().map(|steps| &steps.name).collect();
        f.debug_struct("SagaOrchestratorBuilder").field("sagas", &sagas).finish_non_exhaustive()
    }
}
