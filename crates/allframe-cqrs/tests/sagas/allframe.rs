//! Sagas as they are written against AllFrame 0.1.28: only the `use` lines are other ones.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::compat::{OrchestratorSagaStep, SagaDefinition, SagaError, SagaOrchestrator, SagaStatus};
use allframe_cqrs::{Event, EventStore, EventTypeName, InMemoryBackend, async_trait, saga::Sagas};

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum TestEvent {
    Debited { account: String, amount: f64 },
    Credited { account: String, amount: f64 },
}

impl EventTypeName for TestEvent {}
impl Event for TestEvent {}

struct DebitStep {
    account: String,
    amount: f64,
}

#[async_trait]
impl OrchestratorSagaStep<TestEvent> for DebitStep {
    async fn execute(&self) -> Result<Vec<TestEvent>, String> {
        Ok(vec![TestEvent::Debited { account: self.account.clone(), amount: self.amount }])
    }

    async fn compensate(&self) -> Result<Vec<TestEvent>, String> {
        Ok(vec![TestEvent::Credited { account: self.account.clone(), amount: self.amount }])
    }

    fn name(&self) -> &str {
        "DebitStep"
    }
}

fn debit(account: &str) -> DebitStep {
    DebitStep { account: account.to_string(), amount: 100.0 }
}

fn debited(account: &str) -> TestEvent {
    TestEvent::Debited { account: account.to_string(), amount: 100.0 }
}

fn credited(account: &str) -> TestEvent {
    TestEvent::Credited { account: account.to_string(), amount: 100.0 }
}

/// What it does the first time; later it is done.
struct FailingStep {
    fails: fn() -> Result<Vec<TestEvent>, String>,
    cannot_be_undone: bool,
    calls: Arc<AtomicUsize>,
}

#[async_trait]
impl OrchestratorSagaStep<TestEvent> for FailingStep {
    async fn execute(&self) -> Result<Vec<TestEvent>, String> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match (self.fails)() {
            Err(error) if error == "hangs" => std::future::pending().await,
            answer => answer,
        }
    }

    async fn compensate(&self) -> Result<Vec<TestEvent>, String> {
        if self.cannot_be_undone { Err("no way back".to_string()) } else { Ok(vec![]) }
    }

    fn name(&self) -> &str {
        "FailingStep"
    }

    fn timeout_duration(&self) -> Duration {
        Duration::from_millis(20)
    }
}

fn failing(error: fn() -> Result<Vec<TestEvent>, String>) -> FailingStep {
    FailingStep { fails: error, cannot_be_undone: false, calls: Arc::default() }
}

#[tokio::test]
async fn a_saga_is_carried_out_and_answers_its_events() {
    let orchestrator = SagaOrchestrator::<TestEvent>::new();
    let saga = SagaDefinition::new("transfer-1").add_step(debit("A")).add_step(debit("B"));
    assert_eq!(
        (saga.id(), saga.status(), saga.metadata().total_steps),
        ("transfer-1", SagaStatus::NotStarted, 2)
    );
    let events = orchestrator.execute(saga).await.unwrap();
    assert_eq!(events, [debited("A"), debited("B")]);
    assert_eq!((orchestrator.running_count().await, orchestrator.history_count().await), (0, 1));
    let history = orchestrator.get_history().await;
    assert_eq!((history[0].status.clone(), history[0].steps_executed), (SagaStatus::Completed, 2));
}

#[tokio::test]
async fn a_step_that_fails_has_those_before_it_undone_and_the_events_of_that_are_kept() {
    let store = EventStore::<TestEvent>::new();
    let orchestrator = SagaOrchestrator::with_store(store.clone());
    let saga = SagaDefinition::new("transfer-2")
        .add_step(debit("A"))
        .add_step(failing(|| Err("the account is closed".to_string())));
    let error = orchestrator.execute(saga).await.unwrap_err();
    assert_eq!(error.to_string(), "Step 1 (FailingStep) failed: the account is closed");
    assert!(matches!(error, SagaError::StepFailed { step_index: 1, .. }));
    assert_eq!(orchestrator.get_history().await[0].status, SagaStatus::Compensated);
    assert_eq!(store.get_events("transfer-2").await.unwrap(), [debited("A"), credited("A")]);
}

#[tokio::test]
async fn a_step_that_hangs_has_timed_out_and_one_that_cannot_be_undone_is_told() {
    let orchestrator = SagaOrchestrator::<TestEvent>::new();
    let saga = SagaDefinition::new("transfer-3").add_step(failing(|| Err("hangs".to_string())));
    let error = orchestrator.execute(saga).await.unwrap_err();
    let limit = Duration::from_millis(20);
    assert!(matches!(error, SagaError::Timeout { step_index: 0, duration } if duration == limit), "{error}");

    let mut cannot = failing(|| Ok(vec![]));
    cannot.cannot_be_undone = true;
    let saga = SagaDefinition::new("transfer-4").add_step(cannot).add_step(failing(|| Err("no".to_string())));
    let error = orchestrator.execute(saga).await.unwrap_err();
    assert_eq!(error.to_string(), "Compensation for step 0 failed: no way back");
    assert_eq!(orchestrator.get_history().await[1].status, SagaStatus::Failed);
}

#[tokio::test]
async fn a_saga_goes_on_where_it_was_when_it_is_given_once_more_to_another_orchestrator_on_the_store() {
    let store = EventStore::<TestEvent, _>::with_backend(Arc::new(InMemoryBackend::new()));
    let calls = Arc::new(AtomicUsize::new(0));
    let saga = |last: &str| {
        let counted =
            FailingStep { fails: || Ok(vec![]), cannot_be_undone: false, calls: Arc::clone(&calls) };
        SagaDefinition::new("transfer-5").add_step(counted).add_step(debit(last))
    };
    let first = SagaOrchestrator::with_store(store.clone());
    assert_eq!(first.execute(saga("A")).await.unwrap(), [debited("A")]);
    // What has been done is done, and answered as it was.
    let second = SagaOrchestrator::with_store(store.clone());
    assert_eq!(second.execute(saga("B")).await.unwrap(), [debited("A")]);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(Sagas::of(&store).list(|saga| saga.status.has_ended()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_saga_is_not_carried_out_twice_at_a_time() {
    let orchestrator = SagaOrchestrator::<TestEvent>::new();
    let hangs = || SagaDefinition::new("transfer-6").add_step(failing(|| Err("hangs".to_string())));
    let (first, second) = tokio::join!(orchestrator.execute(hangs()), orchestrator.execute(hangs()));
    assert!(matches!(first, Err(SagaError::Timeout { .. })));
    assert!(matches!(second, Err(SagaError::AlreadyExecuting)));
    assert!(orchestrator.get_saga("transfer-6").await.is_none());
}
