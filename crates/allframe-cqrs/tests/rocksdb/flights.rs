//! The flights example: what it has to stand on every store that stays.

use std::{fs, path::Path};

use allframe_cqrs::{EventStoreBackend, RocksDbReader, StoreError, rocksdb::verify};

use crate::{
    durable::{Stays, stays},
    trial::{HEADER, file, flights_in},
};

struct RocksDb;

impl Stays for RocksDb {
    const SCHEME: &'static str = "rocksdb";

    /// Closing puts into sorted files what is in memory, and leaves an empty log.
    async fn was_closed(directory: &Path) -> bool {
        let logs = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
        let mut logs =
            logs.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "log"));
        logs.all(|log| log.metadata().unwrap().len() == 0)
    }

    /// The bytes of its files shrink as they are compressed and merged, so what counts is events.
    async fn progress(directory: &Path) -> usize {
        // Where there is no store yet, there are none.
        let Ok(reader) = RocksDbReader::open(directory) else { return 0 };
        usize::try_from(reader.head().await.unwrap().get()).unwrap()
    }

    fn verified(directory: &Path) -> Result<(), StoreError> {
        verify(directory).map(|_| ())
    }
}

stays!(RocksDb);

#[tokio::test]
async fn a_directory_that_holds_something_else_is_an_error() {
    let taken = file(&[HEADER]);
    let path = taken.path().to_str().unwrap();
    let error = format!("{:#}", flights_in(&format!("rocksdb:{path}"), []).await.unwrap_err());
    assert!(error.starts_with(&format!("cannot open the store in {path}: ")), "{error}");
}
