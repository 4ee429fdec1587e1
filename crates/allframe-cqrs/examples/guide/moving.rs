//! From one store to another.

use std::sync::Arc;

use allframe_cqrs::{
    EventStoreBackend,
    migrate::{Migration, MigrationReport, SwitchingBackend},
};

use crate::{domain::Bank, store};

/// While nobody uses the store.
pub(crate) async fn move_store(from: &str, to: &str) -> anyhow::Result<MigrationReport> {
    let (old, new) = (store::open(from).await?, store::open(to).await?);
    let report = Migration::new(&old, &new).run().await?;
    old.close().await?;
    new.close().await?;
    Ok(report)
}

/// While the bank is open.
pub(crate) async fn change_over(store: &SwitchingBackend, to: &str) -> anyhow::Result<()> {
    let new = store::open(to).await?;
    let switched = store.switch_to(new).await?;
    println!("since position {}: {to}", switched.head);
    switched.left.close().await?;
    Ok(())
}

/// A bank whose store can be changed.
pub(crate) async fn open_bank(url: &str) -> anyhow::Result<(Bank, SwitchingBackend)> {
    let store = SwitchingBackend::new(store::open(url).await?);
    let backend: Arc<dyn EventStoreBackend> = Arc::new(store.clone());
    Ok((Bank::on(backend).await?, store))
}
