//! Between typed events and the bytes that a backend keeps.

mod codec;
mod variant_de;
mod variant_ser;

use std::marker::PhantomData;

use bytes::Bytes;
pub use codec::PayloadCodec;
pub(crate) use codec::decode;
use eventstore_api::{EventType, NewEvent, RecordedEvent};
use variant_de::VariantSeed;
use variant_ser::VariantContent;

use crate::{
    Error, Event, Result,
    error::{DecodeError, DecodeReason},
    event::{EventVariant, stored_names},
};

/// An event as it is stored: named after its variant, with the variant's content as payload, and its own tags.
pub(crate) fn to_new_event<E: Event>(event: &E, codec: PayloadCodec) -> Result<NewEvent> {
    let (name, payload) = match E::variants().get(event.variant_index()) {
        Some(EventVariant { name, serde_index: Some(_), .. }) => {
            (*name, encode(&VariantContent(event), codec, name)?)
        }
        Some(EventVariant { name, serde_index: None, .. }) => (*name, encode(event, codec, name)?),
        None => (E::event_type_name(), encode(event, codec, E::event_type_name())?),
    };
    Ok(NewEvent::new(EventType::new(name)?, payload).with_encoding(codec.encoding()).with_tags(event.tags()?))
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
        Err(source) => Err(Error::Encode { what, encoding: codec.encoding(), source }),
    }
}

fn typed<E: Event>(record: &RecordedEvent) -> Result<E, DecodeReason> {
    let name = record.event_type.as_str();
    let unknown = || DecodeReason::UnknownEventType { known: stored_names::<E>() };
    match E::variants() {
        [] if name == E::event_type_name() => decode(PhantomData, record.encoding, &record.payload),
        [] => Err(unknown()),
        variants => {
            let variant = variants.iter().find(|variant| variant.is_named(name)).ok_or_else(unknown)?;
            match variant.serde_index {
                Some(index) => decode(VariantSeed::<E>::new(index), record.encoding, &record.payload),
                None => decode(PhantomData, record.encoding, &record.payload),
            }
        }
    }
}
