use std::sync::Arc;

use eventstore_api::{Result, StoreError};
use parking_lot::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};

use crate::database::Database;

/// A database that is open, until it is closed: which waits for those who are in it.
///
/// RocksDB lets go of its lock when the database is dropped, and a read that nobody waits for any more goes on for a while.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<RwLock<Option<Database>>>);

/// Somebody is in the database: it stays open.
pub(crate) type Entered<'g> = MappedRwLockReadGuard<'g, Database>;

impl Gate {
    pub(crate) fn new(database: Database) -> Self {
        Self(Arc::new(RwLock::new(Some(database))))
    }

    /// Goes in; [`StoreError::Closed`] where there is nothing behind.
    pub(crate) fn enter(&self) -> Result<Entered<'_>> {
        RwLockReadGuard::try_map(self.0.read(), Option::as_ref).map_err(|_| StoreError::Closed)
    }

    /// Closes the database, when the last one is out.
    pub(crate) fn close(&self) {
        let database = self.0.write().take();
        drop(database);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::RocksDbConfig, database::GivenUp};

    #[test]
    fn nobody_enters_what_is_closed_and_it_can_be_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Database::open(directory.path(), &RocksDbConfig::default(), GivenUp::default());
        let gate = Gate::new(open().unwrap());
        assert!(gate.enter().is_ok());
        gate.close();
        gate.close();
        assert!(matches!(gate.enter(), Err(StoreError::Closed)));
        open().unwrap();
    }
}
