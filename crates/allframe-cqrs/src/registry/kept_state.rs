use std::sync::Arc;

use bytes::Bytes;
use eventstore_api::{
    Encoding, EventId, EventStoreBackend, EventType, GlobalPosition, InvalidInput, Snapshot, StreamId,
    Version, limits::MAX_PAYLOAD_BYTES,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::effects::EFFECTS;
use crate::{PayloadCodec, Result, payload};

/// The state of a projection in its store, with the position up to which it is made: both at once or neither.
///
/// It is the snapshot of a stream that has no events, `$projection-NAME-vVERSION`, whose version is the position. A state
/// that is too large for one snapshot lies in several, and that snapshot says where. These have two places which take turns,
/// so that the old state is whole until the new one is. Each carries the name of the state that it is of: another process may
/// write there too, for the same position, and what it wrote need not be the same bytes.
pub(crate) struct KeptState {
    backend: Arc<dyn EventStoreBackend>,
    key: StreamId,
    /// Where the next parts go.
    free: Mutex<Place>,
    part_bytes: usize,
}

/// What was kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) position: GlobalPosition,
    pub(crate) encoding: Encoding,
    pub(crate) payload: Bytes,
}

/// What is known of what was kept.
pub(crate) struct Look {
    pub(crate) position: GlobalPosition,
    /// How large the state is; unknown where it is in an unknown form.
    pub(crate) bytes: Option<usize>,
}

/// The state itself.
const WHOLE: &str = "$projection-state";
/// Where the parts of the state are.
const IN_PARTS: &str = "$projection-parts";
/// A part of the state, before the name of that.
const PART: &str = "$projection-part";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    #[default]
    A,
    B,
}

#[derive(Debug, Serialize, Deserialize)]
struct Parts {
    state: String,
    place: Place,
    count: usize,
    bytes: usize,
}

impl KeptState {
    pub(crate) fn new(
        backend: Arc<dyn EventStoreBackend>,
        name: &str,
        version: u32,
    ) -> Result<Self, InvalidInput> {
        let key = StreamId::new(format!("$projection-{name}-v{version}"))?;
        // Its parts have longer names: if that of the last possible one is too long, say so now.
        part_stream(&key, Place::B, usize::MAX)?;
        Ok(Self { backend, key, free: Mutex::default(), part_bytes: MAX_PAYLOAD_BYTES })
    }

    /// What was kept last; nothing where that is not whole.
    pub(crate) async fn load(&self) -> Result<Option<Kept>> {
        let Some(snapshot) = self.backend.get_latest_snapshot(&self.key).await? else { return Ok(None) };
        let position = GlobalPosition::new(snapshot.version.get());
        if snapshot.state_type.as_str() == WHOLE {
            return Ok(Some(Kept { position, encoding: snapshot.encoding, payload: snapshot.payload }));
        }
        match serde_json::from_slice(&snapshot.payload) {
            Ok(parts) => self.load_parts(&parts, snapshot.version).await,
            Err(error) => {
                tracing::warn!(%error, stream = %self.key, "the kept state of a projection is in an unknown form");
                Ok(None)
            }
        }
    }

    /// Of what was kept last, whole or not; the start where nothing was.
    pub(crate) async fn position(&self) -> Result<GlobalPosition> {
        let snapshot = self.backend.get_latest_snapshot(&self.key).await?;
        Ok(snapshot.map_or(GlobalPosition::START, |snapshot| GlobalPosition::new(snapshot.version.get())))
    }

    /// What is known of what was kept last, without the state itself.
    pub(crate) async fn look(&self) -> Result<Option<Look>> {
        let Some(snapshot) = self.backend.get_latest_snapshot(&self.key).await? else { return Ok(None) };
        let bytes = match snapshot.state_type.as_str() {
            EFFECTS => return Ok(None),
            IN_PARTS => serde_json::from_slice(&snapshot.payload).ok().map(|parts: Parts| parts.bytes),
            _ => Some(snapshot.payload.len()),
        };
        Ok(Some(Look { position: GlobalPosition::new(snapshot.version.get()), bytes }))
    }

    async fn load_parts(&self, parts: &Parts, version: Version) -> Result<Option<Kept>> {
        *self.free.lock().await = parts.place.other();
        let mut payload = Vec::new();
        let mut encoding = Encoding::BINARY;
        let part_type = part_type(&parts.state);
        for number in 0..parts.count {
            let stream = part_stream(&self.key, parts.place, number)?;
            let part = self.backend.get_latest_snapshot(&stream).await?;
            let Some(part) =
                part.filter(|part| part.version == version && part.state_type.as_str() == part_type)
            else {
                tracing::warn!(%stream, "a part of the kept state of a projection is missing");
                return Ok(None);
            };
            payload.extend_from_slice(&part.payload);
            encoding = part.encoding;
        }
        if payload.len() != parts.bytes {
            tracing::warn!(stream = %self.key, "the kept state of a projection is not whole");
            return Ok(None);
        }
        Ok(Some(Kept { position: GlobalPosition::new(version.get()), encoding, payload: payload.into() }))
    }

    /// Keeps a state in the place of what was kept before, unless that was of a later position.
    pub(crate) async fn save(&self, kept: Kept) -> Result<()> {
        let Kept { position, encoding, payload } = kept;
        let version = Version::new(position.get());
        if payload.len() <= self.part_bytes {
            return self.put(self.key.clone(), version, EventType::new(WHOLE)?, encoding, payload).await;
        }
        // Held throughout: two that save at once must not write into one place.
        let mut free = self.free.lock().await;
        let bytes = payload.len();
        let count = bytes.div_ceil(self.part_bytes);
        let state = EventId::generate().to_string();
        let part_type = EventType::new(part_type(&state))?;
        for number in 0..count {
            let start = number * self.part_bytes;
            let part = payload.slice(start..bytes.min(start + self.part_bytes));
            let stream = part_stream(&self.key, *free, number)?;
            self.put(stream, version, part_type.clone(), encoding, part).await?;
        }
        let parts = Parts { state, place: *free, count, bytes };
        let parts = payload::encode(&parts, PayloadCodec::Json, IN_PARTS)?;
        self.put(self.key.clone(), version, EventType::new(IN_PARTS)?, Encoding::JSON, parts).await?;
        *free = free.other();
        Ok(())
    }

    async fn put(
        &self,
        stream: StreamId,
        version: Version,
        state_type: EventType,
        encoding: Encoding,
        payload: Bytes,
    ) -> Result<()> {
        let snapshot = Snapshot::new(stream, version, state_type, payload).with_encoding(encoding);
        Ok(self.backend.save_snapshot(snapshot).await?)
    }
}

impl Place {
    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

fn part_type(state: &str) -> String {
    format!("{PART}-{state}")
}

fn part_stream(key: &StreamId, place: Place, number: usize) -> Result<StreamId, InvalidInput> {
    let place = match place {
        Place::A => 'a',
        Place::B => 'b',
    };
    StreamId::new(format!("{key}/{place}/{number}"))
}
