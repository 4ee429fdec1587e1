use std::{error::Error as StdError, marker::PhantomData, sync::Arc};

use bytes::Bytes;
use eventstore_api::{EventStoreBackend, EventType, Snapshot, StreamId, Version};
use serde::{Serialize, de::DeserializeOwned};

use super::Repository;
use crate::{
    Aggregate, DecodeReason, EarlierPayload, PayloadCodec, Result,
    panicked::guarded,
    payload,
    stream_state::{StreamReads, StreamState},
};

/// How an aggregate's state becomes bytes and back. It is kept as functions, so that only those aggregates need serde that
/// have snapshots.
pub(super) struct SnapshotForm<A> {
    encode: fn(&A, PayloadCodec) -> Result<Bytes>,
    /// None where it is of a form that is passed over.
    decode: fn(&Snapshot) -> Result<Option<A>, DecodeReason>,
}

impl<A> SnapshotForm<A> {
    pub(super) fn of_serde() -> Self
    where
        A: Aggregate + Serialize + DeserializeOwned,
    {
        Self {
            encode: |aggregate, codec| payload::encode(aggregate, codec, A::state_type()),
            decode: |snapshot| {
                if snapshot.schema_version == A::snapshot_version() {
                    return payload::decode(PhantomData, snapshot.encoding, &snapshot.payload).map(Some);
                }
                let earlier = EarlierPayload::stored(snapshot.encoding, snapshot.payload.clone());
                guarded(|| A::upcast_snapshot(snapshot.schema_version, earlier))
                    .unwrap_or_else(|panicked| Err(DecodeReason::Payload(Arc::new(panicked))))
            },
        }
    }
}

impl<A: Aggregate> SnapshotForm<A> {
    /// The state in a snapshot; none where it cannot be used.
    fn read(&self, snapshot: &Snapshot) -> Option<StreamState<A>> {
        match (self.decode)(snapshot) {
            Ok(Some(aggregate)) => Some(StreamState::of_snapshot(aggregate, snapshot.version)),
            Ok(None) => {
                log_other_version(&snapshot.stream);
                None
            }
            Err(error) => {
                log_unreadable(&snapshot.stream, &error);
                None
            }
        }
    }

    fn write(
        &self,
        stream: &StreamId,
        aggregate: &A,
        version: Version,
        codec: PayloadCodec,
    ) -> Result<Snapshot> {
        let payload = (self.encode)(aggregate, codec)?;
        Ok(Snapshot::new(stream.clone(), version, EventType::new(A::state_type())?, payload)
            .with_encoding(codec.encoding())
            .with_schema_version(A::snapshot_version()))
    }
}

impl<A: Aggregate, B: EventStoreBackend> Repository<A, B> {
    /// The state that the latest snapshot holds; none where it cannot be used.
    pub(super) async fn state_of_snapshot(&self, stream: &StreamId) -> Result<Option<StreamState<A>>> {
        let Some(form) = &self.snapshot_form else { return Ok(None) };
        let found = latest_of(self.store.backend(), self.states.reads(), stream, A::state_type()).await?;
        Ok(found.and_then(|snapshot| form.read(&snapshot)))
    }

    /// Takes a snapshot and says whether that succeeded: the append before it has, whatever becomes of this.
    pub(super) async fn try_snapshot(&self, stream: &StreamId, aggregate: &A, version: Version) -> bool {
        let Some(form) = &self.snapshot_form else { return false };
        let saved = match form.write(stream, aggregate, version, self.store.codec()) {
            Ok(snapshot) => self.store.backend().save_snapshot(snapshot).await.map_err(Into::into),
            Err(error) => Err(error),
        };
        match saved {
            Ok(()) => true,
            Err(error) => {
                log_unsaved(stream, version, &error);
                false
            }
        }
    }
}

/// The latest snapshot of a stream, if it is of this type and the stream holds what it claims to include.
async fn latest_of(
    backend: &impl EventStoreBackend,
    reads: &StreamReads,
    stream: &StreamId,
    state_type: &str,
) -> Result<Option<Snapshot>> {
    let Some(snapshot) = backend.get_latest_snapshot(stream).await? else { return Ok(None) };
    // A store restored from a backup may not hold the event, and a state built on it would be of events that never happened.
    let reaches = snapshot.version == Version::NONE
        || reads.event_at(backend, stream, snapshot.version).await?.is_some();
    if !reaches {
        tracing::warn!(%stream, version = %snapshot.version, "a snapshot is ahead of its stream and not used");
        return Ok(None);
    }
    if snapshot.state_type.as_str() != state_type {
        log_other_type(stream);
        return Ok(None);
    }
    Ok(Some(snapshot))
}

fn log_other_type(stream: &StreamId) {
    tracing::debug!(%stream, "a snapshot is of another type and not used");
}

fn log_other_version(stream: &StreamId) {
    tracing::debug!(%stream, "a snapshot is of another version of the aggregate and not used");
}

fn log_unreadable(stream: &StreamId, error: &(dyn StdError + 'static)) {
    tracing::warn!(error, %stream, "a snapshot cannot be read and is not used");
}

fn log_unsaved(stream: &StreamId, version: Version, error: &(dyn StdError + 'static)) {
    tracing::warn!(error, %stream, %version, "a snapshot could not be saved");
}
