//! What the toolkit made of it: sagas, the consumer group, the projection, and the money.

use std::collections::{BTreeMap, BTreeSet};

use allframe_cqrs::{
    EventStoreBackend, Recorded, StreamId,
    saga::{SagaId, SagaStatus, Sagas},
};
use anyhow::{Context, bail, ensure};
use tokio::time::timeout;

use crate::{
    bank::{ACCOUNTS, Balances, BankEvent, account},
    child::{PATIENCE, group_of, place, registry},
    ledger::Ledger,
    said::Said,
    store::Store,
    transfer::{TRANSFER, orchestrator},
};

/// Each transfer that there is, and how it ended.
pub(super) type Outcomes = BTreeMap<String, SagaStatus>;

/// Why a saga may wait for a person here: five processes have died in one attempt, which is not made once more by itself, since it
/// may be what they died of. Here it is not, and whoever looks into it has it retried.
const DIED_TOO_OFTEN: &str = "processes have died";

/// Drives what is left to its end. All that were begun have ended, and nobody has to step in for another reason.
pub(super) async fn sagas(store: &Store, ledger: &mut Ledger) -> anyhow::Result<Outcomes> {
    let orchestrator = orchestrator(store).await?;
    let open = Sagas::of(store).list(|saga| !saga.status.has_ended()).await?;
    for saga in &open {
        let ended = timeout(PATIENCE, orchestrator.wait_for_end(&saga.saga)).await;
        ended.with_context(|| format!("{:?} has not ended", saga.saga))??;
    }
    let parked = Sagas::of(store).list(|saga| saga.status == SagaStatus::Parked).await?;
    ledger.retried = parked.len() as u64;
    for saga in &parked {
        let reason = saga.reason.as_deref().unwrap_or_default();
        ensure!(reason.contains(DIED_TOO_OFTEN), "{:?} is parked: {reason}", saga.saga);
        Sagas::of(store).retry(&saga.saga, "they were killed").await?;
        let ended = timeout(PATIENCE, orchestrator.wait_for_end(&saga.saga)).await;
        ended.with_context(|| format!("{:?} was retried and has not ended", saga.saga))??;
    }
    let all = Sagas::of(store).list(|_| true).await?;
    orchestrator.close().await;
    let mut outcomes = Outcomes::new();
    for saga in all {
        let ended = matches!(saga.status, SagaStatus::Completed | SagaStatus::Compensated);
        ensure!(ended, "{:?} is {}: {:?}", saga.saga, saga.status.as_str(), saga.reason);
        outcomes.insert(saga.saga.id().to_owned(), saga.status);
    }
    let lost = ledger.sagas.iter().find(|it| !outcomes.contains_key(*it));
    ensure!(lost.is_none(), "{lost:?} was begun and is gone");
    // The list and what each stream says agree.
    for (id, status) in outcomes.iter().step_by(25) {
        let details = Sagas::of(store).show(&SagaId::new(TRANSFER, id)?).await?;
        ensure!(details.status == *status, "{id} is {} and {}", details.status.as_str(), status.as_str());
    }
    Ok(outcomes)
}

/// A transfer that was completed has taken and given once, one that turned round has given back what it took, if it took.
pub(super) fn money(events: &[Recorded<BankEvent>], outcomes: &Outcomes) -> anyhow::Result<()> {
    let (mut deposited, mut held) = (0, 0);
    let mut effects: BTreeMap<&str, Vec<(&'static str, u64)>> = BTreeMap::new();
    for event in events {
        held += event.event.change();
        let (transfer, what, amount) = match &event.event {
            BankEvent::Deposited { .. } => {
                deposited += event.event.change();
                continue;
            }
            BankEvent::Noted { .. } => continue,
            BankEvent::Taken { transfer, amount } => (transfer, "taken", *amount),
            BankEvent::Given { transfer, amount } => (transfer, "given", *amount),
            BankEvent::TakenBack { transfer, amount } => (transfer, "taken back", *amount),
            BankEvent::GivenBack { transfer, amount } => (transfer, "given back", *amount),
        };
        effects.entry(transfer).or_default().push((what, amount));
    }
    for (transfer, done) in &effects {
        let (steps, amounts): (Vec<_>, BTreeSet<_>) = done.iter().copied().unzip();
        let status = outcomes.get(*transfer);
        let fits = match status {
            Some(SagaStatus::Completed) => steps == ["taken", "given"],
            // The last step too, where it may have been done: in reverse order.
            Some(SagaStatus::Compensated) => {
                steps == ["taken", "given back"] || steps == ["taken", "given", "taken back", "given back"]
            }
            _ => false,
        };
        ensure!(fits && amounts.len() == 1, "the transfer {transfer} is {status:?} and did {done:?}");
    }
    let completed = outcomes.iter().filter(|(_, status)| **status == SagaStatus::Completed);
    for (transfer, _) in completed {
        ensure!(
            effects.contains_key(transfer.as_str()),
            "the transfer {transfer} is completed and did nothing"
        );
    }
    ensure!(held == deposited, "{deposited} was deposited, and the accounts hold {held}");
    Ok(())
}

/// What was kept and followed is what a fold makes, and so is what is built once more.
pub(super) async fn projection(store: &Store, events: &[Recorded<BankEvent>]) -> anyhow::Result<()> {
    let mut folded = Balances::default();
    for event in events {
        folded.see(event.stream().as_str(), event.position().get(), &event.event);
    }
    let registry = registry(store).await?;
    registry.wait_until_caught_up(PATIENCE).await?;
    let kept = registry.get::<Balances>().await?;
    ensure!(*kept == folded, "it holds {:?}, and all events make {folded:?}", *kept);
    drop(kept);
    registry.rebuild(crate::child::BALANCES).await?;
    let rebuilt = registry.get::<Balances>().await?;
    ensure!(*rebuilt == folded, "built anew it holds {:?}, and all events make {folded:?}", *rebuilt);
    drop(rebuilt);
    Ok(registry.close().await?)
}

/// What is left is handled by a last member; then each event of each account has been.
pub(super) async fn group(store: &Store, ledger: &mut Ledger) -> anyhow::Result<()> {
    let mut lengths = BTreeMap::new();
    for number in 0..ACCOUNTS {
        let events = store.backend().get_events(&StreamId::new(account(number))?).await?;
        lengths.insert(number, events.len() as u64);
    }
    let is_behind = |ledger: &Ledger| {
        lengths
            .iter()
            .any(|(number, length)| ledger.handled.get(number).copied().unwrap_or_default() < *length)
    };
    let group = group_of(store).await?;
    let mut consumer = group.join()?;
    while is_behind(ledger) {
        let Ok(delivery) = timeout(PATIENCE, consumer.next()).await else {
            bail!("no more is delivered; handled were {:?} of {lengths:?}", ledger.handled);
        };
        let delivery = delivery?;
        let (account, version) = place(&delivery)?;
        ledger.note(Said::Handled(account, version));
        delivery.ack();
    }
    consumer.close().await?;
    let parked = group.parked().await?;
    ensure!(parked.is_empty(), "parked are {parked:?}");
    ensure!(ledger.problems.is_empty(), "{}", ledger.problems.join("\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{laws::log, store::open};

    fn taken() -> BankEvent {
        BankEvent::Taken { transfer: "1".to_owned(), amount: 5 }
    }

    fn given() -> BankEvent {
        BankEvent::Given { transfer: "1".to_owned(), amount: 5 }
    }

    fn given_back() -> BankEvent {
        BankEvent::GivenBack { transfer: "1".to_owned(), amount: 5 }
    }

    async fn found(events: Vec<BankEvent>, status: SagaStatus) -> String {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path(), 0).unwrap();
        store.append(account(1), events).await.unwrap();
        let typed = log::read_typed(&store).await.unwrap();
        let outcomes = Outcomes::from([("1".to_owned(), status)]);
        money(&typed, &outcomes).map_or_else(|error| format!("{error:#}"), |()| "well".to_owned())
    }

    #[tokio::test]
    async fn a_transfer_does_all_or_is_undone() {
        assert_eq!(found(vec![taken(), given()], SagaStatus::Completed).await, "well");
        assert_eq!(found(vec![taken(), given_back()], SagaStatus::Compensated).await, "well");
        assert_eq!(found(vec![BankEvent::Deposited { amount: 1 }], SagaStatus::Compensated).await, "well");
    }

    #[tokio::test]
    async fn money_that_is_lost_made_or_moved_by_half_is_found() {
        for (events, status) in [
            (vec![taken()], SagaStatus::Completed),
            (vec![taken()], SagaStatus::Compensated),
            (vec![taken(), given(), given()], SagaStatus::Completed),
            (vec![taken(), given(), given_back()], SagaStatus::Compensated),
            (vec![taken(), given_back()], SagaStatus::Completed),
            (vec![BankEvent::Deposited { amount: 1 }], SagaStatus::Completed),
            (vec![taken(), given()], SagaStatus::Running),
        ] {
            let found = found(events.clone(), status).await;
            assert!(found.contains("the transfer 1 is"), "{events:?} {status:?}: {found}");
        }
    }

    #[tokio::test]
    async fn a_projection_that_is_what_a_fold_makes_is_well_and_another_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path(), 0).unwrap();
        store.append(account(1), vec![BankEvent::Deposited { amount: 5 }]).await.unwrap();
        let typed = log::read_typed(&store).await.unwrap();
        projection(&store, &typed).await.unwrap();
        assert!(projection(&store, &[]).await.unwrap_err().to_string().contains("all events make"));
    }
}
