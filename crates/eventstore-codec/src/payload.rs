use serde::{Serialize, de::DeserializeSeed};

use crate::{
    DecodeError, EncodeError,
    format::{CONFIG, FORMAT_1, body_of},
    whole::Whole,
};

/// The binary form of a value: one byte that names the format, then the value.
///
/// The form does not describe itself. Reading it takes the same type, or one whose fields have the same types in the
/// same order; a type that must be able to look ahead (an untagged enum, a flattened map) cannot be read back.
///
/// ```
/// use std::marker::PhantomData;
///
/// let bytes = eventstore_codec::encode_payload(&("UA", 1545_u32))?;
/// let (carrier, flight): (String, u32) = eventstore_codec::decode_payload(PhantomData, &bytes).unwrap();
/// assert_eq!((carrier.as_str(), flight), ("UA", 1545));
/// # Ok::<(), eventstore_codec::EncodeError>(())
/// ```
///
/// # Errors
///
/// [`EncodeError`] when the value's own `Serialize` fails, it holds a sequence of unknown length, or leaves out a field
/// (`skip_serializing_if`): what is left out here would be read out of the bytes of the next field.
pub fn encode_payload<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = vec![FORMAT_1];
    bincode::serde::encode_into_std_write(Whole(value), &mut bytes, CONFIG)
        .map_err(|source| EncodeError { source: Box::new(source) })?;
    Ok(bytes)
}

/// The value that [`encode_payload`] made these bytes of; `seed` says of which type (`PhantomData` will do for a type
/// that is known). It may borrow from the bytes.
///
/// # Errors
///
/// [`DecodeError`] for anything that is not exactly one value in a known format.
///
/// A length that lies claims no more than 64 MiB, of zeros that nobody touches, until it is seen that the bytes end before. But the
/// value may be far larger than its bytes (a `None` takes one byte here and as much as its `Some` in memory), a recursive type is
/// decoded to any depth, and a list of values without content to any length: of such types, decode only what was encoded here.
pub fn decode_payload<'de, S: DeserializeSeed<'de>>(
    seed: S,
    bytes: &'de [u8],
) -> Result<S::Value, DecodeError> {
    let body = body_of(bytes)?;
    let (value, read) = bincode::serde::seed_decode_from_slice(seed, body, CONFIG)
        .map_err(|source| DecodeError::Malformed { source: Box::new(source) })?;
    match body.len() - read {
        0 => Ok(value),
        count => Err(DecodeError::TrailingBytes { count }),
    }
}
