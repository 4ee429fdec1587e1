use std::{error::Error as StdError, sync::Arc};

use eventstore_api::{EventStoreBackend, GlobalPosition, InvalidInput, StoreError};
use tokio::{sync::OwnedRwLockReadGuard, task::JoinError};

use super::{
    kept_state::{Kept, KeptState},
    live::Applied,
    state_form::StateForm,
};
use crate::{Error, Panicked, PayloadCodec, Result};

/// Keeps a projection's state in the store, and finds it there again.
pub(super) struct Keeper<P> {
    form: StateForm<P>,
    codec: PayloadCodec,
    kept: KeptState,
    backend: Arc<dyn EventStoreBackend>,
}

impl<P> Keeper<P> {
    pub(super) fn new(
        backend: Arc<dyn EventStoreBackend>,
        name: &str,
        version: u32,
        form: StateForm<P>,
        codec: PayloadCodec,
    ) -> Result<Self, InvalidInput> {
        let kept = KeptState::new(Arc::clone(&backend), name, version)?;
        Ok(Self { form, codec, kept, backend })
    }

    /// The state that was kept last; none where it cannot be used: what it is made of is all there, so it is built again.
    pub(super) async fn load(&self) -> Result<Option<Applied<P>>> {
        let Some(kept) = self.kept.load().await? else { return Ok(None) };
        if kept.position > GlobalPosition::START && kept.position > self.backend.head().await? {
            // As after a store was restored from a backup. It is of events that never happened.
            tracing::warn!(position = %kept.position, "the kept state of a projection is ahead of its store and not used");
            return Ok(None);
        }
        match self.form.decode(&kept) {
            Ok(applied) => Ok(Some(applied)),
            Err(error) => {
                let error: &dyn StdError = &error;
                let projection = std::any::type_name::<P>();
                tracing::warn!(
                    error,
                    projection,
                    "the kept state of a projection cannot be read and is not used"
                );
                Ok(None)
            }
        }
    }

    /// Up to where the state is that was kept last, whether it can be read or not; the start where there is none.
    pub(super) async fn position(&self) -> Result<GlobalPosition> {
        self.kept.position().await
    }

    /// Keeps the state as it is; up to where, or nothing where the store keeps nothing.
    ///
    /// Encoding a large one takes long: that is done where blocking is allowed, while others may read it. Nobody may put
    /// another in its place before it is stored, or what is stored would be of the old one.
    pub(super) async fn save(
        keeper: &Arc<Self>,
        applied: OwnedRwLockReadGuard<Applied<P>>,
    ) -> Result<Option<GlobalPosition>>
    where
        P: Send + Sync + 'static,
    {
        let position = applied.position;
        let this = Arc::clone(keeper);
        let encoding = tokio::task::spawn_blocking(move || (this.form.encode(&applied, this.codec), applied));
        let (kept, applied) = encoding.await.map_err(|error| keeper.not_encoded(error))?;
        let is_kept = keeper.keep(kept?).await?;
        drop(applied);
        Ok(is_kept.then_some(position))
    }

    /// Keeps a state that nobody else holds; up to where, or nothing where the store keeps nothing.
    pub(super) async fn save_alone(&self, applied: &Applied<P>) -> Result<Option<GlobalPosition>> {
        let is_kept = self.keep(self.form.encode(applied, self.codec)?).await?;
        Ok(is_kept.then_some(applied.position))
    }

    fn not_encoded(&self, error: JoinError) -> Error {
        match error.try_into_panic() {
            Ok(payload) => Error::Encode {
                what: std::any::type_name::<P>(),
                encoding: self.codec.encoding(),
                source: Arc::new(Panicked::new(&*payload)),
            },
            // The runtime ends.
            Err(_) => Error::NoRuntime,
        }
    }

    /// Whether it is kept.
    async fn keep(&self, kept: Kept) -> Result<bool> {
        match self.kept.save(kept).await {
            // One that was opened to look at it: whoever writes it keeps the states.
            Err(Error::Store(StoreError::ReadOnly)) => Ok(false),
            kept => kept.map(|()| true),
        }
    }
}
