use std::sync::Arc;

use eventstore_api::EventStoreBackend;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};

use super::{
    SagaDefinition, SagaError, SagaEvent, SagaId, Started, StepErrorKind,
    context::read,
    decide::timed_out,
    definition::Steps,
    drive::{Driver, Left, Signals},
    engine::{Engine, WorkerId},
    lease::Lease,
    log::SagaLog,
    state::{Phase, SagaState, StepStatus},
    telemetry::SagaTelemetry,
};
use crate::{Clock, SystemClock};

/// How a saga has ended that was driven inline, or why it waits for a person.
pub(crate) struct EndedInline {
    state: SagaState,
}

/// Why a saga was not completed.
pub(crate) struct Failure {
    pub(crate) step: String,
    pub(crate) error: String,
    pub(crate) timed_out: bool,
    /// What was done has been undone.
    pub(crate) is_undone: bool,
}

impl EndedInline {
    /// How many steps have been carried out.
    pub(crate) fn completed(&self) -> usize {
        self.state.steps.iter().filter(|step| step.output.is_some()).count()
    }

    /// What the steps have answered, in their order.
    pub(crate) fn outputs<T: DeserializeOwned>(&self) -> Result<Vec<T>, SagaError> {
        let outputs = self.state.steps.iter().filter_map(|step| step.output.as_deref());
        outputs
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|source| SagaError::Output { source: Arc::new(source) })
    }

    /// Why it was not completed, if it was not.
    pub(crate) fn failure(&self) -> Option<Failure> {
        if self.state.phase == Phase::Completed {
            return None;
        }
        let is_undone = matches!(self.state.phase, Phase::Compensated { .. });
        let failed = self.state.steps.iter().rev().find(|step| match step.status {
            StepStatus::UndoFailed => true,
            // What failed, and was undone since it may have been done, too.
            _ => is_undone && step.output.is_none() && step.failure.is_some(),
        });
        let failure = failed.and_then(|step| Some((step.name.to_string(), step.failure.clone()?)));
        // A person may have turned it round, or ended it, though nothing failed.
        let (step, (kind, error)) = failure.unwrap_or_else(|| {
            let reason = match &self.state.phase {
                Phase::Compensated { reason }
                | Phase::Abandoned { reason }
                | Phase::Parked { reason, .. } => reason.clone(),
                _ => String::new(),
            };
            (String::new(), (StepErrorKind::Rejected, reason))
        });
        let timed_out = kind == StepErrorKind::Uncertain && error == timed_out().to_string();
        Some(Failure { step, error, timed_out, is_undone })
    }
}

/// Drives sagas one by one, whose steps are values that only the caller has: those of [`compat`](crate::compat).
pub(crate) struct Inline {
    engine: Arc<Engine>,
}

impl Inline {
    pub(crate) fn new(backend: Arc<dyn EventStoreBackend>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let worker = WorkerId::new(None);
        let lease =
            Lease::new(worker.as_str().to_owned(), Arc::clone(&clock), std::time::Duration::from_secs(15));
        let log = Arc::new(SagaLog::new(backend));
        let definitions = std::collections::HashMap::new();
        Self {
            engine: Arc::new(Engine {
                log,
                clock,
                worker,
                definitions,
                lease,
                telemetry: SagaTelemetry::default(),
            }),
        }
    }

    /// Starts a saga, or takes over where it was left, and drives it to where it has ended or waits for a person. `None` where
    /// another process has taken it over meanwhile.
    pub(crate) async fn run<I>(
        &self,
        saga: &SagaId,
        definition: SagaDefinition<I>,
    ) -> Result<Option<EndedInline>, SagaError> {
        let steps = Arc::new(definition.steps);
        let (_nudges, nudge) = watch::channel(eventstore_api::Version::NONE);
        let (_closes, closing) = watch::channel(false);
        let (worker, _messages) = mpsc::unbounded_channel();
        loop {
            let loaded = self.engine.log.load(saga).await?;
            let is_new = loaded.state.phase == Phase::Missing;
            let mut driver = Driver::new(Arc::clone(&self.engine), Arc::clone(&steps), saga.clone(), loaded);
            let is_mine = match is_new {
                true => driver.start(SagaEvent::Started(self.started(saga, &steps))).await?,
                false => driver.state.has_ended() || driver.claim().await?,
            };
            if !is_mine {
                continue;
            }
            loop {
                let signals =
                    Signals { nudge: nudge.clone(), closing: closing.clone(), worker: worker.clone() };
                match driver.drive(signals).await? {
                    Left::Over | Left::Parked => return Ok(Some(EndedInline { state: driver.state })),
                    Left::Waiting { until: Some(until), .. } => self.engine.clock.sleep_until(until).await,
                    Left::Waiting { .. } | Left::Lost | Left::Not => return Ok(None),
                }
            }
        }
    }

    fn started(&self, saga: &SagaId, steps: &Steps) -> Started {
        Started {
            version: steps.version,
            correlation_id: saga.stream().as_str().to_owned(),
            worker: Some(self.engine.worker.as_str().to_owned()),
            ..Started::default()
        }
    }
}
