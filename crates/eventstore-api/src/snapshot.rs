use bytes::Bytes;

use crate::{Encoding, EventType, InvalidInput, StreamId, Version, error::Field, limits::MAX_PAYLOAD_BYTES};

/// The state that a stream's events add up to at some version, kept so that not all of them need be read.
///
/// A store keeps one snapshot a stream, the one with the greatest version; one with the same version replaces it, an
/// older one never does. A snapshot may be of a stream without events, and its version is not held against the stream's.
///
/// ```
/// use eventstore_api::{Encoding, EventType, Snapshot, StreamId, Version};
///
/// let snapshot = Snapshot::new(
///     StreamId::new("account-7")?,
///     Version::new(100),
///     EventType::new("Account")?,
///     r#"{"balance":42}"#,
/// )
/// .with_encoding(Encoding::JSON)
/// .with_schema_version(3);
/// assert_eq!(snapshot.version, Version::new(100));
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Which stream.
    pub stream: StreamId,
    /// The version of the last event that went into it.
    pub version: Version,
    /// The name of the state's type.
    pub state_type: EventType,
    /// Which version of that type's schema the payload follows; 1 unless said otherwise.
    pub schema_version: u32,
    /// How the payload is to be understood.
    pub encoding: Encoding,
    /// The state, up to [`MAX_PAYLOAD_BYTES`] bytes.
    pub payload: Bytes,
}

impl Snapshot {
    /// A snapshot of schema version 1 in binary encoding.
    #[must_use]
    pub fn new(stream: StreamId, version: Version, state_type: EventType, payload: impl Into<Bytes>) -> Self {
        Self {
            stream,
            version,
            state_type,
            schema_version: 1,
            encoding: Encoding::BINARY,
            payload: payload.into(),
        }
    }

    /// The same snapshot with this schema version.
    #[must_use]
    pub fn with_schema_version(mut self, schema_version: u32) -> Self {
        self.schema_version = schema_version;
        self
    }

    /// The same snapshot with this encoding.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Checks all that can be known without looking into a store. Every backend calls this first.
    ///
    /// # Errors
    ///
    /// [`InvalidInput::TooLong`] when the payload passes [`MAX_PAYLOAD_BYTES`].
    pub fn validate(&self) -> Result<(), InvalidInput> {
        match self.payload.len() {
            length if length > MAX_PAYLOAD_BYTES => {
                Err(InvalidInput::TooLong { what: Field::Payload, length, max: MAX_PAYLOAD_BYTES })
            }
            _ => Ok(()),
        }
    }
}
