//! Between typed events and the bytes that a backend keeps.

mod codec;
mod variant_de;
mod variant_ser;

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;
pub use codec::PayloadCodec;
pub(crate) use codec::{decode, decode_value};
use eventstore_api::{Encoding, EventType, NewEvent};
use serde_json::Value;
use variant_de::VariantSeed;
use variant_ser::VariantContent;

use crate::{
    Error, Event, Result,
    error::DecodeReason,
    event::{EventVariant, kind_of},
};

/// An event as it is stored: named after its variant, with the variant's content as payload, and its own tags.
pub(crate) fn to_new_event<E: Event>(event: &E, codec: PayloadCodec) -> Result<NewEvent> {
    if let Some(unknown) = event.as_unknown() {
        return Ok(NewEvent::new(unknown.event_type.clone(), unknown.payload.clone())
            .with_schema_version(unknown.schema_version)
            .with_encoding(unknown.encoding));
    }
    let variant = kind_of(event);
    let payload = match variant.serde_index {
        Some(_) => encode_content(event, codec, variant.name)?,
        None => encode(event, codec, variant.name)?,
    };
    must_read_back::<E>(&variant, codec, &payload)?;
    Ok(NewEvent::new(EventType::new(variant.name)?, payload)
        .with_schema_version(variant.schema_version)
        .with_encoding(codec.encoding())
        .with_tags(event.tags()?))
}

/// As `to_new_event`, of several. A loop, since to collect into a `Result` is more code for each type of events.
pub(crate) fn to_new_events<E: Event>(events: &[E], codec: PayloadCodec) -> Result<Vec<NewEvent>> {
    let mut new = Vec::with_capacity(events.len());
    for event in events {
        new.push(to_new_event(event, codec)?);
    }
    Ok(new)
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

/// The content of an event that is one variant of an enum, as it is stored under the name of that.
pub(crate) fn encode_content<E: Event>(event: &E, codec: PayloadCodec, what: &'static str) -> Result<Bytes> {
    encode(&VariantContent(event), codec, what)
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

#[inline]
pub(crate) fn decode_kind<E: Event>(
    variant: &EventVariant,
    encoding: Encoding,
    payload: &[u8],
) -> Result<E, DecodeReason> {
    match variant.serde_index {
        Some(index) => decode(VariantSeed::<E>::new(index), encoding, payload),
        None => decode(PhantomData, encoding, payload),
    }
}

/// As `decode_kind`, of what has been read as JSON already.
pub(crate) fn decode_kind_value<E: Event>(variant: &EventVariant, value: Value) -> Result<E, DecodeReason> {
    match variant.serde_index {
        Some(index) => decode_value(VariantSeed::<E>::new(index), value),
        None => decode_value(PhantomData, value),
    }
}

/// An event as the JSON that it would be stored as.
pub(crate) fn encode_value<E: Event>(event: &E) -> Result<Value, DecodeReason> {
    let value = match kind_of(event).serde_index {
        Some(_) => serde_json::to_value(VariantContent(event)),
        None => serde_json::to_value(event),
    };
    value.map_err(|error| DecodeReason::Payload(Arc::new(error)))
}
