use std::time::Duration;

use eventstore_api::GlobalPosition;
use futures_core::future::BoxFuture;

use super::{ProjectionError, ProjectionHandle};
use crate::Projection;

/// A read model, whatever its type, that somebody waits for who has been told a position.
pub(crate) trait Awaited: Send + Sync {
    fn wait_until(
        &self,
        position: GlobalPosition,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<(), ProjectionError>>;
}

impl<P: Projection + 'static> Awaited for ProjectionHandle<P> {
    fn wait_until(
        &self,
        position: GlobalPosition,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<(), ProjectionError>> {
        Box::pin(Self::wait_until(self, position, timeout))
    }
}
