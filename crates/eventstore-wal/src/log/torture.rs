//! What the crash tests need of the engine, and nobody else.

use eventstore_api::{GlobalPosition, Page, ReadAll, Result, StreamId, StreamPage, StreamRange};

use super::Log;
use crate::{index::Wait, read};

impl Log {
    /// A page of what is published.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_all`](eventstore_api::EventStoreBackend::read_all).
    pub fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        Ok(read::read_all(&self.catalog, query, Wait::Allowed)?)
    }

    /// A part of a stream, as far as it is published.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_stream`](eventstore_api::EventStoreBackend::read_stream).
    pub fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        Ok(read::read_stream(&self.catalog, stream, range, Wait::Allowed)?)
    }

    /// The position of the last event that is published.
    #[must_use]
    pub fn head(&self) -> GlobalPosition {
        GlobalPosition::new(self.catalog.published().head)
    }

    /// How many streams have published events.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.catalog.published().streams
    }
}
