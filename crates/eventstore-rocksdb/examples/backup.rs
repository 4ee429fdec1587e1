//! A till counts what it takes, and is copied in the evening without being closed. Next day its directory is lost, and the copy put in its
//! place.
//!
//! ```sh
//! cargo run -p eventstore-rocksdb --example backup                # in a directory that is removed
//! cargo run -p eventstore-rocksdb --example backup -- ./till      # below this one, which must not be there yet
//! ```
//!
//! RocksDB is compiled for that, for minutes, once.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};
use eventstore_rocksdb::{RocksDbBackend, restore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let throw_away = tempfile::tempdir()?;
    let below = std::env::args_os().nth(1).map_or_else(|| throw_away.path().to_owned(), PathBuf::from);
    let Told { copied, lost, found } = tell(&below).await?;
    println!("copied: {copied} events; lost with the directory: {lost}; found again: {found}");
    Ok(())
}

struct Told {
    /// How many events were in the store when it was copied.
    copied: u64,
    /// How many came after that.
    lost: u64,
    /// How many there are again.
    found: u64,
}

async fn tell(below: &Path) -> Result<Told, Box<dyn Error>> {
    let (path, evening) = (below.join("till"), below.join("evening"));
    fs::create_dir_all(below)?;
    let store = RocksDbBackend::open(&path)?;
    take_cents(&store, 0..100).await?;
    store.backup_to(&evening).await?;
    let copied = store.stats().await?.total_events;
    take_cents(&store, 100..130).await?;
    let lost = store.stats().await?.total_events - copied;
    store.close().await?;
    fs::remove_dir_all(&path)?;

    // Every file is copied, so that the backup stays what it is, and verified: damage is an error.
    let anew = path.clone();
    let report = tokio::task::spawn_blocking(move || restore(&evening, &anew)).await??;
    let store = RocksDbBackend::open(&path)?;
    take_cents(&store, 100..101).await?;
    store.close().await?;
    Ok(Told { copied, lost, found: report.stats.total_events })
}

async fn take_cents(store: &RocksDbBackend, cents: std::ops::Range<u64>) -> Result<(), Box<dyn Error>> {
    let till = StreamId::new("till-3")?;
    for cents in cents {
        let taken = NewEvent::new(EventType::new("Taken")?, format!(r#"{{"cents":{cents}}}"#));
        store.append(&till, ExpectedVersion::Any, vec![taken]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_copied_is_found_again_and_written_on() {
        let directory = tempfile::tempdir().unwrap();
        let Told { copied, lost, found } = tell(directory.path()).await.unwrap();
        assert_eq!((copied, lost, found), (100, 30, 100));
        let store = RocksDbBackend::open(directory.path().join("till")).unwrap();
        assert_eq!(store.stats().await.unwrap().total_events, 101);
    }
}
