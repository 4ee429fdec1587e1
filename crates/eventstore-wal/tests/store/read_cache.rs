//! A stream that is read again comes from memory, and only as far as there is room.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use crate::support::{append, files, flip, frames, stream};
use eventstore_api::{EventStoreBackend, StoreError, StreamRange};
use eventstore_wal::{WalBackend, WalConfig};

/// Reads a stream, damages every frame on the disk, and reads it once more.
async fn read_damage_read(cache_bytes: usize) -> Result<(), StoreError> {
    let directory = tempfile::tempdir().unwrap();
    let store =
        WalBackend::with_config(directory.path(), WalConfig { cache_bytes, ..WalConfig::default() }).unwrap();
    append(&store, 0..70).await;
    let before = store.get_events(&stream(3)).await?;
    assert_eq!(before.len(), 10);

    for segment in files(directory.path(), ".wal") {
        for frame in frames(&segment).split_last().unwrap().1 {
            flip(&segment, frame + 50);
        }
    }
    assert_eq!(store.get_events(&stream(3)).await?, before);
    let backward = store.read_stream(&stream(3), StreamRange::backward()).await?.events;
    assert!(backward.iter().eq(before.iter().rev()));
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_read_again_takes_nothing_from_the_disk() {
    read_damage_read(WalConfig::default().cache_bytes).await.unwrap();
}

#[tokio::test]
async fn without_room_everything_comes_from_the_disk() {
    let damaged = read_damage_read(0).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Corrupted { .. }), "{damaged:?}");
}
