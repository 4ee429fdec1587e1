use std::borrow::Cow;

use crate::{
    InvalidInput,
    error::Field,
    limits::MAX_EVENT_TYPE_BYTES,
    text::{Text, check_name, text_newtype},
};

/// The name of an event's type, as it is stored: what a reader decides by how to understand the payload.
///
/// One to [`MAX_EVENT_TYPE_BYTES`] bytes of UTF-8 without control characters. A name known at compile time is
/// never copied.
///
/// ```
/// use eventstore_api::EventType;
///
/// let name = EventType::new("FlightDeparted")?;
/// assert_eq!(name.as_str(), "FlightDeparted");
/// assert!(EventType::new("").is_err());
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(Text);

text_newtype!(EventType);

impl EventType {
    /// Names an event type.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when the name is empty, longer than [`MAX_EVENT_TYPE_BYTES`], or holds a control character.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, InvalidInput> {
        let name = name.into();
        Self::check(&name)?;
        Ok(Self(name.into()))
    }

    fn check(name: &str) -> Result<(), InvalidInput> {
        check_name(Field::EventType, name, MAX_EVENT_TYPE_BYTES)
    }
}
