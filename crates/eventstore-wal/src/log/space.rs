use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::disk::{DiskFile, fill_with_zeros};

/// How much of the segment that is written is prepared: filled with zeros that are durable. Writing there allocates
/// nothing and changes no size, so that `fdatasync` has no metadata to move, and there is no "disk full" any more once
/// positions have been given out.
///
/// It has a handle of its own: a system reports a failed sync once to each handle, and here it must not be the writer's
/// that misses it.
#[derive(Debug)]
pub(crate) struct Space {
    file: Arc<dyn DiskFile>,
    extent_bytes: u64,
    /// Where a segment is full, if nothing longer has to fit.
    most: u64,
    prepared: AtomicU64,
    /// How far it was prepared when more was asked for.
    asked_for: AtomicU64,
    /// Whether a sync has failed: the system may then have given up pages that the writer had written, and told only this
    /// handle.
    has_lost_a_sync: AtomicBool,
    /// Whether no more is prepared.
    stopped: Mutex<bool>,
}

impl Space {
    pub(crate) fn new(file: Arc<dyn DiskFile>, prepared: u64, extent_bytes: u64, most: u64) -> Self {
        let prepared = AtomicU64::new(prepared);
        let (has_lost_a_sync, stopped) = (AtomicBool::new(false), Mutex::new(false));
        let asked_for = AtomicU64::new(u64::MAX);
        Self { file, extent_bytes, most, prepared, asked_for, has_lost_a_sync, stopped }
    }

    /// How far it is prepared, in bytes.
    pub(crate) fn prepared(&self) -> u64 {
        self.prepared.load(Ordering::Acquire)
    }

    /// Whether someone should prepare more now, when the writer has come so far. Says so once for each extent.
    pub(crate) fn is_short(&self, written: u64) -> bool {
        let prepared = self.prepared();
        prepared < self.most
            && prepared.saturating_sub(written) < self.extent_bytes / 2
            && self.asked_for.swap(prepared, Ordering::Relaxed) != prepared
    }

    /// Prepares what a writer needs that wants to write up to this offset, and the rest of the extent.
    ///
    /// # Errors
    ///
    /// What the disk says, above all that it is full; nothing is lost then, and it can be tried again.
    pub(crate) fn prepare(&self, through: u64) -> io::Result<()> {
        if through <= self.prepared() {
            return Ok(());
        }
        let stopped = self.stopped.lock();
        let prepared = self.prepared();
        if through <= prepared || *stopped {
            return Ok(());
        }
        let extent = through.next_multiple_of(self.extent_bytes).min(self.most).max(through);
        let extent = match self.fill(prepared, extent) {
            Ok(()) => extent,
            // There may be room for what is wanted.
            Err(_) if through < extent => self.fill(prepared, through).map(|()| through)?,
            Err(error) => return Err(error),
        };
        if let Err(error) = self.file.sync_all() {
            self.has_lost_a_sync.store(true, Ordering::Release);
            return Err(error);
        }
        self.prepared.store(extent, Ordering::Release);
        Ok(())
    }

    /// Where that fails, others get back the room that it has taken.
    fn fill(&self, from: u64, to: u64) -> io::Result<()> {
        fill_with_zeros(&*self.file, from, to).inspect_err(|_| {
            if let Err(error) = self.file.set_len(from) {
                tracing::warn!(%error, "cannot give back room on a disk that is full");
            }
        })
    }

    /// Whether what was written to the file before may be gone, although the next sync succeeds.
    pub(crate) fn has_lost_a_sync(&self) -> bool {
        self.has_lost_a_sync.load(Ordering::Acquire)
    }

    /// Prepares no more, and waits until nobody does: the file is about to be cut off.
    pub(crate) fn stop(&self) {
        *self.stopped.lock() = true;
    }
}
