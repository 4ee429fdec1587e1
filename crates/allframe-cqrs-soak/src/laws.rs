//! What must hold in the end.

mod appends;
mod bank;
mod log;

use std::{collections::BTreeMap, path::Path};

use allframe_cqrs::{EventStoreBackend, StreamId, saga::SagaStatus};
use anyhow::{Context, ensure};
use eventstore_wal::verify;

use crate::{
    child::{GROUP, kept_payload, store_in},
    ledger::Ledger,
    store::{Store, open},
};

/// What was found, to be told.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) events: u64,
    pub(crate) streams: u64,
    pub(crate) parts: u64,
    pub(crate) torn: u64,
    pub(crate) completed: u64,
    pub(crate) compensated: u64,
}

/// Lets everything come to its end in a last life that nobody kills, and looks.
pub(crate) async fn check(
    directory: &Path,
    seed: u64,
    life: u32,
    ledger: &mut Ledger,
) -> anyhow::Result<Found> {
    let store = open(directory, life)?;
    snapshots(&store, ledger).await.context("snapshots")?;
    let outcomes = bank::sagas(&store, ledger).await.context("sagas")?;
    bank::group(&store, ledger).await.with_context(|| format!("the consumer group `{GROUP}`"))?;

    let events = log::read(&store).await.context("reading everything")?;
    log::order(&events).context("order")?;
    log::traces(&events, &ledger.traces).context("readers")?;
    let typed = log::read_typed(&store).await.context("reading what the bank stored")?;
    appends::hold(&typed, seed, ledger).context("appends")?;
    bank::money(&typed, &outcomes).context("money")?;
    bank::projection(&store, &typed).await.context("projection")?;
    log::counts(&store, &events).await.context("counts")?;
    log::streams(&store, &events).await.context("streams")?;

    store.backend().archive_now().await.context("archiving what is left")?;
    store.backend().close().await.context("closing")?;
    drop(store);
    let report = verify(store_in(directory)).context("verifying")?;
    ensure!(report.is_sound(), "verify: {report:?}");
    ensure!(
        report.events == events.len() as u64,
        "verify counts {} of {} events",
        report.events,
        events.len()
    );
    let streams: std::collections::BTreeSet<&StreamId> = events.iter().map(|it| &it.stream).collect();
    Ok(Found {
        events: events.len() as u64,
        streams: streams.len() as u64,
        parts: report.parts,
        torn: report.quarantined.len() as u64,
        completed: outcomes.values().filter(|it| **it == SagaStatus::Completed).count() as u64,
        compensated: outcomes.values().filter(|it| **it == SagaStatus::Compensated).count() as u64,
    })
}

async fn snapshots(store: &Store, ledger: &Ledger) -> anyhow::Result<()> {
    for (which, acknowledged) in &ledger.snapshots {
        let stream = StreamId::new(format!("kept-{which}"))?;
        let latest = store.backend().get_latest_snapshot(&stream).await?.context("it is gone")?;
        let version = latest.version.get();
        ensure!(
            version >= *acknowledged,
            "{stream}: {acknowledged} was acknowledged, and the latest is {version}"
        );
        ensure!(latest.payload == kept_payload(*which, version), "{stream}: {version} holds something else");
    }
    Ok(())
}

/// How often each of these is there.
fn tally<T: Ord>(of: impl IntoIterator<Item = T>) -> BTreeMap<T, u64> {
    let mut tally = BTreeMap::new();
    for it in of {
        *tally.entry(it).or_default() += 1;
    }
    tally
}
