//! The store that is soaked.

use std::{path::Path, time::Duration};

use allframe_cqrs::EventStore;
use anyhow::Context;
use eventstore_wal::{ArchivePolicy, Durability, WalBackend, WalConfig};

use crate::bank::BankEvent;

pub(crate) type Store = EventStore<BankEvent, WalBackend>;

/// So small that segments are sealed and archived all the time.
const SEGMENT_BYTES: u64 = 512 << 10;

/// A killed process takes nothing with it that the system has: what was acknowledged is there in every mode.
pub(crate) fn open(directory: &Path, life: u32) -> anyhow::Result<Store> {
    let durability = match life % 3 {
        0 => Durability::Always,
        1 => Durability::Interval(Duration::from_millis(2)),
        _ => Durability::OsBuffered,
    };
    let config = WalConfig {
        segment_bytes: SEGMENT_BYTES,
        preallocate_bytes: SEGMENT_BYTES,
        durability,
        ..WalConfig::default()
    };
    let policy = ArchivePolicy { keep_segments: Some(2), ..ArchivePolicy::default() };
    let backend = WalBackend::with_archive(directory.join("store"), config, policy);
    Ok(EventStore::with_backend(backend.context("opening the store")?))
}
