use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use eventstore_api::Timestamp;
use parking_lot::Mutex;

use super::{ArchivePolicy, make::Making};
#[cfg(feature = "torture")]
use crate::log::SeededBug;
use crate::{
    catalog::Catalog,
    damage::Failure,
    disk::Disk,
    log::{Rebuilt, recovery::parts::reopen_part},
    manifest_file::ManifestFile,
    segment::{Sealed, Segment},
};

/// The archive of a store that is open for writing: puts parts in the place of segments. One at a time.
#[derive(Debug)]
pub(crate) struct Archive {
    disk: Arc<dyn Disk>,
    catalog: Arc<Catalog>,
    manifest: Arc<ManifestFile>,
    policy: ArchivePolicy,
    /// Segments in whose place there is a part, and which someone was still reading.
    retired: Mutex<Vec<Arc<Segment>>>,
    #[cfg(feature = "torture")]
    bug: Option<SeededBug>,
}

/// What is to be archived next.
#[derive(Debug)]
pub(crate) enum Due {
    Now(Arc<Segment>),
    In(Duration),
    /// Nothing, as long as no other segment is sealed.
    Nothing,
}

impl Archive {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        catalog: Arc<Catalog>,
        manifest: Arc<ManifestFile>,
        policy: ArchivePolicy,
    ) -> Self {
        Self {
            disk,
            catalog,
            manifest,
            policy,
            retired: Mutex::default(),
            #[cfg(feature = "torture")]
            bug: None,
        }
    }

    /// The same with a bug, for the crash tests to find.
    #[cfg(feature = "torture")]
    pub(crate) fn with_bug(self, bug: Option<SeededBug>) -> Self {
        Self { bug, ..self }
    }

    /// What the policy wants archived: the oldest segment, now or later.
    pub(crate) fn due(&self, now: Timestamp) -> Due {
        let segments = self.catalog.segments();
        // The last one stays, though it may be sealed: what comes after it is perhaps not begun yet, and a store goes on
        // behind a segment and not behind a part.
        let Some((_, before)) = segments.split_last() else { return Due::Nothing };
        let mut sealed = before
            .iter()
            .filter(|segment| segment.part.is_none())
            .filter_map(|segment| Some((segment, segment.sealed()?)));
        let Some((oldest, Sealed { recorded_at, .. })) = sealed.next() else { return Due::Nothing };
        let ArchivePolicy { keep_segments, older_than, .. } = self.policy;
        if keep_segments.is_some_and(|keep| sealed.count() >= keep) {
            return Due::Now(Arc::clone(oldest));
        }
        let Some(older_than) = older_than else { return Due::Nothing };
        let age = now.as_micros().saturating_sub(recorded_at.as_micros());
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        match older_than.checked_sub(age).filter(|left| !left.is_zero()) {
            Some(left) => Due::In(left),
            None => Due::Now(Arc::clone(oldest)),
        }
    }

    /// Puts a part in the place of a segment. Whoever crashes on the way leaves the one or the other.
    ///
    /// # Errors
    ///
    /// What is wrong with the segment or with the disk; [`Failure::Closed`] when it was cancelled.
    pub(crate) fn archive(&self, segment: &Arc<Segment>, cancelled: &AtomicBool) -> Result<(), Failure> {
        let Some(sealed) = segment.sealed() else { return Ok(()) };
        if self.manifest.is_uncertain() {
            // It may name a part that is not what is made now.
            self.manifest.update(|_| {})?;
        }
        let Self { disk, catalog, .. } = self;
        let compression_level = self.policy.compression_level;
        #[cfg(feature = "torture")]
        let syncs = self.bug != Some(SeededBug::SkipPartSync);
        #[cfg(not(feature = "torture"))]
        let syncs = true;
        let making = Making { disk: &**disk, catalog, segment, sealed, compression_level, cancelled, syncs };
        self.switch(&making, sealed).inspect_err(|_| {
            if !self.manifest.is_uncertain() {
                // What nothing names would keep the disk full. Where it cannot be removed, the next opener does.
                let _ = disk.remove(&segment.start.part_name());
                let _ = disk.remove(&segment.start.part_index_name());
            }
        })
    }

    fn switch(&self, making: &Making<'_>, sealed: Sealed) -> Result<(), Failure> {
        let Self { disk, catalog, .. } = self;
        let entry = making.make()?;
        let archived = reopen_part(disk, catalog, &entry, sealed, Rebuilt::Kept)?;
        #[cfg(feature = "torture")]
        if self.bug == Some(SeededBug::RemoveSegmentFirst) {
            let _ = self.disk.remove(&entry.start.file_name());
        }
        self.manifest.update(|manifest| manifest.parts.push(entry))?;
        self.retired.lock().extend(catalog.put_segment(Arc::new(archived)));
        Ok(())
    }

    /// Removes the files of segments that nobody reads any more. What is left of them goes when the store is opened again.
    /// False when there are some that someone still reads.
    pub(crate) fn clear_away(&self) -> bool {
        let mut retired = self.retired.lock();
        let before = retired.len();
        retired.retain(|segment| {
            if Arc::strong_count(segment) > 1 {
                return true;
            }
            for name in [segment.start.file_name(), segment.start.index_name()] {
                if let Err(error) = self.disk.remove(&name)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    tracing::warn!(%error, file = %self.disk.describe(&name), "cannot remove what is archived");
                }
            }
            false
        });
        if retired.len() < before
            && let Err(error) = self.disk.sync_names()
        {
            tracing::warn!(%error, "cannot sync the directory of the store");
        }
        retired.is_empty()
    }
}
