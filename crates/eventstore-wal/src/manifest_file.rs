use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

use crate::{
    damage::Failure,
    disk::{Disk, aside_of, put_in_place, write_aside},
    format::{MANIFEST_NAME, Manifest},
};

/// The manifest of a store that is open for writing, replaced as a whole by whoever has news: the log when it is opened and
/// closed, the archive when a part has taken the place of a segment.
#[derive(Debug)]
pub(crate) struct ManifestFile {
    disk: Arc<dyn Disk>,
    /// What is in the file; where replacing it has failed, what was in it before.
    current: Mutex<Manifest>,
    /// Whether replacing it has failed last, so that the file may say the one or the other.
    is_uncertain: AtomicBool,
}

impl ManifestFile {
    /// The manifest of a store, of which this is in the file.
    pub(crate) fn new(disk: Arc<dyn Disk>, current: Manifest) -> Self {
        Self { disk, current: Mutex::new(current), is_uncertain: AtomicBool::new(false) }
    }

    /// Changes it, which is durable when this returns.
    ///
    /// # Errors
    ///
    /// What the disk says. Whether the file has changed may not be known then: [`ManifestFile::is_uncertain`].
    pub(crate) fn update(&self, change: impl FnOnce(&mut Manifest)) -> Result<(), Failure> {
        let mut current = self.current.lock();
        let mut changed = current.clone();
        change(&mut changed);
        let failed = || format!("cannot write {}", self.disk.describe(MANIFEST_NAME));
        if let Err(error) = write_aside(&*self.disk, MANIFEST_NAME, &changed.encode()) {
            // Perhaps there was no room for it. Where it cannot be removed, the next one is written over it.
            let _ = self.disk.remove(&aside_of(MANIFEST_NAME));
            return Err(Failure::io(failed)(error));
        }
        let replaced = put_in_place(&*self.disk, MANIFEST_NAME);
        self.is_uncertain.store(replaced.is_err(), Ordering::Relaxed);
        replaced.map_err(Failure::io(failed))?;
        *current = changed;
        Ok(())
    }

    /// Whether it is not known what is in the file. The next change settles it.
    #[cfg(feature = "parquet")]
    pub(crate) fn is_uncertain(&self) -> bool {
        self.is_uncertain.load(Ordering::Relaxed)
    }
}
