use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use eventstore_wal::{Damage, Durability, VerifyReport, WalBackend, WalConfig, verify_with};

use super::{Kind, OnProgress, Opened, Place, Verdict};

pub(super) const KIND: Kind = Kind {
    scheme: "wal",
    form: "wal:DIR",
    has_place: true,
    open_for_reading,
    open_for_writing,
    verify,
    bytes,
};

fn open_for_reading(directory: &str) -> Opened {
    let reader = WalBackend::open_read_only(directory)?;
    if let Some(damage) = reader.damage() {
        let _ = writeln!(io::stderr(), "note: the store is damaged, see `verify`: {damage}");
    }
    Ok(Arc::new(reader))
}

fn open_for_writing(directory: &str) -> Opened {
    // An import syncs once for many appends.
    let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
    let backend = WalBackend::with_config(directory, config)?;
    if let Some(torn) = &backend.recovery().torn_tail {
        let _ = writeln!(
            io::stderr(),
            "note: an append that was interrupted was cut off {} at byte {}: {} bytes, kept in {}",
            torn.file,
            torn.offset,
            torn.bytes,
            torn.quarantine
        );
    }
    Ok(Arc::new(backend))
}

fn verify(directory: &str, progress: &mut OnProgress<'_>) -> eventstore_api::Result<Verdict> {
    let report = verify_with(directory, |so_far| progress(so_far.bytes_done, so_far.bytes_total))?;
    let VerifyReport { events, streams, snapshots, head, bytes, damages, rebuildable, notes, .. } = report;
    let torn = report.torn_tail.map(|torn| {
        format!(
            "{}, byte {}: {} bytes of an append that was interrupted, or is being written: {}",
            torn.file, torn.offset, torn.bytes, torn.detail
        )
    });
    let quarantined = report.quarantined.into_iter();
    let quarantined = quarantined.map(|file| format!("{file}: cut off by a recovery, and can be deleted"));
    Ok(Verdict {
        events,
        streams,
        snapshots,
        head: head.get(),
        bytes,
        damages: damages.into_iter().map(place).collect(),
        rebuildable: rebuildable.into_iter().map(place).collect(),
        notes: torn.into_iter().chain(quarantined).chain(notes).collect(),
    })
}

fn place(Damage { file, offset, detail }: Damage) -> Place {
    Place { place: format!("{file}, byte {offset}"), detail }
}

/// All files of the directory; it has no others.
fn bytes(directory: &str) -> Option<u64> {
    let files = Path::new(directory).read_dir().ok()?;
    let lengths = files.filter_map(|file| file.ok()?.metadata().ok());
    Some(lengths.filter(std::fs::Metadata::is_file).map(|file| file.len()).sum())
}
