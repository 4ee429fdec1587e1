use bytes::Bytes;
use eventstore_api::{Encoding, EventType, InvalidInput, Snapshot, StreamId, Version};

use crate::{
    DecodeError,
    format::FORMAT_1,
    input::{Decoded, Input},
    output::Output,
    shared::shared,
};

/// Writes the binary form of a snapshot behind what `out` holds already.
///
/// The snapshot must be such that [`Snapshot::validate`] accepts it.
///
/// ```text
/// format          u8, 1
/// stream          text
/// version         u64
/// state type      text
/// schema          u32
/// encoding        u8
/// payload         bytes
/// ```
///
/// ```
/// use eventstore_api::{EventType, Snapshot, StreamId, Version};
/// use eventstore_codec::{decode_snapshot, encode_snapshot};
///
/// let snapshot =
///     Snapshot::new(StreamId::new("account-7")?, Version::new(100), EventType::new("Account")?, r#"{"balance":42}"#);
/// let mut bytes = Vec::new();
/// encode_snapshot(&snapshot, &mut bytes);
/// assert_eq!(decode_snapshot(&bytes.into())?, snapshot);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode_snapshot(snapshot: &Snapshot, out: &mut Vec<u8>) {
    let names = snapshot.stream.as_str().len() + snapshot.state_type.as_str().len();
    out.reserve(names + snapshot.payload.len() + 24);
    let mut out = Output::new(out);
    out.put(&FORMAT_1);
    out.put(snapshot.stream.as_str());
    out.put(&snapshot.version.get());
    out.put(snapshot.state_type.as_str());
    out.put(&snapshot.schema_version);
    out.put(&snapshot.encoding.get());
    out.put(&snapshot.payload[..]);
}

/// The snapshot that [`encode_snapshot`] made these bytes of. Its payload is a part of them, and is not copied.
///
/// # Errors
///
/// [`DecodeError`] for anything that is not exactly one legal snapshot in a known format.
pub fn decode_snapshot(bytes: &Bytes) -> Result<Snapshot, DecodeError> {
    let mut input = Input::after_format(bytes)?;
    let snapshot = snapshot(&mut input, bytes).map_err(|error| *error)?;
    match input.left() {
        0 => Ok(snapshot),
        count => Err(DecodeError::TrailingBytes { count }),
    }
}

fn snapshot(input: &mut Input<'_>, bytes: &Bytes) -> Decoded<Snapshot> {
    let stream = name::<StreamId>(input, "the stream of a snapshot")?;
    let version = Version::new(input.integer("the version of a snapshot")?);
    let state_type = name::<EventType>(input, "the type of a snapshot's state")?;
    let schema_version = input.integer("the schema version of a snapshot")?;
    let [encoding] = input.array("the encoding of a snapshot")?;
    let at = input.at();
    let payload = input.bytes("the payload of a snapshot")?;
    let snapshot = Snapshot::new(stream, version, state_type, shared(payload, bytes))
        .with_schema_version(schema_version)
        .with_encoding(Encoding::new(encoding));
    match snapshot.validate() {
        Ok(()) => Ok(snapshot),
        Err(source) => Err(Box::new(DecodeError::Illegal { at, source })),
    }
}

fn name<T>(input: &mut Input<'_>, what: &'static str) -> Decoded<T>
where
    T: for<'n> TryFrom<&'n str, Error = InvalidInput>,
{
    let at = input.at();
    T::try_from(input.text(what)?).map_err(|source| Box::new(DecodeError::Illegal { at, source }))
}
