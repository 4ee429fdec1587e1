use std::{io, sync::Arc};

use eventstore_api::Snapshot;
use eventstore_codec::encode_snapshot;

use super::{
    contents::{Place, Records, SnapshotKey},
    format::{ALIGNMENT, FIRST_RECORD, RECORD_HEADER_BYTES, RecordHeader, RecordKind},
};
use crate::{
    damage::Failure,
    disk::{fill_with_zeros, write_all},
};

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) records: Records,
    /// Where the next record goes, in bytes.
    pub(super) end: u64,
    /// Up to where the file is filled with zeros.
    prepared: u64,
    /// Everything before this offset is durable.
    pub(super) synced_through: u64,
    /// Up to where the file itself says so.
    proven: u64,
    /// How many saves have been written.
    pub(super) written: u64,
    /// How many of them are durable.
    pub(super) synced: u64,
    /// Whether someone syncs, without holding the lock on this.
    pub(super) is_syncing: bool,
    /// With less garbage, no rewrite is tried, in bytes.
    pub(super) next_rewrite: u64,
    /// What went wrong, after which nothing is written any more.
    poison: Option<Arc<io::Error>>,
}

/// A record that does not know its offset yet.
pub(super) struct Record {
    pub(super) key: SnapshotKey,
    pub(super) place: Place,
    body_checksum: u32,
    /// With room for the header, and with the padding.
    bytes: Vec<u8>,
}

impl Record {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut bytes = vec![0; RECORD_HEADER_BYTES];
        encode_snapshot(snapshot, &mut bytes);
        let body = bytes.get(RECORD_HEADER_BYTES..).unwrap_or_default();
        let body_checksum = crc32fast::hash(body);
        let place = Place { offset: 0, body_bytes: body.len() as u64, version: snapshot.version };
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        Self { key: SnapshotKey::of(snapshot), place, body_checksum, bytes }
    }
}

impl Writer {
    /// Of a file that is durable up to its end, and says so of itself up to `proven`.
    pub(super) fn new(records: Records, end: u64, proven: u64, next_rewrite: u64) -> Self {
        Self {
            records,
            end,
            prepared: end,
            synced_through: end,
            proven,
            written: 0,
            synced: 0,
            is_syncing: false,
            next_rewrite,
            poison: None,
        }
    }

    /// Goes on in another file, which holds the same, and is durable up to its end.
    pub(super) fn go_on_in(&mut self, records: Records, end: u64) {
        self.records = records;
        self.end = end;
        self.prepared = end;
        self.synced_through = end;
        self.proven = end;
    }

    pub(super) fn append(&mut self, record: &mut Record) -> Result<Place, Failure> {
        let header = RecordHeader {
            kind: RecordKind::Snapshot,
            body_bytes: record.place.body_bytes,
            body_checksum: record.body_checksum,
            generation: self.records.generation,
            synced_through: self.synced_through,
        };
        for (to, from) in record.bytes.iter_mut().zip(header.encode(self.records.store, self.end)) {
            *to = from;
        }
        match write_all(&*self.records.file, &record.bytes, self.end) {
            Ok(()) => {}
            Err(error) if is_full(&error) => return Err(self.give_back(error)),
            Err(error) => return Err(self.poison("write to", error)),
        }
        let place = Place { offset: self.end, ..record.place };
        self.end += record.bytes.len() as u64;
        self.written += 1;
        Ok(place)
    }

    /// Writes behind what is durable that it is, where nothing says so yet: else nobody could tell it from a save that was interrupted, once it
    /// is not what was written. False where there is nothing to say, or no room for it.
    pub(super) fn mark(&mut self) -> Result<bool, Failure> {
        // Of the mark itself nothing says so.
        if self.end.saturating_sub(self.proven) <= RECORD_HEADER_BYTES as u64 {
            return Ok(false);
        }
        let header = RecordHeader {
            kind: RecordKind::Gap,
            body_bytes: 0,
            body_checksum: 0,
            generation: self.records.generation,
            synced_through: self.synced_through,
        };
        match write_all(&*self.records.file, &header.encode(self.records.store, self.end), self.end) {
            Ok(()) => {}
            Err(error) if is_full(&error) => {
                self.give_back(error);
                return self.check_poison().map(|()| false);
            }
            Err(error) => return Err(self.poison("write to", error)),
        }
        self.end += RECORD_HEADER_BYTES as u64;
        self.proven = self.synced_through;
        Ok(true)
    }

    /// Cuts off what there was still room for.
    fn give_back(&mut self, error: io::Error) -> Failure {
        match self.records.file.set_len(self.end) {
            Ok(()) => {
                self.prepared = self.end;
                failed_save(error)
            }
            Err(error) => self.poison("cut off", error),
        }
    }

    /// Makes room ahead, so that most saves change neither the size of the file nor where it lies. The next sync makes it
    /// durable with the record.
    pub(super) fn prepare(&mut self, extent_bytes: u64) -> Result<(), Failure> {
        if self.end <= self.prepared {
            return Ok(());
        }
        let extent = self.end.checked_next_multiple_of(extent_bytes.max(ALIGNMENT)).unwrap_or(self.end);
        match fill_with_zeros(&*self.records.file, self.end, extent) {
            Ok(()) => {}
            // There was room for the record, and that is enough.
            Err(error) if is_full(&error) => {
                self.give_back(error);
                return self.check_poison();
            }
            Err(error) => return Err(self.poison("write to", error)),
        }
        self.prepared = extent;
        Ok(())
    }

    /// How much of the file is of no use any more, in bytes.
    pub(super) fn garbage(&self, live_bytes: u64) -> u64 {
        (self.end - FIRST_RECORD).saturating_sub(live_bytes)
    }

    pub(super) fn poison(&mut self, doing: &str, error: io::Error) -> Failure {
        let file = &self.records.described;
        tracing::error!(%file, %error, "no more snapshots are saved: reopen the store, which recovers them");
        let error = Arc::new(error);
        self.poison.get_or_insert_with(|| Arc::clone(&error));
        Failure::Io { doing: format!("cannot {doing} {file}"), source: error }
    }

    /// Why nothing can be written any more, if that is so.
    pub(super) fn check_poison(&self) -> Result<(), Failure> {
        match &self.poison {
            None => Ok(()),
            Some(source) => {
                let file = &self.records.described;
                let doing = format!(
                    "{file} has failed before and takes no more; reopen the store, which recovers it"
                );
                Err(Failure::Io { doing, source: Arc::clone(source) })
            }
        }
    }
}

pub(super) fn failed_save(error: io::Error) -> Failure {
    Failure::Io { doing: "cannot save a snapshot".to_owned(), source: Arc::new(error) }
}

/// Whether a write failed because there is no room for it, so that nothing else is wrong.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
