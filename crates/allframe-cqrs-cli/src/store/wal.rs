use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use eventstore_wal::{
    Damage, Durability, RecoveryReport, TornTail, VerifyReport, WalBackend, WalConfig, verify_with,
};

use super::{Kind, OnEvent, OnProgress, Opened, Place, Verdict};

pub(super) const KIND: Kind = Kind {
    scheme: "wal",
    form: "wal:DIR",
    has_place: true,
    open_for_reading,
    open_for_writing,
    verify,
    salvage,
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
    tell(backend.recovery());
    Ok(Arc::new(backend))
}

/// What the user should know of how the store was found.
fn tell(recovery: &RecoveryReport) {
    let note = |text: String| {
        let _ = writeln!(io::stderr(), "note: {text}");
    };
    if let Some(TornTail { file, offset, bytes, quarantine, .. }) = &recovery.torn_tail {
        note(format!(
            "an append that was interrupted was cut off {file} at byte {offset}: {bytes} bytes, kept in {quarantine}"
        ));
    }
    for lost in &recovery.snapshots_lost {
        note(format!("a snapshot is lost, and will be made anew from its events: {lost}"));
    }
    match recovery.indexes_rebuilt {
        0 => {}
        1 => note("an index was damaged or missing, and was made anew".to_owned()),
        many => note(format!("{many} indexes were damaged or missing, and were made anew")),
    }
}

fn verify(directory: &str, progress: &mut OnProgress<'_>) -> eventstore_api::Result<Verdict> {
    verify_with(directory, |so_far| progress(so_far.bytes_done, so_far.bytes_total)).map(verdict)
}

fn salvage(directory: &str, show: &mut OnEvent<'_>) -> eventstore_api::Result<Verdict> {
    eventstore_wal::salvage(directory, show).map(verdict)
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

/// All files of the directory; it has no others.
fn bytes(directory: &str) -> Option<u64> {
    let files = Path::new(directory).read_dir().ok()?;
    let lengths = files.filter_map(|file| file.ok()?.metadata().ok());
    Some(lengths.filter(std::fs::Metadata::is_file).map(|file| file.len()).sum())
}
