//! Opening a database in one of three ways, and what is looked at before.

use std::path::Path;

use eventstore_api::{Result, StoreError};
use rust_rocksdb::{DB, Options, WriteBatch};

use super::{
    Database, GivenUp, Sync,
    gapless::{Gapless, SeenLog},
    occupied,
    options::Tuning,
    synced::{Synced, SyncedFile},
};
use crate::{
    config::{Recovery, RocksDbConfig},
    error::{RocksDbError, failed},
    layout::{FORMAT, family, keys},
};

impl Database {
    /// The database in this directory, which becomes one if there is none.
    pub(crate) fn open(path: &Path, config: &RocksDbConfig, given_up: GivenUp) -> Result<Self> {
        let is_begun = occupied::check(path)?;
        let synced = SyncedFile::take(path)?;
        if config.recovery == Recovery::Strict {
            Self::check_what_is_there(path, config, is_begun)?;
        }
        let tuning = Tuning::new(config);
        let mut options = tuning.database();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.add_event_listener(given_up);
        let db = DB::open_cf_descriptors(&options, path, tuning.families())
            .map_err(|error| cannot_open(path, error))?;
        let mut database = Self { db, path: path.to_owned(), synced };
        database.begin_or_check_format()?;
        if database.synced.is_none() {
            database.synced = Some(SyncedFile::begin(path)?);
        }
        if config.recovery == Recovery::UpToDamage {
            // What is overlooked once is not asked about again.
            database.sync().map_err(failed(path, "sync what is left"))?;
            database.note_synced(database.last_position()?);
        }
        database.check_ends(Synced::read(path)?)?;
        Ok(database)
    }

    /// The database in this directory, to look at as it is at this moment, which another process may go on from.
    pub(crate) fn open_read_only(path: &Path, config: &RocksDbConfig) -> Result<Self> {
        Self::read_only_with_all_files(path, config)?.with_format_checked()
    }

    fn read_only_with_all_files(path: &Path, config: &RocksDbConfig) -> Result<Self> {
        let tuning = Tuning::new(config);
        let mut options = tuning.database();
        // What is open can be read to its end, also when the other process deletes it; and what cannot be opened is told now.
        options.set_max_open_files(-1);
        Self::read_only_with(&options, &tuning, path)
    }

    fn read_only(path: &Path, config: &RocksDbConfig) -> Result<Self> {
        let tuning = Tuning::new(config);
        Self::read_only_with(&tuning.database(), &tuning, path)
    }

    fn read_only_with(options: &Options, tuning: &Tuning<'_>, path: &Path) -> Result<Self> {
        occupied::check_is_there(path)?;
        let db = DB::open_cf_descriptors_read_only(options, path, tuning.families(), false)
            .map_err(|error| cannot_open(path, error))?;
        Ok(Self { db, path: path.to_owned(), synced: None })
    }

    /// That every file which the database names is there, and as long as it says: where one is not, a secondary instance goes back to the
    /// time before it, in the family that the file is of, and says nothing.
    pub(crate) fn check_files(path: &Path, config: &RocksDbConfig) -> Result<()> {
        Self::read_only_with_all_files(path, config).map(drop)
    }

    /// The database in this directory, to look at while another process may be writing it. `own` is a directory for what
    /// this process has to write down.
    pub(crate) fn open_secondary(path: &Path, own: &Path, config: &RocksDbConfig) -> Result<Self> {
        Self::open_secondary_unchecked(path, own, config)?.with_format_checked()
    }

    /// The same where what the store says of itself may be damaged.
    pub(crate) fn open_secondary_unchecked(path: &Path, own: &Path, config: &RocksDbConfig) -> Result<Self> {
        occupied::check_is_there(path)?;
        let tuning = Tuning::new(config);
        let mut options = tuning.database();
        // Else a file that the other process has deleted could not be read any more.
        options.set_max_open_files(-1);
        let db = DB::open_cf_descriptors_as_secondary(&options, path, own, tuning.families())
            .map_err(|error| cannot_open(path, error))?;
        Ok(Self { db, path: path.to_owned(), synced: None })
    }

    /// Looks before anything is changed: RocksDB deletes what it takes for left over when it opens a database.
    fn check_what_is_there(path: &Path, config: &RocksDbConfig, is_begun: bool) -> Result<()> {
        let durable = Synced::read(path)?;
        let check = |found| durable.map_or(Ok(()), |durable| durable.check(path, found));
        if !is_begun {
            return check(Synced::NOTHING);
        }
        let log = SeenLog::default();
        let tuning = Tuning::new(config);
        let mut options = tuning.database();
        options.set_wal_filter(Gapless::looking(log.clone()));
        let files = Self::read_only_with(&options, &tuning, path)?;
        if files.get(family::META, keys::FORMAT)?.is_none() {
            // Begun, and no more: what there is of it is in the log.
            let there = Self::read_only(path, config)?;
            // Nothing is, where it was interrupted before.
            if there.db.latest_sequence_number() > 0 {
                there.check_format()?;
            }
            return there.check_ends(durable);
        }
        files.check_format()?;
        let head = log.state().map_or_else(|| files.state(), Ok)?.counts.head;
        check(Synced { head, sequence: log.sequence().max(files.db.latest_sequence_number()) })
    }

    fn begin_or_check_format(&self) -> Result<()> {
        if self.get(family::META, keys::FORMAT)?.is_none() && self.db.latest_sequence_number() == 0 {
            let mut batch = WriteBatch::default();
            batch.put_cf(self.family(family::META)?, keys::FORMAT, FORMAT.to_le_bytes());
            self.write(&batch, Sync::Waited).map_err(failed(&self.path, "begin a store"))?;
            // From now on it says what it is without its log.
            return self.flush_memory();
        }
        self.check_format()
    }

    fn with_format_checked(self) -> Result<Self> {
        self.check_format()?;
        Ok(self)
    }

    pub(crate) fn check_format(&self) -> Result<()> {
        let format = self.get(family::META, keys::FORMAT)?;
        let path = || self.path.clone();
        let Some(found) = format.and_then(|bytes| (*bytes).try_into().ok().map(u32::from_le_bytes)) else {
            return Err(self.without_format());
        };
        match found {
            FORMAT => Ok(()),
            _ => Err(StoreError::storage(RocksDbError::UnknownFormat { path: path(), found, known: FORMAT })),
        }
    }

    /// What to say of a database that says no format. All families of a store are there, or it would not be open: what is in them
    /// is nobody else's.
    fn without_format(&self) -> StoreError {
        // Whoever began it was interrupted before anything was in it, or is about to put something into it.
        if self.db.latest_sequence_number() == 0 && matches!(Synced::read(&self.path), Ok(None)) {
            let detail = "a RocksDB database that says no format".to_owned();
            return StoreError::storage(RocksDbError::NotAnEventStore { path: self.path.clone(), detail });
        }
        self.corrupted(
            "it is an event store, and the key `format` in the column family `meta`, which is 4 bytes, is missing or has another \
             length: restore a backup; `RocksDbReader::open_damaged` reads what is whole",
        )
    }
}

/// RocksDB says only in words that another has the lock; a test holds them.
fn cannot_open(path: &Path, error: rust_rocksdb::Error) -> StoreError {
    let text = error.as_ref();
    if text.contains("lock hold by current process") || text.contains("While lock file") {
        return StoreError::unavailable(RocksDbError::InUse { path: path.to_owned() });
    }
    failed(path, "open the database")(error)
}
