//! What is said of the log beside it: where it ended when it was closed, and how far the writer says that it is durable.

use super::{Verification, VerifyReport, unreadable::damage_of, witness::Witness};
use crate::{
    damage::Damage,
    disk::{Disk, read_whole},
    format::{CleanClose, MANIFEST_NAME, Manifest, SYNCED_NAME, StoreId, SyncedMark},
    index::SegmentStart,
    log::recovery::layout::{lost, read_synced_mark},
};

/// What is said elsewhere of a segment: that it was durable up to an offset, and which event was the last one before it.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The file that says it.
    pub(super) by: String,
    pub(super) segment: SegmentStart,
    pub(super) offset: u64,
    pub(super) head: u64,
}

impl<W: Witness> Verification<W> {
    pub(super) fn claim(&mut self, manifest: Option<&Manifest>, synced: Option<SyncedMark>) {
        if let Some(CleanClose { segment, offset, head }) = manifest.and_then(|manifest| manifest.closed) {
            let by = self.disk.describe(MANIFEST_NAME);
            self.claims.push(Claim { by, segment, offset, head });
        }
        if let Some(SyncedMark { segment, offset, head }) = synced {
            let by = self.disk.describe(SYNCED_NAME);
            self.claims.push(Claim { by, segment, offset, head });
        }
    }

    /// What the writer says by now.
    pub(super) fn read_synced_again(&mut self) {
        let by = self.disk.describe(SYNCED_NAME);
        match read_synced_mark(&*self.disk, self.store) {
            Ok(Some(SyncedMark { segment, offset, head })) => {
                self.claims.push(Claim { by, segment, offset, head });
            }
            Ok(None) => {}
            Err(failure) => {
                let damage = damage_of(by, 0, failure);
                // It may have been so from the beginning.
                if !self.report.damages.contains(&damage) {
                    self.report.damages.push(damage);
                }
            }
        }
    }

    pub(super) fn claim_is_wrong(&mut self, claim: &Claim, detail: String) {
        let damage = Damage { file: claim.by.clone(), offset: 0, detail };
        self.report.damages.push(damage);
    }
}

/// How often a word of the writer that makes no sense is read again: it may have been read while it was written.
const TRIES: usize = 3;

/// What the writer says of the end of the log. The file is never synced: after a crash it may be empty, or hold zeros.
pub(super) fn read_synced(disk: &dyn Disk, store: StoreId, report: &mut VerifyReport) -> Option<SyncedMark> {
    let mut failed = None;
    for _ in 0..TRIES {
        match read_synced_mark(disk, store) {
            Ok(Some(mark)) => return Some(mark),
            Ok(None) => failed = None,
            Err(failure) => failed = Some(failure),
        }
    }
    if let Some(failure) = failed {
        report.damages.push(damage_of(disk.describe(SYNCED_NAME), 0, failure));
        return None;
    }
    let bytes = read_whole(disk, SYNCED_NAME, 4_096).unwrap_or_default();
    if bytes.iter().any(|byte| *byte != 0) {
        let detail = "it is no mark of this store, or its checksum is wrong";
        report.rebuildable.push(lost(disk, SYNCED_NAME, detail));
    }
    None
}
