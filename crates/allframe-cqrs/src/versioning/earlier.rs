use std::sync::Arc;

use bytes::Bytes;
use eventstore_api::Encoding;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::marker::PhantomData;

use crate::{ErrorOrText, Event, error::DecodeReason, event::EventVariant, payload};

/// The payload of an event in the form of an earlier schema version. `#[event(version = N)]` reads it.
#[derive(Debug)]
pub struct EarlierPayload(Form);

#[derive(Debug)]
enum Form {
    Stored { encoding: Encoding, bytes: Bytes },
    Json(Value),
}

impl EarlierPayload {
    pub(crate) const fn stored(encoding: Encoding, bytes: Bytes) -> Self {
        Self(Form::Stored { encoding, bytes })
    }

    pub(crate) const fn json(value: Value) -> Self {
        Self(Form::Json(value))
    }

    /// Whether it is what a variant without fields has as its content in JSON.
    #[must_use]
    pub fn is_null(&self) -> bool {
        match &self.0 {
            Form::Stored { encoding, bytes } => *encoding == Encoding::JSON && bytes.trim_ascii() == b"null",
            Form::Json(value) => value.is_null(),
        }
    }

    /// The payload as a value of this type.
    ///
    /// # Errors
    ///
    /// [`DecodeReason::Payload`] where it is none, [`DecodeReason::UnknownEncoding`].
    pub fn read<T: DeserializeOwned>(self) -> Result<T, DecodeReason> {
        match self.0 {
            Form::Stored { encoding, bytes } => payload::decode(PhantomData, encoding, &bytes),
            Form::Json(value) => payload::decode_value(PhantomData, value),
        }
    }

    /// The payload as the content of this kind of an event, whose form has not changed since.
    ///
    /// # Errors
    ///
    /// As [`EarlierPayload::read`].
    pub fn read_as<E: Event>(self, kind: &EventVariant) -> Result<E, DecodeReason> {
        match self.0 {
            Form::Stored { encoding, bytes } => payload::decode_kind(kind, encoding, &bytes),
            Form::Json(value) => payload::decode_kind_value(kind, value),
        }
    }

    /// As JSON, which only what was stored as JSON is.
    pub(crate) fn into_json(self) -> Result<Value, DecodeReason> {
        match self.0 {
            Form::Json(value) => Ok(value),
            Form::Stored { encoding: Encoding::JSON, bytes } => {
                payload::decode(PhantomData, Encoding::JSON, &bytes)
            }
            Form::Stored { .. } => Err(DecodeReason::NotJson),
        }
    }
}

impl DecodeReason {
    /// What a field of an earlier form was converted into, if it could be.
    #[doc(hidden)]
    pub fn converted<T, R: ErrorOrText>(field: &'static str, value: Result<T, R>) -> Result<T, Self> {
        value.map_err(|source| Self::Unconverted { field, source: Arc::from(source.into_error()) })
    }
}

/// What a field can be in events of before it was added, where nothing else is said.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no default for events of before it was added",
    label = "is not `Default`",
    note = "say what the field is in earlier events: `#[added(version = 2, default = ..)]`"
)]
pub trait HasDefault {
    /// The default.
    #[must_use]
    fn default_of_field() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> HasDefault for T {
    fn default_of_field() -> Self {
        Self::default()
    }
}

/// What the function takes that converts a field.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a field cannot have been a `{Self}`",
    label = "takes what cannot be read",
    note = "what a conversion takes is read from the payload: a type with `#[derive(serde::Deserialize)]`, and no reference"
)]
pub trait EarlierValue: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> EarlierValue for T {}
