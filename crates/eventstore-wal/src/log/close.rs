use eventstore_api::StoreError;

use super::{Log, tail::SEAL_BYTES};
use crate::{
    damage::Failure,
    format::{CleanClose, FRAME_HEADER_BYTES, FrameKind},
    index::{IndexOf, Sidecar},
};

impl Log {
    /// Whether everything that was appended is durable.
    pub(crate) fn is_durable(&self) -> bool {
        self.tail.synced() == self.tail.end()
    }

    /// Makes everything that was appended durable, whatever the options say.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when the log has failed, now or before.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.check_poison()?;
        self.settle()?;
        if self.is_durable() {
            return Ok(());
        }
        self.sync().map_err(|failure| {
            self.poison(failure.clone());
            failure.into()
        })
    }

    /// Says in the log itself that everything before is durable, so that it can never be taken for the end of an append
    /// that was interrupted. Worth a sync when nothing else is to be done; false when there was nothing to say.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when the log has failed, now or before.
    pub fn mark(&mut self) -> Result<bool, StoreError> {
        self.check_poison()?;
        if self.tail.is_marked() || self.tail.is_at_the_beginning() || !self.is_durable() {
            return Ok(false);
        }
        let room = self.tail.end() + FRAME_HEADER_BYTES as u64 + SEAL_BYTES;
        self.prepare(room)?;
        self.tail.add(self.bare_frame(FrameKind::Mark), &[]);
        self.settle()?;
        self.flush()?;
        Ok(true)
    }

    /// Closes the log, so that opening it again takes no recovery.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`] when the log has failed, now or before. The store is then recovered when it is opened again.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.mark()?;
        self.run_background_work();
        self.tail.space.stop();
        let tail = &self.tail;
        let cut = || {
            tail.segment.file().set_len(tail.written())?;
            tail.segment.file().sync_all()
        };
        cut().map_err(Failure::io(|| format!("cannot close {}", tail.segment.described)))?;
        let store = self.catalog.store;
        let start = tail.segment.start;
        Sidecar::write(
            &*self.disk,
            store.as_bytes(),
            (start, IndexOf::Segment),
            tail.written(),
            tail.head(),
            &tail.index,
        )
        .map_err(Failure::io(|| format!("cannot write the index of {}", tail.segment.described)))?;
        let closed = CleanClose { segment: start, offset: tail.written(), head: tail.head() };
        self.manifest.update(|manifest| {
            manifest.closed = Some(closed);
            manifest.open = false;
        })?;
        Ok(())
    }
}
