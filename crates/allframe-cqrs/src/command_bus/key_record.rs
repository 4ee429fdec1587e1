use std::time::Duration;

use bytes::Bytes;
use eventstore_api::{
    AppendBatch, Appended, EventId, EventStoreBackend, EventType, ExpectedVersion, NewEvent, RecordedEvent,
    StoreError, StreamAppend, StreamId, StreamRange, Timestamp, Version,
};
use serde::{Deserialize, Serialize};

use super::{Dispatched, DynStore, Execution};
use crate::{
    CommandError, Error, Event, Fingerprint, PayloadCodec, Result, ValidationError, payload,
    repository::Beside,
};

/// How long a key is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRetention {
    /// For good.
    #[default]
    Forever,
    /// So long after its command was carried out, by the clock of the store against that of this process; then the same key
    /// counts as a new one. The record of it stays in the log, as every event does.
    For(Duration),
}

/// How many events are read at a time where others lie before those of a command.
const PAGE: usize = 256;

/// Where the record of a key is.
pub(super) fn record_stream(key: &str) -> Result<StreamId, CommandError> {
    // It comes from a caller who has none, and would make one command of all of them.
    if key.is_empty() {
        let empty = ValidationError::with_code("idempotency_key", "is empty", "minLength");
        return Err(CommandError::Validation(vec![empty]));
    }
    Ok(StreamId::new(format!("$command-{key}")).map_err(Error::from)?)
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

/// Which events of a stream a command has caused: so many from the one with this id on, which lies somewhere after this version.
///
/// Its own version is not known before the append, unless the append demands one, which fails where others append all the time.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptAppend {
    stream: String,
    after: u64,
    first: String,
    events: usize,
}

impl KeptAppend {
    fn new(&(stream, after, events): &(&StreamId, Version, &[NewEvent])) -> Self {
        Self {
            stream: stream.as_str().to_owned(),
            after: after.get(),
            first: events.first().map(|event| event.id.to_string()).unwrap_or_default(),
            events: events.len(),
        }
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
    fn append(&self, events: &[(&StreamId, Version, &[NewEvent])]) -> Result<StreamAppend> {
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
pub(super) enum Known {
    /// Its command has been carried out: this is its result.
    Executed(Earlier),
    /// It has not.
    Free(Claim),
}

/// What became of a command that was carried out before, its events as they are stored.
pub(super) struct Earlier {
    records: Vec<RecordedEvent>,
    appended: Vec<Appended>,
}

impl Earlier {
    /// With its events as what they are to this program.
    pub(super) fn read<E: Event>(self, store: &DynStore<E>) -> Result<Dispatched<E>> {
        let mut events = Vec::with_capacity(self.records.len());
        for record in &self.records {
            events.extend(store.reader().events(record)?);
        }
        Ok(Dispatched { execution: Execution::Repeated, ..Dispatched::new(events, self.appended) })
    }
}

/// Looks a key up, on behalf of a command.
pub(super) async fn look_up(
    backend: &dyn EventStoreBackend,
    key: &str,
    stream: &StreamId,
    command: &'static str,
    fingerprint: Option<Fingerprint>,
    retention: KeyRetention,
) -> Result<Known, CommandError> {
    let range = StreamRange::backward().limit(1);
    let page = backend.read_stream(stream, range).await.map_err(Error::from)?;
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
    Ok(Known::Executed(read_back(backend, key, &record.appended).await?))
}

/// The name that stands in the record of a key where that of a command should: none is carried out with it.
const WITHHELD: &str = "$withheld";

/// Sees to it that no command is carried out with this key any more, and answers whether one has been: however long ago.
pub(super) async fn withhold<E: Event>(store: &DynStore<E>, key: &str) -> Result<bool, CommandError> {
    let (stream, backend) = (record_stream(key)?, &**store.backend());
    loop {
        let claim = match look_up(backend, key, &stream, WITHHELD, None, KeyRetention::Forever).await {
            Ok(Known::Free(claim)) => claim,
            Ok(Known::Executed(_)) => return Ok(false),
            Err(CommandError::KeyReused { .. }) => return Ok(true),
            Err(error) => return Err(error),
        };
        let mut batch = AppendBatch::new();
        batch.appends.push(claim.append(&[])?);
        match store.append_settled(batch).await {
            Ok(_) => return Ok(false),
            // Somebody was faster, with the command or with this.
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
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
async fn read_back(
    backend: &dyn EventStoreBackend,
    key: &str,
    kept: &[KeptAppend],
) -> Result<Earlier, CommandError> {
    let (mut records, mut appended) = (Vec::new(), Vec::new());
    for part in kept {
        let stream = StreamId::new(part.stream.clone()).map_err(Error::from)?;
        let found = part.find(backend, &stream).await.map_err(Error::from)?;
        let (Some(first), Some(last)) = (found.first(), found.last().filter(|_| found.len() == part.events))
        else {
            return Err(CommandError::Internal(format!(
                "the record of key `{key}` names events of `{stream}` that are not there"
            )));
        };
        appended.push(Appended::new(stream, (first.version, first.position), (last.version, last.position)));
        records.extend(found);
    }
    Ok(Earlier { records, appended })
}

impl KeptAppend {
    /// The events, as far as they are there.
    async fn find(
        &self,
        store: &dyn EventStoreBackend,
        stream: &StreamId,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let is_first = |record: &RecordedEvent| record.id.to_string() == self.first;
        let (mut after, mut limit) = (Version::new(self.after), self.events);
        let mut found: Vec<RecordedEvent> = Vec::new();
        while found.len() < self.events {
            let page = store.read_stream(stream, StreamRange::after(after).limit(limit)).await?;
            let Some(end) = page.events.last() else { break };
            after = end.version;
            let is_found = !found.is_empty();
            found.extend(page.events.into_iter().skip_while(|record| !is_found && !is_first(record)));
            limit = limit.max(PAGE);
        }
        found.truncate(self.events);
        Ok(found)
    }
}

/// The record of a key as it has to be in a store to which the events of its command are moved: `moved` says where each of them
/// goes, and under which ids. `None` where it names no events that are there, and can stay as it is.
///
/// Which versions they have over there is not known, so they will be looked for from the beginning of their streams.
pub(crate) async fn rewrite_key_record<B: EventStoreBackend, X>(
    store: &B,
    record: &RecordedEvent,
    failed: impl Fn(StoreError) -> X,
    moved: impl Fn(&RecordedEvent) -> Result<Vec<(StreamId, EventId)>, X>,
) -> Result<Option<Bytes>, X> {
    let Ok(mut kept) = serde_json::from_slice::<Record>(&record.payload) else { return Ok(None) };
    let mut appended: Vec<KeptAppend> = Vec::new();
    for part in &kept.appended {
        let Ok(stream) = StreamId::new(part.stream.clone()) else { return Ok(None) };
        let found = part.find(store, &stream).await.map_err(&failed)?;
        if found.len() != part.events {
            return Ok(None);
        }
        for event in &found {
            for (stream, id) in moved(event)? {
                match appended.iter_mut().find(|append| append.stream == stream.as_str()) {
                    Some(append) => append.events += 1,
                    None => appended.push(KeptAppend {
                        stream: stream.as_str().to_owned(),
                        after: Version::NONE.get(),
                        first: id.to_string(),
                        events: 1,
                    }),
                }
            }
        }
    }
    kept.appended = appended;
    Ok(serde_json::to_vec(&kept).ok().map(Bytes::from))
}
