//! The process that is killed: the bank, with everything that it does at once.

mod group;
mod keeper;
mod mover;
mod readers;
mod writer;

use std::{path::Path, time::Duration};

use allframe_cqrs::{CheckpointPolicy, ProjectionRegistry, Registration};
use anyhow::{anyhow, bail};
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
        let total: i128 = registry.get::<Balances>().await?.accounts.values().sum();
        // Money that is under way is nowhere, so there may be less than was deposited; a debt there never is.
        if total < 0 {
            return Err(anyhow!("the accounts together have {total}"));
        }
    }
}

/// So long nothing takes, on a machine that does ten other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The store's directory in that of the soak.
pub(crate) fn store_in(directory: &Path) -> std::path::PathBuf {
    directory.join("store")
}
