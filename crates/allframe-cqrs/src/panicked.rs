use std::{
    any::Any,
    error::Error as StdError,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{ApplyContext, Error, Projection, Recorded, Result};

/// Code of the application panicked while it took an event in: the source of an error that says at which one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it panicked: {message}")]
#[non_exhaustive]
pub struct Panicked {
    /// What the panic said.
    pub message: String,
}

impl Panicked {
    pub(crate) fn new(payload: &(dyn Any + Send)) -> Self {
        let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => (*text).to_owned(),
            (_, Some(text)) => text.clone(),
            _ => "it did not say why".to_owned(),
        };
        Self { message }
    }
}

/// Applies an event again; a panic is an error like any other. After an error the projection may be half changed, and is
/// not to be used.
pub(crate) fn apply_again<P: Projection>(projection: &mut P, event: &Recorded<P::Event>) -> Result<()> {
    let applied =
        catch_unwind(AssertUnwindSafe(|| projection.try_apply(event, &mut ApplyContext::replaying())));
    let source: Arc<dyn StdError + Send + Sync> = match applied {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.into(),
        Err(payload) => Arc::new(Panicked::new(&*payload)),
    };
    Err(Error::Apply { position: event.position(), source })
}
