//! A store that is damaged so that it cannot be followed: what is whole of it can be read all the same.

use std::{path::Path, sync::Arc};

use eventstore_api::{Result, StoreError};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{OwnDirectory, POLL_EVERY, RocksDbReader, Shared};
use crate::{
    config::RocksDbConfig,
    database::{Database, Synced},
    gate::Gate,
    layout::state::Counts,
    moving,
};

impl RocksDbReader {
    /// The store in this directory, to save what is whole of it; and what is damaged of that which the store says of itself, which
    /// keeps [`RocksDbReader::open`] from opening it. Damage to events is told by reads, event by event.
    ///
    /// Of a store of which nothing like that is damaged, this is what [`RocksDbReader::open`] gives. Of another one it shows all that is
    /// there, durable or not, as it was when it was opened; how many streams and snapshots it holds may not be known, and is 0 then.
    /// Where a file is gone or cut off, what RocksDB wrote into that family from then on is not shown either, though it may be whole.
    ///
    /// # Errors
    ///
    /// As [`RocksDbReader::open`]; [`StoreError::Corrupted`] when RocksDB itself cannot open it any more.
    ///
    /// ```
    /// use eventstore_rocksdb::{RocksDbBackend, RocksDbReader};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path();
    /// drop(RocksDbBackend::open(path)?);
    /// let (reader, damages) = RocksDbReader::open_damaged(path)?;
    /// assert_eq!((reader.path(), damages.len()), (path, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_damaged(path: impl AsRef<Path>) -> Result<(Self, Vec<StoreError>)> {
        let path = path.as_ref();
        match Self::open(path) {
            Err(StoreError::Corrupted { .. }) => {}
            opened => return opened.map(|reader| (reader, Vec::new())),
        }
        let open = || Shared::open_damaged(path, &RocksDbConfig::default());
        let (shared, damages) = moving::reliably(|| moving::files(path), open)?;
        Ok((Self { shared: Arc::new(shared), poll_every: POLL_EVERY }, damages))
    }
}

impl Shared {
    fn open_damaged(path: &Path, config: &RocksDbConfig) -> Result<(Self, Vec<StoreError>)> {
        let durable = Synced::read(path)?;
        let own = OwnDirectory::make()?;
        let database = Database::open_secondary_unchecked(path, own.path(), config)?;
        let mut damages = Vec::new();
        or_damage(Database::check_files(path, config), &mut damages)?;
        or_damage(database.check_format(), &mut damages)?;
        let state = or_damage(database.state(), &mut damages)?;
        let last = or_damage(database.last_position(), &mut damages)?;
        if state.is_some() && last.is_some() {
            or_damage(database.check_ends(durable), &mut damages)?;
        }
        let counts = state.unwrap_or_default().counts;
        // Where the last event cannot be read, those before it can.
        let said = || durable.map_or(counts.head, |durable| durable.head.max(counts.head));
        let shown = Counts { head: last.unwrap_or_else(said), ..counts };
        let shared = Self {
            gate: Gate::new(database),
            shown: Mutex::new(shown),
            follows: false,
            is_closed: watch::Sender::new(false),
            path: path.to_owned(),
            _own: own,
        };
        Ok((shared, damages))
    }
}

/// What was found; `None` where it is damaged, which is noted.
fn or_damage<T>(found: Result<T>, damages: &mut Vec<StoreError>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(damage @ StoreError::Corrupted { .. }) => {
            damages.push(damage);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
