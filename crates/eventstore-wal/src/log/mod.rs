//! The engine without its threads: one owner appends, the disk is whatever it is given.
//!
//! [`Log::commit`] is the whole of writing. It takes what several callers want to append, decides on each in turn, writes
//! all of it at once, syncs once, publishes, and only then answers.

mod body;
mod close;
mod commit;
mod decide;
mod heal;
mod options;
pub(crate) mod recovery;
mod roll;
mod space;
mod tail;
#[cfg(feature = "torture")]
mod torture;

use std::{fmt, sync::Arc};

use eventstore_api::{EventId, StoreError, Timestamp};

pub use body::{Answer, Request};
pub use eventstore_embedded::Durability;
pub(crate) use heal::{Rebuilt, is_damaged_index, replace_damaged_indexes};
pub use options::LogOptions;
pub use recovery::{RecoveryReport, TornTail};
pub(crate) use roll::SealWork;
pub(crate) use space::Space;
#[cfg(feature = "torture")]
pub use torture::{FrameContents, FramePlace, LogSnapshots, NoFrame, read_frame};

use crate::{
    catalog::Catalog,
    damage::Failure,
    disk::{Disk, DiskFile},
    index::Head,
    manifest_file::ManifestFile,
};
use tail::Tail;

/// A log that is open for writing.
pub struct Log {
    disk: Arc<dyn Disk>,
    options: LogOptions,
    catalog: Arc<Catalog>,
    tail: Tail,
    manifest: Arc<ManifestFile>,
    /// Where it is said how far the log is durable.
    synced_mark: Arc<dyn DiskFile>,
    last_recorded_at: Timestamp,
    greatest_ids: GreatestIds,
    /// What went wrong, after which nothing is written any more.
    poison: Option<Failure>,
    /// Where the streams of the batch that is placed end. Kept from one to the next for its room.
    ends: Vec<Option<Head>>,
    /// Segments that are sealed, and whose index is still in memory alone.
    unindexed: Vec<SealWork>,
    /// Keeps other openers out.
    _lock: Box<dyn Send + Sync>,
}

impl Log {
    /// What the log holds, for readers.
    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// What archives by this policy.
    #[cfg(feature = "parquet")]
    pub(crate) fn archive_by(&self, policy: crate::ArchivePolicy) -> crate::archive::Archive {
        let (disk, catalog, manifest) = (&self.disk, &self.catalog, &self.manifest);
        let archive = crate::archive::Archive::new(disk.clone(), catalog.clone(), manifest.clone(), policy);
        #[cfg(feature = "torture")]
        let archive = archive.with_bug(self.options.bug);
        archive
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The room in the segment that is written, for whoever prepares it ahead.
    pub(crate) fn space(&self) -> (&Arc<Space>, u64) {
        (&self.tail.space, self.tail.end())
    }

    /// Why nothing can be written any more, if that is so.
    fn check_poison(&self) -> Result<(), StoreError> {
        match &self.poison {
            None => Ok(()),
            Some(failure) => Err(StoreError::storage(Poisoned { failure: failure.clone() })),
        }
    }

    /// Whether it has failed, and takes nothing more.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.poison.is_some()
    }

    fn poison(&mut self, failure: Failure) {
        tracing::error!(error = %failure, "the log takes no more events: reopen the store, which recovers it");
        self.poison.get_or_insert(failure);
    }
}

/// The greatest event ids that were ever stored. Ids of version 7 rise with time, so that most need no look-up.
#[derive(Clone, Copy, Debug)]
struct GreatestIds {
    /// In all segments.
    all: Option<EventId>,
    /// In the sealed ones.
    sealed: Option<EventId>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("tail", &self.tail).field("poison", &self.poison).finish_non_exhaustive()
    }
}

/// The log has failed to write or to sync before, and writes no more.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the log has failed before and takes no more events; reopen the store, which recovers it")]
pub(crate) struct Poisoned {
    #[source]
    failure: Failure,
}

/// Mistakes that the crash tests must find, each put in on purpose.
#[cfg(feature = "torture")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeededBug {
    /// A new segment's name is not synced.
    SkipNameSync,
    /// A sync that failed is tried again, and what it says then is believed.
    RetryFailedSync,
    /// An append is acknowledged before it is synced.
    AcknowledgeBeforeSync,
    /// A frame whose checksum is wrong ends the log, wherever it stands.
    TruncateAtBadChecksum,
    /// The length of a frame is believed before its checksum is.
    TrustTheLength,
    /// Frames do not say how far the log was durable.
    ForgetTheWatermark,
    /// A part is named in the manifest before it is synced.
    SkipPartSync,
    /// A segment goes before the manifest names the part in its place.
    RemoveSegmentFirst,
}
