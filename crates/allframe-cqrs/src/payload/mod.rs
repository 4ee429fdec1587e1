//! Between typed events and the bytes that a backend keeps.

mod codec;
mod variant_de;
mod variant_ser;

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;
pub use codec::PayloadCodec;
pub(crate) use codec::decode;
use eventstore_api::{Encoding, EventType, NewEvent, RecordedEvent};
use variant_de::VariantSeed;
use variant_ser::VariantContent;

use crate::{
    Error, Event, Result,
    error::{DecodeError, DecodeReason},
    event::{EventVariant, kind_named, kind_of, stored_names},
};

/// An event as it is stored: named after its variant, with the variant's content as payload, and its own tags.
pub(crate) fn to_new_event<E: Event>(event: &E, codec: PayloadCodec) -> Result<NewEvent> {
    let variant = kind_of(event);
    let payload = match variant.serde_index {
        Some(_) => encode(&VariantContent(event), codec, variant.name)?,
        None => encode(event, codec, variant.name)?,
    };
    must_read_back::<E>(&variant, codec, &payload)?;
    Ok(NewEvent::new(EventType::new(variant.name)?, payload)
        .with_schema_version(variant.schema_version)
        .with_encoding(codec.encoding())
        .with_tags(event.tags()?))
}

/// Refuses what would be stored and never read again: a number that JSON does not have, a value nested too deeply, a type
/// that needs a form which describes itself. A stream with such an event in it could not be loaded any more.
fn must_read_back<E: Event>(variant: &EventVariant, codec: PayloadCodec, payload: &[u8]) -> Result<()> {
    match decode_kind::<E>(variant, codec.encoding(), payload) {
        Ok(_) => Ok(()),
        Err(reason) => {
            Err(Error::Encode { what: variant.name, encoding: codec.encoding(), source: Arc::new(reason) })
        }
    }
}

/// The typed event that is stored in this record.
pub(crate) fn from_recorded<E: Event>(record: &RecordedEvent) -> Result<E> {
    typed(record).map_err(|reason| {
        Error::Decode(Box::new(DecodeError {
            stream: record.stream.clone(),
            version: record.version,
            position: record.position,
            event_type: record.event_type.clone(),
            schema_version: record.schema_version,
            encoding: record.encoding,
            expected: std::any::type_name::<E>(),
            reason,
        }))
    })
}

pub(crate) fn encode<T: serde::Serialize + ?Sized>(
    value: &T,
    codec: PayloadCodec,
    what: &'static str,
) -> Result<Bytes> {
    match codec.encode(value) {
        Ok(payload) => Ok(payload.into()),
        Err(source) => Err(Error::Encode { what, encoding: codec.encoding(), source: source.into() }),
    }
}

fn typed<E: Event>(record: &RecordedEvent) -> Result<E, DecodeReason> {
    let variant = kind_named::<E>(record.event_type.as_str())
        .ok_or_else(|| DecodeReason::UnknownEventType { known: stored_names::<E>() })?;
    if record.schema_version > variant.schema_version {
        return Err(DecodeReason::NewerSchema { known: variant.schema_version });
    }
    decode_kind(&variant, record.encoding, &record.payload)
}

fn decode_kind<E: Event>(
    variant: &EventVariant,
    encoding: Encoding,
    payload: &[u8],
) -> Result<E, DecodeReason> {
    match variant.serde_index {
        Some(index) => decode(VariantSeed::<E>::new(index), encoding, payload),
        None => decode(PhantomData, encoding, payload),
    }
}
