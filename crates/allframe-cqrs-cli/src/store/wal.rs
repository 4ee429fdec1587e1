use std::{cell::RefCell, fmt, io, path::Path, sync::Arc};

use async_trait::async_trait;
use eventstore_api::{Result, StoreError};
use eventstore_wal::{
    Damage, Durability, RecoveryReport, TornTail, VerifyReport, WalBackend, WalConfig, WalReader, verify_with,
};

use super::{Kind, Location, OnEvent, Place, Purpose, Store, Target, Verdict, files, target::Runs};
use crate::{notes::note, progress::Progress};

pub(super) const KIND: Kind = Kind {
    form: "wal:DIR",
    named: |url| {
        let path = files::directory("wal", url.strip_prefix("wal:")?);
        Some(path.map(|path| Box::new(Directory { path, reader: RefCell::default() }) as Box<dyn Location>))
    },
};

/// A directory with a write-ahead log.
struct Directory {
    path: String,
    /// Whoever reads it, to be asked what he does not show.
    reader: RefCell<Option<Arc<WalReader>>>,
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wal:{}", self.path)
    }
}

#[async_trait(?Send)]
impl Location for Directory {
    async fn for_reading(&self) -> Result<Store> {
        let reader = WalBackend::open_read_only(&self.path)?;
        if let Some(damage) = reader.damage() {
            note(&format!("the store is damaged, see `verify`: {damage}"));
        }
        let reader = Arc::new(reader);
        self.reader.replace(Some(Arc::clone(&reader)));
        // Never dropped: it ends with the process, and to free the names of a million streams one by one takes a third of a second.
        std::mem::forget(Arc::clone(&reader));
        Ok(reader)
    }

    async fn for_writing(&self) -> Result<Box<dyn Target>> {
        // An import syncs once for many appends.
        let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
        let backend = WalBackend::with_config(&self.path, config)?;
        tell(backend.recovery());
        Ok(Box::new(Runs(Arc::new(backend))))
    }

    async fn for_appending(&self) -> Result<Store> {
        let backend = WalBackend::with_config(&self.path, WalConfig::default())?;
        tell(backend.recovery());
        Ok(Arc::new(backend))
    }

    async fn verified(&self, progress: &mut Progress) -> Result<Verdict> {
        verify_with(&self.path, |so_far| progress.at_bytes(so_far.bytes_done, so_far.bytes_total))
            .map(verdict)
    }

    async fn salvaged(&self, show: &mut OnEvent<'_>) -> Option<Result<Verdict>> {
        Some(eventstore_wal::salvage(&self.path, show).map(verdict))
    }

    async fn unproven(&self) -> Result<u64> {
        let reader = self.reader.borrow().clone();
        match reader {
            Some(reader) => reader.unproven().await,
            None => Ok(0),
        }
    }

    async fn is_begun(&self) -> Result<()> {
        // To open it takes as long as what comes next, which says what is wrong with it.
        match Path::new(&self.path).join("MANIFEST").exists() {
            true => Ok(()),
            false => WalBackend::open_read_only(&self.path).map(drop),
        }
    }

    fn identity(&self) -> String {
        format!("wal:{}", files::identity(&self.path))
    }

    fn is_in(&self, folder: &Path) -> bool {
        files::identity(&self.path) == files::identity(folder)
    }

    fn bytes(&self) -> Option<u64> {
        files::bytes(&self.path, |_| true)
    }

    fn is_not_begun(&self, failed: &StoreError) -> bool {
        files::is_about(failed, io::ErrorKind::NotFound)
    }

    fn advice(&self, failed: &StoreError, purpose: Purpose) -> Option<&'static str> {
        match failed {
            StoreError::Unavailable { .. } => Some(files::IN_USE),
            failed => files::advice(failed, purpose),
        }
    }
}

/// What the user should know of how the store was found.
fn tell(recovery: &RecoveryReport) {
    if let Some(TornTail { file, offset, bytes, quarantine, .. }) = &recovery.torn_tail {
        note(&format!(
            "an append that was interrupted was cut off {file} at byte {offset}: {bytes} bytes, kept in {quarantine}"
        ));
    }
    for lost in &recovery.snapshots_lost {
        note(&format!("a snapshot is lost, and will be made anew from its events: {lost}"));
    }
    match recovery.indexes_rebuilt {
        0 => {}
        1 => note("an index was damaged or missing, and was made anew"),
        many => note(&format!("{many} indexes were damaged or missing, and were made anew")),
    }
}

fn verdict(report: VerifyReport) -> Verdict {
    let VerifyReport { events, streams, snapshots, head, bytes, damages, rebuildable, notes, .. } = report;
    let torn = report.torn_tail.map(|torn| {
        format!(
            "{}, byte {}: {} bytes of an append that was interrupted, or is being written: {}",
            torn.file, torn.offset, torn.bytes, torn.detail
        )
    });
    let quarantined = report.quarantined.into_iter();
    let quarantined = quarantined.map(|file| format!("{file}: cut off by a recovery, and can be deleted"));
    Verdict {
        events,
        streams,
        snapshots,
        head: head.get(),
        bytes,
        damages: damages.into_iter().map(place).collect(),
        rebuildable: rebuildable.into_iter().map(place).collect(),
        notes: torn.into_iter().chain(quarantined).chain(notes).collect(),
    }
}

fn place(Damage { file, offset, detail }: Damage) -> Place {
    Place { place: format!("{file}, byte {offset}"), detail }
}
