use std::sync::Arc;

use super::state_form::StateForm;

/// How to make as many states of a projection as it takes: to build it anew, and to try an event without risk.
pub(super) struct Recipe<P> {
    make: Arc<dyn Fn() -> P + Send + Sync>,
    clone: fn(&P) -> P,
    merge: Option<fn(&mut P, P)>,
    pub(super) form: Option<StateForm<P>>,
}

impl<P> Recipe<P> {
    pub(super) fn new(make: impl Fn() -> P + Send + Sync + 'static) -> Self
    where
        P: Clone,
    {
        Self { make: Arc::new(make), clone: P::clone, merge: None, form: None }
    }

    pub(super) fn with_merge(mut self, merge: fn(&mut P, P)) -> Self {
        self.merge = Some(merge);
        self
    }

    /// The state before the first event.
    pub(super) fn make(&self) -> P {
        (self.make)()
    }

    pub(super) fn copy(&self, state: &P) -> P {
        (self.clone)(state)
    }

    /// How to put two states together that are of different streams, where that can be done.
    pub(super) fn merge(&self) -> Option<fn(&mut P, P)> {
        self.merge
    }
}

impl<P> Clone for Recipe<P> {
    fn clone(&self) -> Self {
        Self { make: Arc::clone(&self.make), clone: self.clone, merge: self.merge, form: self.form.clone() }
    }
}
