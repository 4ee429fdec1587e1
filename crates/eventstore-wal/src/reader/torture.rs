//! What fuzzers need of the reader, and nobody else.

use std::sync::Arc;

use eventstore_api::{Page, ReadAll, Result, Snapshot, StreamId, StreamPage, StreamRange};

use super::{prefix, shared::Shared};
use crate::{disk::Disk, index::Wait};

/// A reader of a store on any disk, which it does not change.
#[derive(Debug)]
pub struct DiskReader(Shared);

impl DiskReader {
    /// The store on this disk.
    ///
    /// # Errors
    ///
    /// As [`WalReader::open`](crate::WalReader::open).
    pub fn open(disk: Arc<dyn Disk>) -> Result<Self> {
        Ok(Self(Shared::open(disk)?))
    }

    /// A page of what can be seen.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_all`](eventstore_api::EventStoreBackend::read_all).
    pub fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        Ok(self.0.look(Wait::Allowed, &|shared, wait| prefix::read_all(shared, query, wait))?)
    }

    /// A part of a stream, as far as it can be seen.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_stream`](eventstore_api::EventStoreBackend::read_stream).
    pub fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        Ok(self.0.look(Wait::Allowed, &|shared, wait| prefix::read_stream(shared, stream, range, wait))?)
    }

    /// How many events are whole and are not shown.
    ///
    /// # Errors
    ///
    /// As [`WalReader::unproven`](crate::WalReader::unproven).
    pub fn unproven(&self) -> Result<u64> {
        Ok(self.0.look(Wait::Allowed, &Shared::unproven)?)
    }

    /// The latest snapshot of a stream.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::get_latest_snapshot`](eventstore_api::EventStoreBackend::get_latest_snapshot).
    pub fn latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        Ok(self.0.look(Wait::Allowed, &|shared, wait| shared.snapshots(wait)?.latest(stream, wait))?)
    }
}
