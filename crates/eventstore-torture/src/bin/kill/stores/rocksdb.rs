use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use eventstore_api::message_with_causes;
use eventstore_rocksdb::{RocksDbBackend, RocksDbConfig, verify};

use super::{Counts, Opened, Store, does_something_meanwhile, durability, files, files_called};
use crate::arguments::Write;

/// With so little memory that files are written and merged all the time, and copied in every other life.
pub(crate) struct Rocksdb;

/// Where the copies are made.
const COPIES: &str = "copies";
/// How many of those of one round are looked through: that takes longer than making them.
const LOOKED_THROUGH: usize = 3;

impl Store for Rocksdb {
    fn open(&self, life: &Write) -> Result<Opened, String> {
        let config = RocksDbConfig {
            write_buffer_bytes: 1 << 20,
            cache_bytes: 1 << 20,
            durability: durability(life),
            ..RocksDbConfig::default()
        };
        let store = RocksDbBackend::with_config(&life.directory, config)
            .map_err(|error| message_with_causes(&error))?;
        let copies = life.directory.join(COPIES);
        let meanwhile = does_something_meanwhile(life).then(|| {
            let (store, life) = (store.clone(), life.life);
            Box::pin(copy_for_ever(store, copies, life)) as _
        });
        Ok(Opened { store: Arc::new(store), meanwhile })
    }

    fn log_ending(&self) -> &'static str {
        "log"
    }

    /// A copy is made in a hidden directory beside, and given its place when it is whole.
    fn left_by_a_kill(&self, directory: &Path) -> io::Result<Counts> {
        let half = copies(directory)?.iter().any(|copy| !is_whole(copy));
        Ok(vec![("processes killed in the middle of a copy", u64::from(half))])
    }

    fn look_through(&self, directory: &Path) -> Result<Counts, String> {
        verify(directory).map_err(|error| message_with_causes(&error))?;
        let copies = copies(directory).map_err(|error| error.to_string())?;
        let mut looked_through = 0;
        for copy in copies.iter().rev().filter(|copy| is_whole(copy)).take(LOOKED_THROUGH) {
            verify(copy).map_err(|error| format!("{}: {}", copy.display(), message_with_causes(&error)))?;
            looked_through += 1;
        }
        for copy in copies {
            fs::remove_dir_all(copy).map_err(|error| error.to_string())?;
        }
        Ok(vec![("copies looked through", looked_through)])
    }

    fn left_in_the_end(&self, directory: &Path) -> io::Result<Counts> {
        Ok(vec![("sorted files in the end", files_called(directory, "sst")?)])
    }
}

async fn copy_for_ever(store: RocksDbBackend, copies: PathBuf, life: u32) -> Result<(), String> {
    fs::create_dir_all(&copies).map_err(|error| error.to_string())?;
    for number in 0_u32.. {
        let copy = copies.join(format!("{life:05}-{number:05}"));
        store.backup_to(copy).await.map_err(|error| message_with_causes(&error))?;
    }
    Ok(())
}

fn copies(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let copies = directory.join(COPIES);
    if !copies.try_exists()? {
        return Ok(Vec::new());
    }
    let mut copies = files(&copies)?;
    copies.sort();
    Ok(copies)
}

fn is_whole(copy: &Path) -> bool {
    copy.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
}
