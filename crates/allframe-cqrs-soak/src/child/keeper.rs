//! Snapshots: newer and newer ones, and now and then one that is too old.

use allframe_cqrs::{
    EventStoreBackend, StreamId, Version,
    api::{EventType, Snapshot},
};
use anyhow::{Context, ensure};

use super::every;
use crate::{
    arguments::Live,
    said::{Said, say},
    store::Store,
};

const STREAMS: u64 = 4;

/// What a snapshot of this version holds, so that one can be told from another.
pub(crate) fn kept_payload(stream: u64, version: u64) -> Vec<u8> {
    let length = usize::try_from(version % 3000).unwrap_or(0);
    format!("{stream}-{version} ").into_bytes().repeat(length / 4 + 1)
}

pub(super) async fn keep(store: Store, life: Live) -> anyhow::Result<()> {
    let mut chance = fastrand::Rng::with_seed(life.seed ^ u64::from(life.life));
    let mut pace = every(25);
    loop {
        pace.tick().await;
        let which = chance.u64(0..STREAMS);
        let stream = StreamId::new(format!("kept-{which}"))?;
        let latest = store.backend().get_latest_snapshot(&stream).await?.map_or(0, |it| it.version.get());
        let version = latest + chance.u64(1..4);
        save(&store, &stream, which, version).await?;
        say(&Said::Kept(which, version))?;
        if chance.u8(0..8) == 0 {
            save(&store, &stream, which, version.saturating_sub(1).max(1)).await?;
            let now = store.backend().get_latest_snapshot(&stream).await?.context("the snapshot is gone")?;
            ensure!(now.version.get() >= version, "an older snapshot took the place of {version}: {now:?}");
        }
    }
}

async fn save(store: &Store, stream: &StreamId, which: u64, version: u64) -> anyhow::Result<()> {
    let state_type = EventType::new("Kept")?;
    let snapshot =
        Snapshot::new(stream.clone(), Version::new(version), state_type, kept_payload(which, version));
    Ok(store.backend().save_snapshot(snapshot).await?)
}
