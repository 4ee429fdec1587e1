use std::{collections::HashMap, sync::Arc};

use eventstore_api::{
    AppendBatch, Appended, EventStoreBackend, ExpectedVersion, Metadata, RecordedEvent, StoreError, StreamId,
    StreamRange, Version,
};

use super::event::{Reacted, Trigger};
use crate::{Error, EventStore, Recorded, Result};

/// The streams of instances.
pub(super) struct ProcessLog {
    store: EventStore<Reacted, Arc<dyn EventStoreBackend>>,
}

/// A reaction, as it is stored.
pub(super) struct Stored {
    pub(super) version: Version,
    pub(super) reacted: Reacted,
}

/// A reaction to something, and those to the refusals of commands that are stored behind it.
pub(super) struct Found {
    pub(super) stored: Stored,
    /// By the version of the reaction that decided on the command, and by which of its orders that was.
    pub(super) refusals: HashMap<(u64, usize), Stored>,
    /// Whether it was stored just now.
    pub(super) is_new: bool,
}

/// How much of a stream is looked through at a time, in bytes.
const PAGE_BYTES: usize = 1 << 20;

impl ProcessLog {
    pub(super) fn new(backend: Arc<dyn EventStoreBackend>) -> Self {
        Self { store: EventStore::with_backend(backend) }
    }

    /// What an instance did last, which says all that it is; nothing where there is none yet.
    pub(super) async fn last(&self, stream: &StreamId) -> Result<Option<Stored>> {
        let page = self.store.backend().read_stream(stream, StreamRange::backward().limit(1)).await?;
        page.events.first().map(|record| self.read(record)).transpose()
    }

    /// The reaction to something, where there is one behind this version.
    pub(super) async fn find(
        &self,
        stream: &StreamId,
        trigger: &Trigger,
        behind: Version,
    ) -> Result<Option<Found>> {
        let mut refusals = HashMap::new();
        let mut range = StreamRange::backward().max_bytes(PAGE_BYTES);
        loop {
            let page = self.store.backend().read_stream(stream, range).await?;
            for record in &page.events {
                if record.version <= behind {
                    return Ok(None);
                }
                let stored = self.read(record)?;
                if stored.reacted.to.is(trigger) {
                    return Ok(Some(Found { stored, refusals, is_new: false }));
                }
                if let Trigger::Refused { version, order, .. } = stored.reacted.to {
                    refusals.insert((version, order), stored);
                }
            }
            if page.end_reached {
                return Ok(None);
            }
            range = range.next_page(&page);
        }
    }

    /// Appends to an instance's stream; nothing where somebody else has meanwhile.
    pub(super) async fn append(
        &self,
        stream: &StreamId,
        after: Version,
        reacted: &Reacted,
        metadata: Metadata,
    ) -> Result<Option<Version>> {
        let expected =
            if after == Version::NONE { ExpectedVersion::NoStream } else { ExpectedVersion::Exact(after) };
        let events = vec![reacted.to_new_event(metadata)?];
        match self.store.append_records(AppendBatch::single(stream.clone(), expected, events)).await {
            Ok(appended) => Ok(Some(Appended::only(appended)?.last_version)),
            Err(Error::Store(StoreError::WrongExpectedVersion { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn backend(&self) -> &Arc<dyn EventStoreBackend> {
        self.store.backend()
    }

    /// All reactions of an instance, from old to new.
    pub(super) async fn all(&self, stream: &StreamId) -> Result<Vec<Recorded<Reacted>>> {
        let (mut all, mut version) = (Vec::new(), Version::NONE);
        loop {
            let page = self.store.backend().read_stream(stream, StreamRange::after(version)).await?;
            for record in page.events {
                version = record.version;
                all.push(Recorded::new(self.read(&record)?.reacted, record, 0));
            }
            if page.end_reached {
                return Ok(all);
            }
        }
    }

    pub(super) fn read(&self, record: &RecordedEvent) -> Result<Stored> {
        let events = self.store.reader().events(record)?;
        let reacted = events.into_iter().next();
        let reacted = reacted.ok_or_else(|| {
            let place = format!("version {} of `{}` holds no reaction", record.version, record.stream);
            Error::Store(StoreError::storage(place))
        })?;
        Ok(Stored { version: record.version, reacted })
    }
}
