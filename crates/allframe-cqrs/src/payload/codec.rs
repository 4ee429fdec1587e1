use std::{error::Error as StdError, sync::Arc};

use eventstore_api::Encoding;
use serde::{Serialize, de::DeserializeSeed};
use serde_json::Value;

use crate::{error::DecodeReason, panicked::guarded};

/// How payloads are written. Every record says how its own payload was, so that a store may hold a mixture, and every
/// codec that is compiled in is read.
///
/// ```
/// use allframe_cqrs::PayloadCodec;
///
/// assert_eq!(PayloadCodec::default(), PayloadCodec::Json);
/// assert_eq!(PayloadCodec::Json.encoding().to_string(), "json");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadCodec {
    /// JSON: people and other programs can read it, and fields may be added or left out later.
    ///
    /// It has no number that is none (NaN), and none that is infinite. A field that is one is refused when it is appended, since it
    /// would not be read again; but **in an `Option` it comes back as `None`**, which nobody notices: both are written as `null`. Where
    /// that is not the same to you, let the value be finite, or say in a type of its own what it is instead.
    #[default]
    Json,
    /// bincode: a fraction of the size and time. It does not describe itself, so that a payload can be read only by a
    /// type with the same fields in the same order.
    #[cfg(feature = "bincode")]
    Bincode,
}

impl PayloadCodec {
    /// The mark that records written with this codec carry.
    #[must_use]
    pub fn encoding(self) -> Encoding {
        match self {
            Self::Json => Encoding::JSON,
            #[cfg(feature = "bincode")]
            Self::Bincode => Encoding::BINCODE,
        }
    }

    pub(crate) fn encode<T: Serialize + ?Sized>(
        self,
        value: &T,
    ) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>> {
        match self {
            Self::Json => Ok(serde_json::to_vec(value)?),
            #[cfg(feature = "bincode")]
            Self::Bincode => Ok(eventstore_codec::encode_payload(value)?),
        }
    }
}

/// The value in a payload of this encoding. Where the type's own `Deserialize` panics, it cannot be read.
#[inline]
pub(crate) fn decode<'de, S: DeserializeSeed<'de>>(
    seed: S,
    encoding: Encoding,
    payload: &'de [u8],
) -> Result<S::Value, DecodeReason> {
    guarded(|| decode_encoded(seed, encoding, payload))
        .unwrap_or_else(|panicked| Err(DecodeReason::Payload(Arc::new(panicked))))
}

/// The value in JSON that has been read already.
pub(crate) fn decode_value<'de, S: DeserializeSeed<'de>>(
    seed: S,
    value: Value,
) -> Result<S::Value, DecodeReason> {
    match guarded(|| seed.deserialize(value)) {
        Ok(read) => read.map_err(|error| DecodeReason::Payload(Arc::new(error))),
        Err(panicked) => Err(DecodeReason::Payload(Arc::new(panicked))),
    }
}

fn decode_encoded<'de, S: DeserializeSeed<'de>>(
    seed: S,
    encoding: Encoding,
    payload: &'de [u8],
) -> Result<S::Value, DecodeReason> {
    match encoding {
        Encoding::JSON => decode_json(seed, payload).map_err(|error| DecodeReason::Payload(Arc::new(error))),
        #[cfg(feature = "bincode")]
        Encoding::BINCODE => eventstore_codec::decode_payload(seed, payload)
            .map_err(|error| DecodeReason::Payload(Arc::new(error))),
        _ => Err(DecodeReason::UnknownEncoding),
    }
}

fn decode_json<'de, S: DeserializeSeed<'de>>(seed: S, payload: &'de [u8]) -> serde_json::Result<S::Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(payload);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}
