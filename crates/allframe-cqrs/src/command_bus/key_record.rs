use std::time::Duration;

use eventstore_api::{
    Appended, EventStoreBackend, EventType, ExpectedVersion, NewEvent, RecordedEvent, StreamAppend, StreamId,
    StreamRange, Timestamp, Version,
};
use serde::{Deserialize, Serialize};

use super::{Answered, Dispatched, DynStore};
use crate::{CommandError, Error, Event, Fingerprint, PayloadCodec, Result, payload, repository::Beside};

/// How long a key is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyRetention {
    /// For good.
    #[default]
    Forever,
    /// So long after its command was carried out; then the same key counts as a new one. The record of it stays in the log.
    For(Duration),
}

/// Where the record of a key is.
pub(super) fn record_stream(key: &str) -> Result<StreamId> {
    Ok(StreamId::new(format!("$command-{key}"))?)
}

/// What stands in the store of a key, under `$command-executed`, appended together with the events of its command.
#[derive(Serialize, Deserialize)]
struct Record {
    command: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    appended: Vec<KeptAppend>,
}

/// Which events of a stream a command has caused.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptAppend {
    stream: String,
    after: u64,
    events: usize,
}

impl KeptAppend {
    fn new(&(stream, after, events): &(&StreamId, Version, usize)) -> Self {
        Self { stream: stream.as_str().to_owned(), after: after.get(), events }
    }
}

/// A command with a key that is about to be carried out.
pub(super) struct Claim {
    stream: StreamId,
    expected: ExpectedVersion,
    command: &'static str,
    fingerprint: Option<Fingerprint>,
}

impl Claim {
    pub(super) fn stream(&self) -> &StreamId {
        &self.stream
    }
}

/// What makes the key that of the command, in the append of its events.
impl Beside for Claim {
    fn append(&self, events: &[(&StreamId, Version, usize)]) -> Result<StreamAppend> {
        let record = Record {
            command: self.command.to_owned(),
            fingerprint: self.fingerprint.map(|fingerprint| fingerprint.to_string()),
            appended: events.iter().map(KeptAppend::new).collect(),
        };
        let payload = payload::encode(&record, PayloadCodec::Json, "the record of an idempotency key")?;
        let event = NewEvent::new(EventType::new("$command-executed")?, payload)
            .with_encoding(PayloadCodec::Json.encoding());
        Ok(StreamAppend { stream: self.stream.clone(), expected: self.expected, events: vec![event] })
    }
}

/// What is known of a key.
pub(super) enum Known<E> {
    /// Its command has been carried out: this is its result.
    Executed(Dispatched<E>),
    /// It has not.
    Free(Claim),
}

/// Looks a key up, on behalf of a command.
pub(super) async fn look_up<E: Event>(
    store: &DynStore<E>,
    key: &str,
    stream: &StreamId,
    command: &'static str,
    fingerprint: Option<Fingerprint>,
    retention: KeyRetention,
) -> Result<Known<E>, CommandError> {
    let range = StreamRange::backward().limit(1);
    let page = store.backend().read_stream(stream, range).await.map_err(Error::from)?;
    let free = |expected| Known::Free(Claim { stream: stream.clone(), expected, command, fingerprint });
    let Some(found) = page.events.into_iter().next() else { return Ok(free(ExpectedVersion::NoStream)) };
    if is_over(&found, retention) {
        return Ok(free(ExpectedVersion::Exact(found.version)));
    }
    let record: Record = serde_json::from_slice(&found.payload).map_err(|error| {
        CommandError::Internal(format!("the record of key `{key}` cannot be read: {error}"))
    })?;
    let is_other =
        fingerprint.zip(record.fingerprint.as_ref()).is_some_and(|(ours, first)| ours.to_string() != *first);
    if record.command != command || is_other {
        return Err(CommandError::KeyReused { key: key.to_owned(), first: record.command });
    }
    Ok(Known::Executed(read_back(store, &record.appended).await?))
}

fn is_over(record: &RecordedEvent, retention: KeyRetention) -> bool {
    match retention {
        KeyRetention::Forever => false,
        KeyRetention::For(time) => {
            let age = Timestamp::now().as_micros().saturating_sub(record.recorded_at.as_micros());
            u128::try_from(age).unwrap_or_default() >= time.as_micros()
        }
    }
}

/// The events of a command that was carried out before.
async fn read_back<E: Event>(store: &DynStore<E>, kept: &[KeptAppend]) -> Result<Dispatched<E>> {
    let (mut events, mut appended) = (Vec::new(), Vec::new());
    for part in kept {
        let stream = StreamId::new(part.stream.clone())?;
        let mut after = Version::new(part.after);
        let (mut first, mut last) = (None, None);
        let mut missing = part.events;
        while missing > 0 {
            let range = StreamRange::after(after).limit(missing);
            let page = store.backend().read_stream(&stream, range).await?;
            let Some(end) = page.events.last() else { break };
            after = end.version;
            missing = missing.saturating_sub(page.events.len());
            first = first.or_else(|| page.events.first().map(|record| (record.version, record.position)));
            last = Some((end.version, end.position));
            for record in &page.events {
                events.push(payload::from_recorded(record)?);
            }
        }
        if let (Some(first), Some(last)) = (first, last) {
            appended.push(Appended::new(stream, first, last));
        }
    }
    Ok(Dispatched { answer: Answered::Before, ..Dispatched::new(events, appended) })
}
