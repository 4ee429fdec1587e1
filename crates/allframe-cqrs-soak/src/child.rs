//! The process that is killed: the bank, with everything that it does at once.

mod group;
mod keeper;
mod mover;
mod readers;
mod writer;

use std::{path::Path, time::Duration};

use allframe_cqrs::{CheckpointPolicy, ProjectionRegistry, Registration};
use anyhow::bail;
use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::{
    arguments::Live,
    bank::{Balances, BankEvent},
    said::{Said, say},
    store::{Store, open},
    transfer::orchestrator,
};
use eventstore_wal::WalBackend;

pub(crate) use group::{GROUP, open as group_of, place};
pub(crate) use keeper::kept_payload;
pub(crate) use readers::Trace;
pub(crate) use writer::TASKS;

/// The name of the projection.
pub(crate) const BALANCES: &str = "balances";

/// Runs until it is killed; comes back when something is not as it must be.
pub(crate) fn live(life: &Live) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = open(&life.directory, life.life)?;
        say(&Said::Open)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(writer::write(store.clone(), life.clone()));
        tasks.spawn(mover::move_money(store.clone(), orchestrator(&store).await?, life.clone()));
        tasks.spawn(keeper::keep(store.clone(), life.clone()));
        tasks.spawn(group::handle(store.clone()));
        tasks.spawn(group::handle(store.clone()));
        tasks.spawn(readers::follow(store.clone(), Trace::parse(life.seen.as_deref())?));
        tasks.spawn(readers::subscribe(store.clone()));
        tasks.spawn(readers::read_streams(store.clone(), life.clone()));
        tasks.spawn(project(store));
        match tasks.join_next().await {
            Some(ended) => ended?,
            None => bail!("nothing was begun"),
        }
    })
}

/// A pace at which a machine has room for everything else; no tick is made up for.
fn every(milliseconds: u64) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(Duration::from_millis(milliseconds));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

pub(crate) async fn registry(store: &Store) -> anyhow::Result<ProjectionRegistry<BankEvent, WalBackend>> {
    let registry = ProjectionRegistry::new(store.clone());
    let often = CheckpointPolicy::default().with_events(500);
    let balances = Registration::stored(BALANCES, 1, Balances::default).with_checkpoints(often);
    registry.add(balances).await?;
    Ok(registry)
}

/// The registry works by itself; here it is seen to go on.
async fn project(store: Store) -> anyhow::Result<()> {
    let registry = registry(&store).await?;
    let mut pace = every(200);
    loop {
        pace.tick().await;
        registry.wait_until_caught_up(PATIENCE).await?;
        let balances = registry.get::<Balances>().await?;
        no_money_is_made(&balances)?;
    }
}

/// No transfer brings what it has not taken. What the accounts have together says nothing: it may be a debt, since a transfer that has
/// turned round takes back what others have taken meanwhile, and gives it back to whom they take it from once more.
fn no_money_is_made(balances: &Balances) -> anyhow::Result<()> {
    match balances.under_way.iter().find(|(_, amount)| **amount < 0) {
        None => Ok(()),
        Some((transfer, amount)) => {
            bail!("the transfer {transfer} has brought {} that it had not taken", -amount)
        }
    }
}

/// So long nothing takes, on a machine that does ten other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The store's directory in that of the soak.
pub(crate) fn store_in(directory: &Path) -> std::path::PathBuf {
    directory.join("store")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The accounts after what was done to each, in this order.
    fn balances(done: &[(&str, BankEvent)]) -> Balances {
        let mut balances = Balances::default();
        for (position, (account, event)) in (1..).zip(done) {
            balances.see(account, position, event);
        }
        balances
    }

    fn of(transfer: &str) -> (String, u64) {
        (transfer.to_owned(), 100)
    }

    fn taken(which: &str) -> BankEvent {
        let (transfer, amount) = of(which);
        BankEvent::Taken { transfer, amount }
    }

    fn given(which: &str) -> BankEvent {
        let (transfer, amount) = of(which);
        BankEvent::Given { transfer, amount }
    }

    #[test]
    fn a_transfer_that_takes_back_what_another_has_taken_makes_a_debt_and_no_money() {
        let (transfer, amount) = of("one");
        let mut done = vec![
            ("1", BankEvent::Deposited { amount: 100 }),
            ("1", taken("one")),
            ("2", given("one")),
            ("2", taken("another")),
            ("2", BankEvent::TakenBack { transfer: transfer.clone(), amount }),
        ];
        let debt = balances(&done);
        assert_eq!(debt.accounts.values().sum::<i128>(), -100);
        no_money_is_made(&debt).unwrap();
        done.extend([
            ("1", BankEvent::GivenBack { transfer, amount }),
            // It is there, so that it can be taken once more: nothing is turned round any more, and there still is a debt.
            ("1", taken("a third")),
        ]);
        let debt = balances(&done);
        assert_eq!(debt.accounts.values().sum::<i128>(), -100);
        no_money_is_made(&debt).unwrap();
    }

    #[test]
    fn money_that_is_brought_and_was_not_taken_is_found() {
        let made = balances(&[("1", BankEvent::Deposited { amount: 100 }), ("2", given("one"))]);
        let error = no_money_is_made(&made).unwrap_err();
        assert_eq!(error.to_string(), "the transfer one has brought 100 that it had not taken");
        let twice = balances(&[("1", taken("one")), ("2", given("one")), ("2", given("one"))]);
        assert!(no_money_is_made(&twice).is_err());
        assert!(balances(&[("1", taken("one")), ("2", given("one"))]).under_way.is_empty());
    }
}
