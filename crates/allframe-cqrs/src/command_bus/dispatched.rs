use std::{fmt, ops::Deref};

use eventstore_api::{Appended, GlobalPosition};

/// What became of a command: the events that it caused, and where they are.
///
/// It can be used as a slice of the events, and iterated.
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
    /// Whether this is the first or a later answer to its idempotency key.
    pub answer: Answered,
}

/// Whether a command was carried out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// By this dispatch.
    Now,
    /// By an earlier one with the same idempotency key, whose result this is.
    Before,
}

impl<E> Dispatched<E> {
    pub(super) fn new(events: Vec<E>, appended: Vec<Appended>) -> Self {
        let position = appended.iter().map(|appended| appended.last_position).max();
        Self { events, appended, position, attempts: 1, answer: Answered::Now }
    }
}

impl<E> Deref for Dispatched<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        &self.events
    }
}

impl<E> IntoIterator for Dispatched<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.events.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a Dispatched<E> {
    type Item = &'a E;
    type IntoIter = std::slice::Iter<'a, E>;

    fn into_iter(self) -> Self::IntoIter {
        self.events.iter()
    }
}

// Without the events, which need not be `Debug` for a caller's `unwrap_err`.
impl<E> fmt::Debug for Dispatched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatched")
            .field("events", &self.events.len())
            .field("appended", &self.appended)
            .field("attempts", &self.attempts)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}
