//! A store that holds what a fuzzer says, and what a store holds as a fuzzer would say it: records one after the other.

use std::{collections::BTreeMap, time::Duration};

use allframe_cqrs::{
    Aggregate, EventStore, EventStoreBackend, InMemoryBackend, Projection, StreamId, Version, command, event,
};
use eventstore_api::{Encoding, EventType, ExpectedVersion, NewEvent, ReadAll, Snapshot};
use serde::{Deserialize, Serialize};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    input::Input,
    target::{Finding, Outcome},
};

#[event(schema)]
#[derive(Clone, Debug, Serialize, Deserialize, allframe_cqrs::schemars::JsonSchema)]
#[schemars(crate = "allframe_cqrs::schemars")]
pub(crate) struct Paid {
    pub(crate) amount: u64,
}

#[command(stream = "account-1")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Pay {
    pub(crate) amount: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Total {
    pub(crate) amount: u64,
}

impl Total {
    pub(crate) fn add(&mut self, event: &Paid) {
        self.amount = self.amount.wrapping_add(event.amount);
    }
}

impl Aggregate for Total {
    type Event = Paid;

    fn apply_event(&mut self, event: &Paid) {
        self.add(event);
    }
}

impl Projection for Total {
    type Event = Paid;

    fn apply(&mut self, event: &Paid) {
        self.add(event);
    }
}

pub(crate) type Store = EventStore<Paid, InMemoryBackend>;

/// Nothing waits so long, whatever is stored. What loops without waiting gives this no turn to be looked at: the test `corpus` and
/// libFuzzer look at the time from outside.
const TOO_LONG: Duration = Duration::from_secs(10);

/// What comes of this with a store that holds the records of the input, however many those were.
pub(crate) fn with_filled(
    data: &[u8],
    work: impl AsyncFnOnce(&Store, usize) -> Result<Outcome, Finding>,
) -> Result<Outcome, Finding> {
    let Some(runtime) = runtime() else { return Ok(Outcome::Refused) };
    runtime.block_on(async {
        let store = Store::new();
        let stored = fill(&store, data).await;
        work(&store, stored).await
    })
}

/// What comes of this with a store that holds nothing.
pub(crate) fn with_new<T: Default>(work: impl AsyncFnOnce(&Store) -> T) -> T {
    let Some(runtime) = runtime() else { return T::default() };
    runtime.block_on(async { work(&Store::new()).await })
}

fn runtime() -> Option<Runtime> {
    Builder::new_current_thread().enable_time().build().ok()
}

pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> Result<T, Finding> {
    timeout(TOO_LONG, work).await.map_err(|_| Finding(format!("{what}: it does not come to an end")))
}

/// Whatever a store takes; how many those were. A record is a kind (1 byte; bit 0: a snapshot), stream, type, of a snapshot its
/// version (8 bytes), how the payload is encoded (1 byte), the payload.
async fn fill(store: &Store, data: &[u8]) -> usize {
    let mut input = Input::new(data);
    let mut stored = 0;
    while !input.is_empty() && stored < 200 {
        let is_snapshot = input.byte() & 1 == 1;
        let (stream, name) = (StreamId::new(input.text()), EventType::new(input.text()));
        let version = if is_snapshot { input.long() } else { 0 };
        let encoding = Encoding::new(input.byte() % 4);
        let payload = input.counted().to_vec();
        let (Ok(stream), Ok(name)) = (stream, name) else { continue };
        let taken = if is_snapshot {
            let snapshot =
                Snapshot::new(stream, Version::new(version), name, payload).with_encoding(encoding);
            store.backend().save_snapshot(snapshot).await.is_ok()
        } else {
            let event = NewEvent::new(name, payload).with_encoding(encoding);
            store.backend().append(&stream, ExpectedVersion::Any, vec![event]).await.is_ok()
        };
        stored += usize::from(taken);
    }
    stored
}

/// All events that are stored, as records, by their streams.
pub(crate) async fn of_streams(store: &Store) -> BTreeMap<StreamId, Vec<u8>> {
    let mut streams: BTreeMap<StreamId, Vec<u8>> = BTreeMap::new();
    let all = store.backend().read_all(&ReadAll::forward()).await;
    for event in all.map(|page| page.events).unwrap_or_default() {
        let (name, encoding) = (event.event_type.as_str(), event.encoding);
        let record = record(None, event.stream.as_str(), name, encoding, &event.payload);
        streams.entry(event.stream.clone()).or_default().extend(record);
    }
    streams
}

/// One of a snapshot where it has a version.
pub(crate) fn record(
    version: Option<u64>,
    stream: &str,
    name: &str,
    encoding: Encoding,
    payload: &[u8],
) -> Vec<u8> {
    let mut record = vec![u8::from(version.is_some())];
    let counted = |record: &mut Vec<u8>, bytes: &[u8]| {
        match u8::try_from(bytes.len()) {
            Ok(length) if length < 255 => record.push(length),
            _ => {
                record.push(255);
                record.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes());
            }
        }
        record.extend(bytes);
    };
    counted(&mut record, stream.as_bytes());
    counted(&mut record, name.as_bytes());
    if let Some(version) = version {
        record.extend(version.to_le_bytes());
    }
    record.push(encoding.get());
    counted(&mut record, payload);
    record
}
