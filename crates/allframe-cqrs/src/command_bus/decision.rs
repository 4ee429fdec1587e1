use std::fmt;

use eventstore_api::{ExpectedVersion, IntoStreamId, InvalidInput, StreamId};

use crate::{CommandError, ErrorOrText, Event};

/// What a command handler wants stored: events for the stream of its command, for other streams, or for several; all or nothing.
///
/// A `Vec` of events is one too: for the command's stream, whatever its version.
///
/// ```
/// use allframe_cqrs::{Decision, ExpectedVersion};
/// # use allframe_cqrs::event;
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # enum AccountEvent { Withdrawn { amount: u64 }, Deposited { amount: u64 } }
///
/// // A transfer: both accounts or neither, if the first is as it was when it was looked at.
/// let transfer = Decision::none()
///     .append("account-7", ExpectedVersion::Exact(3.into()), vec![AccountEvent::Withdrawn { amount: 5 }])
///     .append("account-8", ExpectedVersion::StreamExists, vec![AccountEvent::Deposited { amount: 5 }]);
/// assert_eq!(transfer.event_count(), 2);
/// ```
#[derive(Clone)]
pub struct Decision<E> {
    pub(super) appends: Vec<Part<E>>,
    pub(super) guards: Vec<(Result<StreamId, InvalidInput>, ExpectedVersion)>,
}

/// Events for one stream.
#[derive(Clone)]
pub(super) struct Part<E> {
    /// That of the command where none is named.
    pub(super) stream: Option<Result<StreamId, InvalidInput>>,
    pub(super) expected: ExpectedVersion,
    pub(super) events: Vec<E>,
}

impl<E> Decision<E> {
    /// Nothing is to be stored.
    #[must_use]
    pub const fn none() -> Self {
        Self { appends: Vec::new(), guards: Vec::new() }
    }

    /// These events, for the stream of the command, if its version is what is expected.
    #[must_use]
    pub fn expecting(expected: ExpectedVersion, events: Vec<E>) -> Self {
        Self { appends: vec![Part { stream: None, expected, events }], guards: Vec::new() }
    }

    /// And these, for another stream, if its version is what is expected. Each stream at most once.
    #[must_use]
    pub fn append(mut self, stream: impl IntoStreamId, expected: ExpectedVersion, events: Vec<E>) -> Self {
        self.appends.push(Part { stream: Some(stream.into_stream_id()), expected, events });
        self
    }

    /// If a stream that nothing is stored in is as expected; nothing is asked of it where nothing at all is stored.
    #[must_use]
    pub fn guard(mut self, stream: impl IntoStreamId, expected: ExpectedVersion) -> Self {
        self.guards.push((stream.into_stream_id(), expected));
        self
    }

    /// How many events it has.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.appends.iter().map(|part| part.events.len()).sum()
    }
}

impl<E> From<Vec<E>> for Decision<E> {
    fn from(events: Vec<E>) -> Self {
        Self::expecting(ExpectedVersion::Any, events)
    }
}

impl<E> fmt::Debug for Decision<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let streams: Vec<_> = self.appends.iter().map(|part| (&part.stream, part.events.len())).collect();
        f.debug_struct("Decision").field("appends", &streams).field("guards", &self.guards).finish()
    }
}

/// What a command handler may answer: events or a [`Decision`], or a `Result` of them.
///
/// The error is anything that is an error or a text: see [`CommandError::rejected`].
#[diagnostic::on_unimplemented(
    message = "a command handler does not answer `{Self}`",
    label = "answers this",
    note = "it answers `Vec<Event>`, `Decision<Event>`, or a `Result` of one of them; one that stores by itself answers `()` or \
            `Result<(), _>`, and says of which events: `#[command_handler(events = AccountEvent)]`"
)]
pub trait IntoDecision {
    /// The events that the handler decides on.
    type Event: Event;

    /// What is to be stored.
    ///
    /// # Errors
    ///
    /// What the handler answered instead.
    fn into_decision(self) -> Result<Decision<Self::Event>, CommandError>;
}

impl<E: Event> IntoDecision for Vec<E> {
    type Event = E;

    fn into_decision(self) -> Result<Decision<E>, CommandError> {
        Ok(self.into())
    }
}

impl<E: Event> IntoDecision for Decision<E> {
    type Event = E;

    fn into_decision(self) -> Result<Decision<E>, CommandError> {
        Ok(self)
    }
}

impl<T: IntoDecision, R: ErrorOrText> IntoDecision for Result<T, R> {
    type Event = T::Event;

    fn into_decision(self) -> Result<Decision<T::Event>, CommandError> {
        self.map_err(CommandError::rejected)?.into_decision()
    }
}

/// What a handler may answer that decides on an aggregate: events, or a `Result` of them.
#[diagnostic::on_unimplemented(
    message = "a handler that decides on an aggregate does not answer `{Self}`",
    label = "answers this",
    note = "it answers `Vec<Event>`, or a `Result` of it; the events go to the stream of the aggregate"
)]
pub trait DecidedEvents {
    /// The events of the aggregate.
    type Event: Event;

    /// The events.
    ///
    /// # Errors
    ///
    /// What the handler answered instead.
    fn into_events(self) -> Result<Vec<Self::Event>, CommandError>;
}

impl<E: Event> DecidedEvents for Vec<E> {
    type Event = E;

    fn into_events(self) -> Result<Vec<E>, CommandError> {
        Ok(self)
    }
}

impl<E: Event, R: ErrorOrText> DecidedEvents for Result<Vec<E>, R> {
    type Event = E;

    fn into_events(self) -> Result<Vec<E>, CommandError> {
        self.map_err(CommandError::rejected)
    }
}

/// What a handler may answer that stores its events by itself, and says of which events: nothing, or a `Result` of nothing.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler that stores by itself does not answer `{Self}`",
    label = "answers this",
    note = "it answers `()` or `Result<(), _>`; where it answers events, these say of which bus it is: leave `events = ..` out"
)]
pub trait NothingToStore {
    /// A decision for nothing.
    ///
    /// # Errors
    ///
    /// What the handler answered instead.
    fn into_decision<E: Event>(self) -> Result<Decision<E>, CommandError>;
}

impl NothingToStore for () {
    fn into_decision<E: Event>(self) -> Result<Decision<E>, CommandError> {
        Ok(Decision::none())
    }
}

impl<R: ErrorOrText> NothingToStore for Result<(), R> {
    fn into_decision<E: Event>(self) -> Result<Decision<E>, CommandError> {
        self.map(|()| Decision::none()).map_err(CommandError::rejected)
    }
}
