//! What the disk does not give. It is damage as any other: the rest of the store is gone through all the same.

use std::{collections::BTreeMap, io, sync::Arc};

use parking_lot::Mutex;

use crate::{
    damage::{Damage, Failure},
    disk::DiskFile,
};

/// What is given up at once, in bytes: as much as file systems and drives do.
const BLOCK_BYTES: u64 = 4_096;

/// What to say of a file that cannot be read, or not from an offset on.
pub(super) fn damage_of(file: String, offset: u64, failure: Failure) -> Damage {
    match failure {
        Failure::Damaged(damage) => damage,
        Failure::Io { source, .. } => Damage { file, offset, detail: format!("it cannot be read: {source}") },
        other => Damage { file, offset, detail: other.to_string() },
    }
}

/// A file that reads as zeros where it cannot be read, and remembers where: the checksums tell what is gone with that.
#[derive(Debug)]
pub(super) struct AsFarAsReadable {
    file: Arc<dyn DiskFile>,
    /// Where blocks begin that cannot be read, and why not. They are not tried again: a drive may take seconds for each.
    lost: Mutex<BTreeMap<u64, String>>,
    /// Up to where to read block by block, in bytes: something before it could not be read at once.
    by_blocks_until: Mutex<u64>,
}

impl AsFarAsReadable {
    pub(super) fn new(file: Arc<dyn DiskFile>) -> Self {
        Self { file, lost: Mutex::default(), by_blocks_until: Mutex::new(0) }
    }

    /// Whether something at or behind this offset could not be read, of what was asked for.
    pub(super) fn lacks_behind(&self, offset: u64) -> bool {
        self.lost.lock().keys().next_back().is_some_and(|block| block + BLOCK_BYTES > offset)
    }

    /// What could not be read.
    pub(super) fn damages(&self, described: &str) -> Vec<Damage> {
        let mut stretches: Vec<(u64, u64, String)> = Vec::new();
        for (block, why) in &*self.lost.lock() {
            match stretches.last_mut() {
                Some((_, end, reason)) if *end == *block && *reason == *why => *end += BLOCK_BYTES,
                _ => stretches.push((*block, *block + BLOCK_BYTES, why.clone())),
            }
        }
        let damage = |(offset, end, why): (u64, u64, String)| Damage {
            file: described.to_owned(),
            offset,
            detail: format!("{} bytes cannot be read: {why}", end - offset),
        };
        stretches.into_iter().map(damage).collect()
    }

    /// Reads no farther than to the end of a block.
    fn read_in_block(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let block = offset - offset % BLOCK_BYTES;
        let most = usize::try_from(block + BLOCK_BYTES - offset).unwrap_or(usize::MAX);
        let left = usize::try_from(self.file.length()?.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = buffer.len().min(most).min(left);
        if length == 0 {
            return Ok(0);
        }
        let part = buffer.get_mut(..length).unwrap_or_default();
        let is_lost = self.lost.lock().contains_key(&block);
        if !is_lost {
            match self.file.read_at(part, offset) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    self.lost.lock().insert(block, error.to_string());
                }
                read => return read,
            }
        }
        part.fill(0);
        Ok(length)
    }
}

impl DiskFile for AsFarAsReadable {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let by_blocks = offset < *self.by_blocks_until.lock();
        if !by_blocks {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    *self.by_blocks_until.lock() = offset.saturating_add(buffer.len() as u64);
                }
                read => return read,
            }
        }
        self.read_in_block(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_all(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};
    use eventstore_codec::Names;

    use super::*;
    use crate::{
        Durability, WalBackend, WalConfig,
        disk::bad_drive::BadDrive,
        verify::{verify_disk, witness::OfEvents},
    };

    /// The block of each segment that cannot be read.
    const BAD: std::ops::Range<u64> = 40_960..45_056;

    #[tokio::test]
    async fn of_a_segment_with_a_bad_block_the_rest_is_gone_through() {
        const EVENTS: u64 = 1_000;
        let directory = tempfile::tempdir().unwrap();
        let config = WalConfig {
            durability: Durability::OsBuffered,
            segment_bytes: 1 << 20,
            preallocate_bytes: 1 << 20,
            ..WalConfig::default()
        };
        let store = WalBackend::with_config(directory.path(), config).unwrap();
        for _ in 0..EVENTS {
            let event = NewEvent::new(EventType::new("T").unwrap(), "x".repeat(60));
            store.append(&StreamId::new("s").unwrap(), ExpectedVersion::Any, vec![event]).await.unwrap();
        }
        store.close().await.unwrap();

        let disk = Arc::new(BadDrive::new(directory.path(), ".wal", BAD));
        let mut saved = Vec::new();
        let show = |event: eventstore_api::RecordedEvent| saved.push(event.position.get());
        let report = verify_disk(disk, OfEvents { show, names: Names::new(), shown: 0 }).unwrap();
        assert!(saved.is_sorted() && saved.first() == Some(&1) && saved.last() == Some(&EVENTS), "{saved:?}");
        // A frame takes more than 100 bytes.
        let lost = EVENTS - saved.len() as u64;
        assert!((1..=42).contains(&lost), "{lost}");
        // What the zeros there look like is told too.
        let told = "4096 bytes cannot be read: the drive gives nothing";
        let is_told = |damage: &Damage| damage.offset == BAD.start && damage.detail == told;
        assert!(report.damages.iter().any(is_told), "{:?}", report.damages);
    }
}
