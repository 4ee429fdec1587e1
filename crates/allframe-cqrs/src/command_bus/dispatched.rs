use std::fmt;

use eventstore_api::{Appended, GlobalPosition};

/// What became of a command: the events that it caused, and where they are.
#[non_exhaustive]
pub struct Dispatched<E> {
    /// The events, in the order of the handler; none when there was nothing to do.
    pub events: Vec<E>,
    /// Where they were stored, for each stream.
    pub appended: Vec<Appended>,
    /// The position of the last of them, which a query waits for to see them; `None` when there is none.
    pub position: Option<GlobalPosition>,
    /// How often it was decided, from 1: more than once when others were faster.
    pub attempts: u32,
    /// Whether it was carried out now, or before with the same idempotency key.
    pub execution: Execution,
}

/// Whether a dispatch carried its command out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Execution {
    /// It did.
    First,
    /// An earlier one did, with the same idempotency key, whose result this is.
    Repeated,
}

impl<E> Dispatched<E> {
    /// What became of a command of which nothing has become yet.
    pub(super) fn nothing() -> Self {
        Self::new(Vec::new(), Vec::new())
    }

    pub(super) fn new(events: Vec<E>, appended: Vec<Appended>) -> Self {
        let position = appended.iter().map(|appended| appended.last_position).max();
        Self { events, appended, position, attempts: 1, execution: Execution::First }
    }
}

// Without the events, which need not be `Debug` for a caller's `unwrap_err`.
impl<E> fmt::Debug for Dispatched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatched")
            .field("events", &self.events.len())
            .field("appended", &self.appended)
            .field("attempts", &self.attempts)
            .field("execution", &self.execution)
            .finish_non_exhaustive()
    }
}
