use std::{error::Error as StdError, sync::Arc};

use bytes::Bytes;
use eventstore_api::Encoding;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::marker::PhantomData;

use crate::{Event, error::DecodeReason, event::EventVariant, payload};

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
    /// A field of an earlier form cannot be converted into that of today.
    #[doc(hidden)]
    pub fn unconverted(field: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unconverted { field, source: Arc::from(source.into()) }
    }
}
