use std::{error::Error as StdError, fmt, marker::PhantomData};

use eventstore_api::{GlobalPosition, Metadata, RecordedEvent, StreamId, Tags, Timestamp, Version};
use serde_json::Value;

use crate::Event;

/// Makes an event of an earlier type one of a later type.
///
/// Where `To: From<From>` says it all, [`AutoUpcaster`] is one. What needs more than one event to come out, or what the store
/// keeps beside the event, is a function: [`VersionRegistry::upcast`](crate::VersionRegistry::upcast).
///
/// ```
/// use allframe_cqrs::{Upcaster, event};
///
/// #[event(rename = "UserCreated")]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct UserCreatedV1 { name: String }
///
/// #[event(version = 2)]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct UserCreated { first_name: String, last_name: String }
///
/// struct SplitName;
///
/// impl Upcaster<UserCreatedV1, UserCreated> for SplitName {
///     fn upcast(&self, from: UserCreatedV1) -> UserCreated {
///         let (first, last) = from.name.split_once(' ').unwrap_or((&from.name, ""));
///         UserCreated { first_name: first.to_owned(), last_name: last.to_owned() }
///     }
/// }
///
/// assert_eq!(SplitName.upcast(UserCreatedV1 { name: "Ann Lee".into() }).last_name, "Lee");
/// ```
pub trait Upcaster<From: Event, To: Event>: Send + Sync {
    /// The event as one of the later type.
    fn upcast(&self, from: From) -> To;
}

/// The upcaster that is written as `impl From<Earlier> for Later`.
pub struct AutoUpcaster<From, To>(PhantomData<fn(From) -> To>);

impl<From: Event, To: Event + std::convert::From<From>> AutoUpcaster<From, To> {
    /// The upcaster from one type to the other.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<From: Event, To: Event + std::convert::From<From>> Default for AutoUpcaster<From, To> {
    fn default() -> Self {
        Self::new()
    }
}

impl<From: Event, To: Event + std::convert::From<From>> Upcaster<From, To> for AutoUpcaster<From, To> {
    fn upcast(&self, from: From) -> To {
        from.into()
    }
}

impl<From, To> fmt::Debug for AutoUpcaster<From, To> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoUpcaster").finish()
    }
}

/// What the store keeps beside an event that is upcast.
#[derive(Clone, Copy, Debug)]
pub struct UpcastContext<'a> {
    record: &'a RecordedEvent,
}

impl<'a> UpcastContext<'a> {
    pub(crate) const fn new(record: &'a RecordedEvent) -> Self {
        Self { record }
    }

    /// The stream it belongs to.
    #[must_use]
    pub const fn stream(&self) -> &'a StreamId {
        &self.record.stream
    }

    /// Its place in the stream.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.record.version
    }

    /// Its place in the order of all events.
    #[must_use]
    pub const fn position(&self) -> GlobalPosition {
        self.record.position
    }

    /// When it was appended.
    #[must_use]
    pub const fn recorded_at(&self) -> Timestamp {
        self.record.recorded_at
    }

    /// What is known beside.
    #[must_use]
    pub const fn metadata(&self) -> &'a Metadata {
        &self.record.metadata
    }

    /// Its tags, as they were when it was stored.
    #[must_use]
    pub const fn tags(&self) -> &'a Tags {
        &self.record.tags
    }

    /// The record itself, as it was stored.
    #[must_use]
    pub const fn record(&self) -> &'a RecordedEvent {
        self.record
    }
}

/// Why an event was not upcast: whatever error it has, or a text (`"no such currency".into()`).
pub type UpcastError = Box<dyn StdError + Send + Sync>;

/// What becomes of an earlier event: one event, several (`Vec`), perhaps one (`Option`), or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "an earlier event does not become a `{Self}`",
    note = "answer an event, a `Vec` or an `Option` of events, or a `Result` of one of these whose error is a text or a \
            `std::error::Error + Send + Sync`"
)]
pub trait IntoUpcast {
    /// The type of the events.
    type Event: Event;

    /// Hands out the events, in their order.
    ///
    /// # Errors
    ///
    /// Why there are none.
    fn into_upcast(self, take: &mut dyn FnMut(Self::Event)) -> Result<(), UpcastError>;
}

impl<T: Event> IntoUpcast for T {
    type Event = T;

    fn into_upcast(self, take: &mut dyn FnMut(T)) -> Result<(), UpcastError> {
        take(self);
        Ok(())
    }
}

impl<T: Event> IntoUpcast for Vec<T> {
    type Event = T;

    fn into_upcast(self, take: &mut dyn FnMut(T)) -> Result<(), UpcastError> {
        self.into_iter().for_each(take);
        Ok(())
    }
}

impl<T: Event> IntoUpcast for Option<T> {
    type Event = T;

    fn into_upcast(self, take: &mut dyn FnMut(T)) -> Result<(), UpcastError> {
        self.into_iter().for_each(take);
        Ok(())
    }
}

impl<U: IntoUpcast, R: Into<UpcastError>> IntoUpcast for Result<U, R> {
    type Event = U::Event;

    fn into_upcast(self, take: &mut dyn FnMut(U::Event)) -> Result<(), UpcastError> {
        self.map_err(Into::into)?.into_upcast(take)
    }
}

/// What becomes of an earlier event as JSON: one value, several (`Vec`), perhaps one (`Option`), or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "the JSON of an earlier event does not become a `{Self}`",
    note = "answer a `serde_json::Value`, a `Vec` or an `Option` of them, or a `Result` of one of these"
)]
pub trait IntoUpcastJson {
    /// Hands out the values, in their order.
    ///
    /// # Errors
    ///
    /// Why there are none.
    fn into_upcast_json(self, take: &mut dyn FnMut(Value)) -> Result<(), UpcastError>;
}

impl IntoUpcastJson for Value {
    fn into_upcast_json(self, take: &mut dyn FnMut(Value)) -> Result<(), UpcastError> {
        take(self);
        Ok(())
    }
}

impl IntoUpcastJson for Vec<Value> {
    fn into_upcast_json(self, take: &mut dyn FnMut(Value)) -> Result<(), UpcastError> {
        self.into_iter().for_each(take);
        Ok(())
    }
}

impl IntoUpcastJson for Option<Value> {
    fn into_upcast_json(self, take: &mut dyn FnMut(Value)) -> Result<(), UpcastError> {
        self.into_iter().for_each(take);
        Ok(())
    }
}

impl<U: IntoUpcastJson, R: Into<UpcastError>> IntoUpcastJson for Result<U, R> {
    fn into_upcast_json(self, take: &mut dyn FnMut(Value)) -> Result<(), UpcastError> {
        self.map_err(Into::into)?.into_upcast_json(take)
    }
}
