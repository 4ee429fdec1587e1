//! Whose snapshots are saved while a switch is under way.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventstore_api::StreamId;

use crate::MigrationError;

/// The streams of which snapshots were saved since a switch has begun, or has last looked, or are not in the new store although
/// they were brought there; `None` when none is under way.
#[derive(Default)]
pub(crate) struct SavedMeanwhile(Mutex<Option<HashSet<StreamId>>>);

impl SavedMeanwhile {
    /// Begins a switch: from here on they are noted.
    pub(crate) fn begin(&self) -> Result<UnderWay<'_>, MigrationError> {
        let mut streams = self.streams();
        if streams.is_some() {
            return Err(MigrationError::SwitchUnderWay);
        }
        *streams = Some(HashSet::new());
        Ok(UnderWay(self))
    }

    pub(crate) fn note(&self, stream: StreamId) {
        if let Some(streams) = &mut *self.streams() {
            streams.insert(stream);
        }
    }

    pub(crate) fn is_noted(&self, stream: &StreamId) -> bool {
        self.streams().as_ref().is_some_and(|streams| streams.contains(stream))
    }

    pub(crate) fn count(&self) -> u64 {
        self.streams().as_ref().map_or(0, HashSet::len) as u64
    }

    /// Those since this was last asked, in a switch that goes on. Their saves have ended: whoever reads them now finds them.
    pub(crate) fn drain(&self) -> Vec<StreamId> {
        self.streams().as_mut().map(mem::take).unwrap_or_default().into_iter().collect()
    }

    fn streams(&self) -> MutexGuard<'_, Option<HashSet<StreamId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A switch, until it ends in whatever way.
pub(crate) struct UnderWay<'s>(&'s SavedMeanwhile);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        mem::take(&mut *self.0.streams());
    }
}
