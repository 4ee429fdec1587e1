use std::path::Path;

use eventstore_api::{Result, StoreError};

use crate::error::RocksDbError;

/// Refuses to write so many bytes where the disk has no room for them beside `reserve`. So a full disk is told before anything
/// is written, and what is in memory can still be written out.
pub(super) fn check(path: &Path, bytes: u64, reserve: u64) -> Result<()> {
    let needed = bytes.saturating_add(reserve);
    match free(path) {
        Some(free) if free < needed => {
            Err(StoreError::unavailable(RocksDbError::NoSpace { path: path.to_owned(), free, needed }))
        }
        _ => Ok(()),
    }
}

/// How many bytes we may still write there; `None` where the system does not say.
#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let status = rustix::fs::statvfs(path).ok()?;
    status.f_bavail.checked_mul(status.f_frsize)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused_before_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        assert!(check(directory.path(), 1, 1).is_ok());
        let refused = check(directory.path(), 1, u64::MAX);
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    }
}
