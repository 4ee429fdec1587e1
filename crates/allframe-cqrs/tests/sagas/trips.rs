use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use allframe_cqrs::{
    Event, EventStore, EventStoreBackend, EventTypeName, ManualClock,
    saga::{SagaDefinition, SagaOrchestrator, SagaOrchestratorBuilder, SagaStep, StepContext, StepError},
};
use serde::{Deserialize, Serialize};

/// What sagas of these tests begin with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trip {
    pub(crate) traveller: String,
}

pub(crate) fn ann() -> Trip {
    Trip { traveller: "ann".to_owned() }
}

/// The application's own events; there are none here.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Nothing;

impl EventTypeName for Nothing {}
impl Event for Nothing {}

/// What steps have done, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done(Arc<Mutex<Vec<String>>>);

impl Done {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.all().iter().filter(|done| *done == what).count()
    }

    /// A step that notes its name, and `un` with its name when it is undone.
    pub(crate) fn step(&self, name: &'static str) -> SagaStep<Trip, String> {
        let (done, undone) = (self.clone(), self.clone());
        SagaStep::new(name, move |_: StepContext<Trip>| {
            let done = done.clone();
            async move {
                done.note(name);
                Ok(format!("{name} is done"))
            }
        })
        .compensate(move |_, output| {
            let undone = undone.clone();
            async move {
                undone.note(format!("un{name} {output:?}"));
                Ok(())
            }
        })
    }

    /// A step that notes its name and fails with this.
    pub(crate) fn failing(
        &self,
        name: &'static str,
        error: impl Fn(u32) -> Option<StepError> + Send + Sync + 'static,
    ) -> SagaStep<Trip, String> {
        let (done, undone, error) = (self.clone(), self.clone(), Arc::new(error));
        SagaStep::new(name, move |context: StepContext<Trip>| {
            let (done, error) = (done.clone(), Arc::clone(&error));
            async move {
                done.note(name);
                match error(context.attempt()) {
                    Some(error) => Err(error),
                    None => Ok(format!("{name} is done")),
                }
            }
        })
        .compensate(move |_, output| {
            let undone = undone.clone();
            async move {
                undone.note(format!("un{name} {output:?}"));
                Ok(())
            }
        })
    }
}

pub(crate) fn trip() -> SagaDefinition<Trip> {
    SagaDefinition::new("trip")
}

/// An orchestrator over a store of whatever events.
pub(crate) fn builder<E, B: EventStoreBackend>(store: &EventStore<E, B>) -> SagaOrchestratorBuilder {
    SagaOrchestrator::builder(store)
}

/// Gives something a time in which it must end.
pub(crate) async fn soon<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), work).await.expect("it should have ended long ago")
}

/// Moves a clock on whenever everybody waits for it, until something has ended.
pub(crate) async fn with_time<F: Future>(clock: &ManualClock, work: F) -> F::Output {
    soon(async {
        tokio::select! {
            biased;
            answer = work => answer,
            () = async {
                loop {
                    for _ in 0..50 {
                        tokio::task::yield_now().await;
                    }
                    clock.wake_next().await;
                }
            } => unreachable!("time goes on for ever"),
        }
    })
    .await
}

/// Lets so much time pass, in steps that are short beside it, in each of which everybody has a turn.
pub(crate) async fn pass(clock: &ManualClock, time: Duration) {
    for _ in 0..60 {
        clock.advance(time / 60);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

/// Waits until something has been done so often.
pub(crate) async fn until(done: &Done, what: &str, times: usize) {
    soon(async {
        while done.count(what) < times {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
