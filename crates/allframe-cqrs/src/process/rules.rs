use std::sync::Arc;

use super::ProcessError;
use super::{engine::Engine, handler::Handler};
use crate::{Recorded, panicked::guarded};

/// Which events are for which instance, and what it does about them.
pub(super) struct Rules<E> {
    rules: Vec<Rule<E>>,
}

struct Rule<E> {
    key: KeyOf<E>,
    handler: Handler<Recorded<E>>,
}

/// The key of an event, and its handler.
type Keyed<'a, E> = (String, &'a Handler<Recorded<E>>);
type KeyOf<E> = Box<dyn Fn(&Recorded<E>) -> Option<String> + Send + Sync>;

impl<E> Rules<E> {
    pub(super) fn new() -> Self {
        Self { rules: Vec::new() }
    }

    pub(super) fn add(
        &mut self,
        key: impl Fn(&Recorded<E>) -> Option<String> + Send + Sync + 'static,
        handler: Handler<Recorded<E>>,
    ) {
        self.rules.push(Rule { key: Box::new(key), handler });
    }

    /// For which instance an event is, and what that does about it; nothing where it is for none.
    pub(super) fn find(
        &self,
        process: &Engine,
        event: &Recorded<E>,
    ) -> Result<Option<Keyed<'_, E>>, ProcessError> {
        let found = guarded(|| self.rules.iter().find_map(|rule| Some(((rule.key)(event)?, &rule.handler))));
        found.map_err(|source| ProcessError::Panicked { process: process.name.to_string(), source })
    }

    /// The key in whose order an event is delivered: that of its instance, or where it has none, that of its stream.
    pub(super) fn key_in_group(this: &Arc<Self>, process: &Engine, event: &Recorded<E>) -> String {
        match this.find(process, event) {
            Ok(Some((key, _))) => key,
            // Where the function panics, the delivery of the event says so, and not the end of the whole group.
            Ok(None) | Err(_) => event.stream().as_str().to_owned(),
        }
    }
}
