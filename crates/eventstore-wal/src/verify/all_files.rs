use std::{
    io,
    sync::{Arc, OnceLock},
};

use crate::{
    damage::Failure,
    disk::{Disk, DiskFile, Open, are_too_many},
};

/// A disk that remembers whether a file of it could not be opened because too many are open: that says nothing about the file, and
/// whoever takes it for damage is wrong about the store.
#[derive(Debug)]
pub(super) struct AllFiles {
    disk: Arc<dyn Disk>,
    too_many: OnceLock<Failure>,
}

impl AllFiles {
    pub(super) fn on(disk: Arc<dyn Disk>) -> Self {
        Self { disk, too_many: OnceLock::new() }
    }

    /// Whether every file that is there could be opened.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.too_many.get().map_or(Ok(()), |failure| Err(failure.clone()))
    }
}

impl Disk for AllFiles {
    fn open(&self, name: &str, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(name, how).inspect_err(|error| {
            if are_too_many(error) {
                let source = Arc::new(io::Error::new(error.kind(), error.to_string()));
                let doing = format!("cannot open {}", self.disk.describe(name));
                let _ = self.too_many.set(Failure::Io { doing, source });
            }
        })
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.disk.names()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.disk.sync_names()
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.disk.lock(name)
    }

    fn is_locked(&self, name: &str) -> io::Result<bool> {
        self.disk.is_locked(name)
    }

    fn describe(&self, name: &str) -> String {
        self.disk.describe(name)
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

    use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};

    use super::*;
    use crate::{
        WalBackend, WalConfig,
        disk::bad_drive::BadDrive,
        verify::{
            verify_disk,
            witness::{OfEvents, OfProgress},
        },
    };

    #[tokio::test]
    async fn a_process_that_may_open_no_more_files_does_not_call_a_store_damaged() {
        const EMFILE: i32 = 24;
        let directory = tempfile::tempdir().unwrap();
        let store = WalBackend::with_config(directory.path(), WalConfig::default()).unwrap();
        let event = NewEvent::new(EventType::new("T").unwrap(), "1");
        store.append(&StreamId::new("s").unwrap(), ExpectedVersion::Any, vec![event]).await.unwrap();
        store.close().await.unwrap();
        for ending in ["MANIFEST", "SYNCED", ".wal"] {
            let drive = || Arc::new(BadDrive::that_cannot_open(directory.path(), ending, EMFILE));
            for verified in [
                verify_disk(drive(), OfProgress(|_| {})),
                verify_disk(
                    drive(),
                    OfEvents { show: |_| {}, names: eventstore_codec::Names::new(), shown: 0 },
                ),
            ] {
                let Err(Failure::Io { doing, .. }) = &verified else { panic!("{ending}: {verified:?}") };
                assert!(doing.contains(ending), "{doing}");
            }
        }
    }
}
