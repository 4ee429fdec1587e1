mod whole;

use std::{fmt, io, path::Path, sync::Arc};

use async_trait::async_trait;
use eventstore_api::{BackendStats, Result, StoreError};
use eventstore_rocksdb::{
    Durability, RocksDbBackend, RocksDbConfig, RocksDbError, RocksDbReader, verify_with,
};

use super::{Kind, Location, OnEvent, Place, Purpose, Store, Target, Verdict, files, target::Runs};
use crate::{failure::causes, progress::Progress};

pub(super) const KIND: Kind = Kind {
    form: "rocksdb:DIR",
    named: |url| {
        let path = files::directory("rocksdb", url.strip_prefix("rocksdb:")?);
        Some(path.map(|path| Box::new(Database(path)) as Box<dyn Location>))
    },
};

/// A directory with a RocksDB database.
struct Database(String);

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rocksdb:{}", self.0)
    }
}

#[async_trait(?Send)]
impl Location for Database {
    async fn for_reading(&self) -> Result<Store> {
        Ok(Arc::new(RocksDbReader::open(&self.0)?))
    }

    async fn for_writing(&self) -> Result<Box<dyn Target>> {
        // An import syncs once for many appends.
        let config = RocksDbConfig { durability: Durability::OsBuffered, ..RocksDbConfig::default() };
        Ok(Box::new(Runs(Arc::new(RocksDbBackend::with_config(&self.0, config)?))))
    }

    async fn for_appending(&self) -> Result<Store> {
        Ok(Arc::new(RocksDbBackend::with_config(&self.0, RocksDbConfig::default())?))
    }

    async fn verified(&self, progress: &mut Progress) -> Result<Verdict> {
        let looked =
            verify_with(&self.0, |so_far| progress.at_events(so_far.events_done, so_far.events_total));
        let mut verdict = match looked {
            Ok(report) => sound(&report.stats),
            Err(StoreError::Corrupted { place, detail }) => self.damaged(Place { place, detail }).await,
            Err(error) => return Err(error),
        };
        verdict.bytes = files::bytes(&self.0, is_read).unwrap_or(0);
        Ok(verdict)
    }

    async fn salvaged(&self, show: &mut OnEvent<'_>) -> Option<Result<Verdict>> {
        Some(self.whole(show).await)
    }

    fn identity(&self) -> String {
        format!("rocksdb:{}", files::identity(&self.0))
    }

    fn is_in(&self, folder: &Path) -> bool {
        files::identity(&self.0) == files::identity(folder)
    }

    fn bytes(&self) -> Option<u64> {
        files::bytes(&self.0, |_| true)
    }

    /// The notes of a secondary instance.
    fn reader_keeps_files(&self) -> bool {
        true
    }

    fn is_not_begun(&self, failed: &StoreError) -> bool {
        files::is_about(failed, io::ErrorKind::NotFound)
    }

    fn advice(&self, failed: &StoreError, purpose: Purpose) -> Option<&'static str> {
        match causes(failed).find_map(|cause| cause.downcast_ref::<RocksDbError>()) {
            Some(RocksDbError::InUse { .. }) => Some(files::IN_USE),
            // It says by itself what to do, and of the store it says nothing: that may well be there.
            Some(RocksDbError::NoTemporaryFolder { .. }) => None,
            _ => files::advice(failed, purpose),
        }
    }
}

impl Database {
    /// The checks end where they find the first damage. What is whole all the same is what can be read.
    async fn damaged(&self, first: Place) -> Verdict {
        let mut verdict = self.whole(&mut |_| {}).await.unwrap_or_else(|_| Verdict {
            notes: vec!["so damaged that nothing else could be looked at".to_owned()],
            ..Verdict::default()
        });
        if !verdict.damages.iter().any(|known| known.detail == first.detail) {
            verdict.damages.insert(0, first);
        }
        verdict
    }

    async fn whole(&self, show: &mut OnEvent<'_>) -> Result<Verdict> {
        let (reader, damages) = RocksDbReader::open_damaged(&self.0)?;
        let mut verdict = whole::events(&reader, show).await?;
        let of_itself = damages.into_iter().filter_map(|damage| match damage {
            StoreError::Corrupted { place, detail } => Some(Place { place, detail }),
            _ => None,
        });
        verdict.damages = of_itself.chain(verdict.damages).collect();
        Ok(verdict)
    }
}

fn sound(stats: &BackendStats) -> Verdict {
    Verdict {
        events: stats.total_events,
        streams: stats.total_streams,
        snapshots: stats.total_snapshots,
        head: stats.head.get(),
        ..Verdict::default()
    }
}

/// All but what RocksDB tells about itself.
fn is_read(file: &str) -> bool {
    !file.starts_with("LOG")
}
