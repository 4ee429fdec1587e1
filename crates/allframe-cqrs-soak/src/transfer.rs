//! Money from one account to another, by a saga that may turn round.

use std::{num::NonZeroU32, time::Duration};

use allframe_cqrs::{
    Backoff, CommandBus,
    saga::{SagaDefinition, SagaError, SagaOrchestrator, SagaStep, StepContext, StepError},
};
use serde::{Deserialize, Serialize};

use crate::{
    bank::{BankEvent, Give, Take, bus},
    store::Store,
};

pub(crate) const TRANSFER: &str = "transfer";
/// More than the bank gives it, while it waits for anything.
const LEASE: Duration = Duration::from_secs(3);

/// What a transfer is begun with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transfer {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) amount: u64,
    /// What becomes of it.
    pub(crate) fate: u64,
}

pub(crate) async fn orchestrator(store: &Store) -> anyhow::Result<SagaOrchestrator> {
    let opened: Result<SagaOrchestrator, SagaError> = SagaOrchestrator::builder(store)
        .with_worker_name("bank")
        .with_lease(LEASE)
        .saga(definition(&bus(store)?))
        .open()
        .await;
    Ok(opened?)
}

/// Takes, asks, gives: what is taken is given back where the answer is no, or where the other account takes nothing.
fn definition(bus: &CommandBus<BankEvent>) -> SagaDefinition<Transfer> {
    let take = |context: &StepContext<Transfer>| {
        let input = context.input();
        let transfer = context.saga().id().to_owned();
        Ok::<_, StepError>(Take { account: input.from, transfer, amount: input.amount })
    };
    let give = |context: &StepContext<Transfer>| {
        let input = context.input();
        let transfer = context.saga().id().to_owned();
        let is_closed = input.fate % 7 == 3;
        Ok::<_, StepError>(Give { account: input.to, transfer, amount: input.amount, is_closed })
    };
    let soon = Backoff::new(Duration::from_millis(5), Duration::from_millis(50));
    let attempts = NonZeroU32::new(50).unwrap_or(NonZeroU32::MIN);
    SagaDefinition::new(TRANSFER)
        .then(SagaStep::invertible_command("take", bus, take).with_backoff(soon).with_max_attempts(attempts))
        .then(SagaStep::new("ask", ask).with_backoff(soon).with_max_attempts(attempts))
        .then(SagaStep::invertible_command("give", bus, give).with_backoff(soon).with_max_attempts(attempts))
}

async fn ask(context: StepContext<Transfer>) -> Result<(), StepError> {
    match (context.input().fate % 5, context.attempt()) {
        (1, _) => Err(StepError::rejected("the answer is no")),
        (2, 1) => Err(StepError::retryable("not now")),
        (3, 1 | 2) => Err(StepError::uncertain("no answer came")),
        _ => Ok(()),
    }
}
