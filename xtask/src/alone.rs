//! One chore at a time, where two would be in each other's way: in another terminal, or for another clone.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::Context;

/// Held for as long as this is. The system lets go of it where the process dies; the file stays.
pub(crate) struct Alone {
    _lock: File,
}

impl Alone {
    /// Waits until nobody else has it. What is at `path` already is left as it is.
    pub(crate) fn at(path: &Path) -> anyhow::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        // Whoever may open it, may hold it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(path);
        let lock = lock.with_context(|| format!("making {}", path.display()))?;
        lock.lock().with_context(|| format!("waiting for {}", path.display()))?;
        Ok(Self { _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_is_held_and_let_go_of_and_what_is_in_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "somebody's").unwrap();
        let alone = Alone::at(&path).unwrap();
        let another = File::open(&path).unwrap();
        assert!(another.try_lock().is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's");
        drop(alone);
        another.try_lock().unwrap();
    }
}
