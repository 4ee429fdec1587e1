/// With the archive, so that Parquet is written and read.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use allframe_cqrs::{ArchivePolicy, WalBackend, WalConfig};

    let directory = std::env::args().nth(1).ok_or("name a directory")?;
    let archive = ArchivePolicy::default();
    let store = EventStore::with_backend(WalBackend::with_archive(directory, WalConfig::default(), archive)?);
    bank(store.clone()).await?;
    store.backend().archive_now().await?;
    Ok(store.backend().close().await?)
}
