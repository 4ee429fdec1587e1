use std::{
    any::Any,
    error::Error as StdError,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{ApplyContext, ApplyError, Error, Projection, Recorded, Result};

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

/// What a function of the application comes to. What a panic leaves half changed is thrown away by whoever calls.
#[inline]
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| Panicked::new(&*payload))
}

/// Why an event was not applied. The projection may be half changed then, and is not to be used.
#[derive(Debug)]
pub(crate) enum NotApplied {
    Panicked(Panicked),
    Refused(ApplyError),
}

/// Applies an event; a panic is an error like any other.
pub(crate) fn apply_guarded<P: Projection>(
    projection: &mut P,
    event: &Recorded<P::Event>,
    context: &mut ApplyContext,
) -> Result<(), NotApplied> {
    match guarded(|| projection.try_apply(event, context)) {
        Ok(applied) => applied.map_err(NotApplied::Refused),
        Err(panicked) => Err(NotApplied::Panicked(panicked)),
    }
}

/// Applies the events of one record; after the first that fails, none.
pub(crate) fn apply_all_guarded<P: Projection>(
    projection: &mut P,
    events: &[Recorded<P::Event>],
    context: &mut ApplyContext,
) -> Result<(), NotApplied> {
    events.iter().try_for_each(|event| apply_guarded(projection, event, context))
}

/// Applies an event again, which has no effects this time.
pub(crate) fn apply_again<P: Projection>(projection: &mut P, event: &Recorded<P::Event>) -> Result<()> {
    apply_guarded(projection, event, &mut ApplyContext::replaying()).map_err(|why| {
        let source: Arc<dyn StdError + Send + Sync> = match why {
            NotApplied::Refused(error) => error.into(),
            NotApplied::Panicked(panicked) => Arc::new(panicked),
        };
        Error::Apply { position: event.position(), source }
    })
}
