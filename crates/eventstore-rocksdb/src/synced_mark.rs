use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use eventstore_api::{GlobalPosition, Result, StoreError};

use crate::{config::Recovery, error::corrupted};

/// A file beside the database that says up to where everything is durable.
///
/// RocksDB takes a last record whose end is missing for one that was interrupted, and goes on without it. Where it was durable
/// once, this says so. It is written after each sync, and not synced itself: after loss of power it may say less than there
/// is, which is no harm, and never more.
#[derive(Debug)]
pub(crate) struct SyncedMark {
    file: File,
    path: PathBuf,
    is_written: bool,
}

/// RocksDB leaves alone what has no name that it gives.
const NAME: &str = "SYNCED";

impl SyncedMark {
    /// The mark of the database in this directory, whose last event is at `head`.
    ///
    /// An error when more was durable than is there, unless that is to be overlooked.
    pub(crate) fn open(directory: &Path, head: GlobalPosition, recovery: Recovery) -> Result<Self> {
        let path = directory.join(NAME);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(StoreError::storage)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(StoreError::storage)?;
        match read(&bytes) {
            Some(synced) if synced > head && recovery == Recovery::Strict => Err(corrupted(
                directory,
                format!("events up to position {synced} were durable, and the log ends at {head}"),
            )),
            _ => {
                let mut mark = Self { file, path, is_written: true };
                // What is overlooked once is not asked about again.
                if recovery == Recovery::UpToDamage {
                    mark.set(head);
                }
                Ok(mark)
            }
        }
    }

    /// Everything up to here is durable.
    pub(crate) fn set(&mut self, synced: GlobalPosition) {
        let was_written = std::mem::replace(&mut self.is_written, true);
        if let Err(error) = self.write(synced) {
            self.is_written = false;
            // Less is noticed now, and nothing is lost. Said once, and not with every append.
            if was_written {
                tracing::warn!(%error, path = %self.path.display(), "cannot note up to where everything is durable");
            }
        }
    }

    fn write(&mut self, synced: GlobalPosition) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(&form(synced))
    }
}

/// The number, and the same with all bits turned over: what is half written says nothing.
fn form(synced: GlobalPosition) -> [u8; 16] {
    let mut form = [0; 16];
    let (front, back) = form.split_at_mut(8);
    front.copy_from_slice(&synced.get().to_le_bytes());
    back.copy_from_slice(&(!synced.get()).to_le_bytes());
    form
}

fn read(bytes: &[u8]) -> Option<GlobalPosition> {
    let (front, back) = bytes.split_first_chunk()?;
    let synced = u64::from_le_bytes(*front);
    (u64::from_le_bytes(back.try_into().ok()?) == !synced).then_some(GlobalPosition::new(synced))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_was_durable_is_noticed_unless_it_is_overlooked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let open = |head| SyncedMark::open(path, GlobalPosition::new(head), Recovery::Strict);
        open(0).unwrap().set(GlobalPosition::new(7));
        assert!(open(7).is_ok() && open(8).is_ok());
        let short = open(6).unwrap_err().to_string();
        assert!(short.contains("up to position 7") && short.contains("ends at 6"), "{short}");
        SyncedMark::open(path, GlobalPosition::new(6), Recovery::UpToDamage).unwrap();
        assert!(open(6).is_ok());
    }

    #[test]
    fn what_is_half_written_says_nothing() {
        let whole = form(GlobalPosition::new(0x0102_0304_0506));
        assert_eq!(read(&whole), Some(GlobalPosition::new(0x0102_0304_0506)));
        for length in 0..whole.len() {
            assert_eq!(read(whole.get(..length).unwrap()), None);
            let mut torn = form(GlobalPosition::new(9));
            torn.get_mut(..length).unwrap().copy_from_slice(whole.get(..length).unwrap());
            assert!(read(&torn).is_none_or(|read| read == GlobalPosition::new(9)), "{length}");
        }
    }
}
