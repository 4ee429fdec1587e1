use bytes::Bytes;
use eventstore_api::{Encoding, EventType, RecordedEvent};

/// What becomes of a stored event that this program does not know: one of a newer schema version, or of a name that none of its
/// types goes by.
///
/// Newer programs write such events while older ones still run. What reads the whole store, as projections do, reads only the names
/// that it knows, and never meets a new name; what reads a stream meets every event of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownEvents {
    /// Reading it is an error, [`Error::Decode`](crate::Error::Decode).
    #[default]
    Fail,
    /// It is passed over. What is decided and shown is then decided and shown without it.
    Skip,
    /// It is read as the variant for unknown events, with its bytes as they are: `#[event(unknown)] Unknown(UnknownEvent)`. A
    /// new name is passed through where a stream is read, and in no projection.
    PassThrough,
}

/// A stored event of which this program knows no type, with its bytes intact.
///
/// Appended, as the variant of an event, it is stored as it was: under its own name and version, with the same payload.
///
/// ```
/// use allframe_cqrs::{EventStore, InMemoryBackend, UnknownEvent, UnknownEvents, VersionRegistry, event};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// enum Newer { Opened { owner: String }, Frozen { by: String } }
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// enum Older {
///     Opened { owner: String },
///     #[event(unknown)]
///     Unknown(UnknownEvent),
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let backend = InMemoryBackend::new();
/// let newer = EventStore::with_backend(backend.clone());
/// newer.append("account-7", vec![Newer::Opened { owner: "ann".into() }, Newer::Frozen { by: "bob".into() }]).await?;
///
/// let versions = VersionRegistry::new().on_unknown(UnknownEvents::PassThrough);
/// let older = EventStore::<Older, _>::with_backend(backend).with_versions(versions)?;
/// let Older::Unknown(frozen) = &older.get_events("account-7").await?[1] else { panic!() };
/// assert_eq!((frozen.event_type.as_str(), &frozen.payload[..]), ("Frozen", &br#"{"by":"bob"}"#[..]));
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownEvent {
    /// The name under which it is stored.
    pub event_type: EventType,
    /// The version of its schema.
    pub schema_version: u32,
    /// How its payload is encoded.
    pub encoding: Encoding,
    /// Its payload.
    pub payload: Bytes,
}

impl UnknownEvent {
    pub(crate) fn of(record: &RecordedEvent) -> Self {
        Self {
            event_type: record.event_type.clone(),
            schema_version: record.schema_version,
            encoding: record.encoding,
            payload: record.payload.clone(),
        }
    }
}

/// What the variant for unknown events holds: an [`UnknownEvent`], and nothing else.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the variant for unknown events does not hold a `{Self}`",
    label = "is no `UnknownEvent`",
    note = "write `#[event(unknown)] Unknown(UnknownEvent)`"
)]
pub trait HoldsUnknown {
    /// It, with this event.
    fn holding(event: UnknownEvent) -> Self;

    /// The event that it holds.
    fn held(&self) -> &UnknownEvent;
}

impl HoldsUnknown for UnknownEvent {
    fn holding(event: UnknownEvent) -> Self {
        event
    }

    fn held(&self) -> &UnknownEvent {
        self
    }
}
