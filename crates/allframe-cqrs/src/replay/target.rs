use std::{
    error::Error as StdError, future::Future, marker::PhantomData, panic::AssertUnwindSafe, sync::Arc,
};

use futures_util::FutureExt;

use crate::{ApplyContext, ApplyError, Error, Panicked, Projection, Recorded, Result, panicked::apply_again};

/// What events are replayed into.
pub(super) trait ReplayTarget<E>: Send + 'static {
    type Output: Send + 'static;

    fn take(&mut self, event: Recorded<E>) -> impl Future<Output = Result<()>> + Send;

    fn into_output(self) -> Self::Output;
}

pub(super) struct IntoProjection<P>(pub(super) P);

impl<P: Projection + 'static> ReplayTarget<P::Event> for IntoProjection<P> {
    type Output = P;

    async fn take(&mut self, event: Recorded<P::Event>) -> Result<()> {
        apply_again(&mut self.0, &event)
    }

    fn into_output(self) -> P {
        self.0
    }
}

pub(super) struct IntoHandler<H, F> {
    handle: H,
    futures: PhantomData<fn() -> F>,
}

impl<H, F> IntoHandler<H, F> {
    pub(super) fn new(handle: H) -> Self {
        Self { handle, futures: PhantomData }
    }
}

impl<E, H, F> ReplayTarget<E> for IntoHandler<H, F>
where
    E: Send + 'static,
    H: FnMut(Recorded<E>, ApplyContext) -> F + Send + 'static,
    F: Future<Output = Result<(), ApplyError>> + Send + 'static,
{
    type Output = ();

    async fn take(&mut self, event: Recorded<E>) -> Result<()> {
        let position = event.position();
        // Within the future, so that a panic before its first await is caught too.
        let handling = async { (self.handle)(event, ApplyContext::replaying()).await };
        let source: Arc<dyn StdError + Send + Sync> = match AssertUnwindSafe(handling).catch_unwind().await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(payload) => Arc::new(Panicked::new(&*payload)),
        };
        Err(Error::Handle { position, source })
    }

    fn into_output(self) {}
}
