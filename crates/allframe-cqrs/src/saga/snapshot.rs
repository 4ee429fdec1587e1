use std::{error::Error as StdError, sync::Arc};

use eventstore_api::{Encoding, EventStoreBackend, GlobalPosition, StoreError};

use super::{
    SagaError,
    index::{Index, Kept},
};
use crate::{
    Error, PayloadCodec, payload,
    registry::{KeptState, StateBytes},
};

/// Under which name, and in which form, the index is kept.
const NAME: &str = "$sagas";
const FORM: u32 = 1;

/// The index of sagas as a snapshot keeps it: it saves time at the start, and decides nothing.
pub(super) struct KeptIndex {
    kept: KeptState,
    backend: Arc<dyn EventStoreBackend>,
}

impl KeptIndex {
    pub(super) fn new(backend: Arc<dyn EventStoreBackend>) -> Result<Self, SagaError> {
        let kept = KeptState::new(Arc::clone(&backend), NAME, FORM).map_err(Error::from)?;
        Ok(Self { kept, backend })
    }

    /// The index, and the position up to which it is whole; an empty one where none can be used.
    pub(super) async fn load(&self) -> Result<(Index, GlobalPosition), SagaError> {
        let nothing = (Index::default(), GlobalPosition::START);
        let Some(kept) = self.kept.load().await? else { return Ok(nothing) };
        if kept.position > self.backend.head().await.map_err(Error::from)? {
            tracing::warn!(position = %kept.position, "the kept index of sagas is ahead of its store and not used");
            return Ok(nothing);
        }
        match serde_json::from_slice::<Kept>(&kept.payload) {
            Ok(index) => Ok((index.into(), kept.position)),
            Err(error) => {
                tracing::warn!(%error, "the kept index of sagas cannot be read and is not used");
                Ok(nothing)
            }
        }
    }

    /// Keeps it. That it cannot be kept is only logged.
    pub(super) async fn save(&self, index: Kept, position: GlobalPosition) {
        let saved = async {
            let payload = payload::encode(&index, PayloadCodec::Json, "the index of sagas")?;
            self.kept.save(StateBytes { position, encoding: Encoding::JSON, payload }).await
        };
        match saved.await {
            Ok(()) | Err(Error::Store(StoreError::ReadOnly)) => {}
            Err(error) => {
                let error: &dyn StdError = &error;
                tracing::warn!(error, "the index of sagas could not be kept");
            }
        }
    }
}
