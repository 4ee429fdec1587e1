use std::error::Error as StdError;

use eventstore_api::{
    Appended, Encoding, EventStoreBackend, EventType, Snapshot, StreamId, StreamRange, Version,
};

use super::{Ledger, from_record, ledger::LedgerContent};
use crate::consumer_group::GroupError;

/// Fewer events of a `parked` stream than this are not worth a snapshot of what they add up to.
const LEAST_EVENTS_PER_SNAPSHOT: u64 = 128;
const STATE_TYPE: &str = "$group.parked-ledger";
/// The form of the snapshots; one of another form is passed over.
const FORM: u32 = 1;

/// A ledger, and how far of its stream is in it.
#[derive(Debug)]
pub(in crate::consumer_group) struct LedgerFile {
    pub(in crate::consumer_group) ledger: Ledger,
    stream: StreamId,
    version: Version,
    snapshot: Version,
}

impl LedgerFile {
    /// The ledger of a partition, from its latest snapshot on.
    pub(in crate::consumer_group) async fn load(
        backend: &impl EventStoreBackend,
        stream: StreamId,
    ) -> Result<Self, GroupError> {
        let (ledger, snapshot) = latest_snapshot(backend, &stream).await?.unwrap_or_default();
        let mut file = Self { ledger, stream, version: snapshot, snapshot };
        file.catch_up(backend).await?;
        Ok(file)
    }

    /// Up to which version of the stream everything is in it.
    pub(in crate::consumer_group) fn version(&self) -> Version {
        self.version
    }

    /// Whether what was written here comes right behind what is in it. The ledger has it already then; otherwise others
    /// have written in between, and it has to be loaded anew, so that every change counts at its place.
    pub(in crate::consumer_group) fn goes_on_with(&mut self, written: &Appended) -> bool {
        let goes_on = self.version.next() == written.first_version;
        if goes_on {
            self.version = written.last_version;
        }
        goes_on
    }

    /// Takes in what was appended since. Nothing may have been applied to the ledger that is not written.
    pub(in crate::consumer_group) async fn catch_up(
        &mut self,
        backend: &impl EventStoreBackend,
    ) -> Result<(), GroupError> {
        loop {
            let page = backend.read_stream(&self.stream, StreamRange::after(self.version)).await?;
            for record in &page.events {
                self.ledger.apply(from_record(record)?);
                self.version = record.version;
            }
            if page.end_reached {
                return Ok(());
            }
        }
    }

    /// Keeps a snapshot if many events have come since the last one: as many as it holds at least, so that what is written
    /// of snapshots grows as the number of events does and not as its square. It saves time and decides nothing: that it
    /// cannot be kept is only logged.
    pub(in crate::consumer_group) async fn snapshot_if_due(&mut self, backend: &impl EventStoreBackend) {
        let entries = u64::try_from(self.ledger.len()).unwrap_or(u64::MAX);
        let due = self.snapshot.get().saturating_add(entries.max(LEAST_EVENTS_PER_SNAPSHOT));
        if self.version.get() < due {
            return;
        }
        // Also where it fails: not again with each event.
        self.snapshot = self.version;
        if let Err(error) = self.save_snapshot(backend).await {
            let error: &dyn StdError = &error;
            tracing::warn!(error, stream = %self.stream, "a snapshot of parked events could not be kept");
        }
    }

    async fn save_snapshot(&self, backend: &impl EventStoreBackend) -> Result<(), GroupError> {
        let payload = serde_json::to_vec(&self.ledger.content()).map_err(|error| GroupError::Unreadable {
            stream: self.stream.clone(),
            version: self.version,
            source: std::sync::Arc::new(error),
        })?;
        let snapshot = Snapshot::new(self.stream.clone(), self.version, EventType::new(STATE_TYPE)?, payload)
            .with_encoding(Encoding::JSON)
            .with_schema_version(FORM);
        Ok(backend.save_snapshot(snapshot).await?)
    }
}

/// The ledger that the latest snapshot holds; none where it cannot be used.
async fn latest_snapshot(
    backend: &impl EventStoreBackend,
    stream: &StreamId,
) -> Result<Option<(Ledger, Version)>, GroupError> {
    let Some(snapshot) = backend.get_latest_snapshot(stream).await? else { return Ok(None) };
    if snapshot.state_type.as_str() != STATE_TYPE || snapshot.schema_version != FORM {
        return Ok(None);
    }
    // A store restored from a backup may not reach as far as the snapshot does.
    let last = backend.read_stream(stream, StreamRange::backward().limit(1)).await?;
    if last.events.first().is_none_or(|last| last.version < snapshot.version) {
        tracing::warn!(%stream, version = %snapshot.version, "a snapshot is ahead of its stream and not used");
        return Ok(None);
    }
    match serde_json::from_slice::<LedgerContent>(&snapshot.payload) {
        Ok(content) => Ok(Some((content.into(), snapshot.version))),
        Err(error) => {
            let error: &dyn StdError = &error;
            tracing::warn!(error, %stream, "a snapshot cannot be read and is not used");
            Ok(None)
        }
    }
}
