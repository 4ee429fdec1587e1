use std::{error::Error as StdError, marker::PhantomData, sync::Arc};

use bytes::Bytes;
use eventstore_api::{EventStoreBackend, EventType, Snapshot, StreamId, Version};
use serde::{Serialize, de::DeserializeOwned};

use super::Repository;
use crate::{
    Aggregate, DecodeReason, EarlierPayload, PayloadCodec, Result, panicked::guarded, payload,
    stream_state::StreamState,
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

impl<A: Aggregate, B: EventStoreBackend> Repository<A, B> {
    /// The state that the latest snapshot holds; none where it cannot be used.
    pub(super) async fn state_of_snapshot(&self, stream: &StreamId) -> Result<Option<StreamState<A>>> {
        let Some(form) = &self.snapshot_form else { return Ok(None) };
        let Some(snapshot) = self.store.backend().get_latest_snapshot(stream).await? else { return Ok(None) };
        if !self.stream_reaches(stream, snapshot.version).await? {
            tracing::warn!(%stream, version = %snapshot.version, "a snapshot is ahead of its stream and not used");
            return Ok(None);
        }
        if snapshot.state_type.as_str() != A::state_type() {
            tracing::debug!(%stream, "a snapshot is of another type and not used");
            return Ok(None);
        }
        match (form.decode)(&snapshot) {
            Ok(Some(aggregate)) => Ok(Some(StreamState::of_snapshot(aggregate, snapshot.version))),
            Ok(None) => {
                tracing::debug!(%stream, "a snapshot is of another version of the aggregate and not used");
                Ok(None)
            }
            Err(error) => {
                let error: &dyn StdError = &error;
                tracing::warn!(error, %stream, "a snapshot cannot be read and is not used");
                Ok(None)
            }
        }
    }

    /// Takes a snapshot and says whether that succeeded: the append before it has, whatever becomes of this.
    pub(super) async fn try_snapshot(&self, stream: &StreamId, aggregate: &A, version: Version) -> bool {
        let Some(form) = &self.snapshot_form else { return false };
        match self.save_snapshot(form, stream, aggregate, version).await {
            Ok(()) => true,
            Err(error) => {
                let error: &dyn StdError = &error;
                tracing::warn!(error, %stream, %version, "a snapshot could not be saved");
                false
            }
        }
    }

    async fn save_snapshot(
        &self,
        form: &SnapshotForm<A>,
        stream: &StreamId,
        aggregate: &A,
        version: Version,
    ) -> Result<()> {
        let codec = self.store.codec();
        let payload = (form.encode)(aggregate, codec)?;
        let snapshot = Snapshot::new(stream.clone(), version, EventType::new(A::state_type())?, payload)
            .with_encoding(codec.encoding())
            .with_schema_version(A::snapshot_version());
        Ok(self.store.backend().save_snapshot(snapshot).await?)
    }

    /// Whether the stream holds the event that a snapshot claims to include. A store restored from a backup may not, and
    /// a state built on it would be of events that never happened.
    async fn stream_reaches(&self, stream: &StreamId, version: Version) -> Result<bool> {
        if version == Version::NONE {
            return Ok(true);
        }
        Ok(self.states.event_at(self.store.backend(), stream, version).await?.is_some())
    }
}
