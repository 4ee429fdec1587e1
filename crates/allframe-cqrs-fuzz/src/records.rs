//! What the toolkit keeps in a store for itself, as a fuzzer would have it.

use std::{collections::BTreeMap, future::Future, time::Duration};

use allframe_cqrs::{
    Aggregate, CommandBus, EventFilter, EventStore, EventStoreBackend, InMemoryBackend, Projection,
    ProjectionRegistry, Registration, Repository, SnapshotPolicy, StreamId, Version, command,
    copy::StoreCopy,
    event,
    saga::{SagaDefinition, SagaId, SagaOrchestrator, SagaStep, Sagas, StepContext, StepError},
    schema::CompatibilityMode,
};
use eventstore_api::{Encoding, EventType, ExpectedVersion, NewEvent, ReadAll, Snapshot};
use serde::{Deserialize, Serialize};

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

const SAGA: &str = "s";
const ID: &str = "1";
const GROUP: &str = "g";
const KEY: &str = "k";
const COPY: &str = "c";
const PROJECTION: &str = "p";
/// Nothing takes so long, whatever is stored.
const TOO_LONG: Duration = Duration::from_secs(10);

/// The input: records, each a kind (1 byte; bit 0: a snapshot), stream, type, of a snapshot its version (8 bytes), how the payload
/// is encoded (1 byte), the payload.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return Ok(Outcome::Refused);
    };
    runtime.block_on(async {
        let store = Store::new();
        let stored = fill(&store, data).await;
        within("sagas", sagas(&store)).await?;
        within("the consumer group", group(&store)).await?;
        within("the key", key(&store)).await?;
        within("the schemas", schemas(&store)).await?;
        within("the copy", copy(&store)).await?;
        within("the projection", projection(&store)).await?;
        within("the aggregate", aggregate(&store)).await?;
        Ok(if stored > 0 { Outcome::Read } else { Outcome::Refused })
    })
}

pub(crate) async fn within(what: &str, work: impl Future<Output = ()>) -> Result<(), Finding> {
    tokio::time::timeout(TOO_LONG, work)
        .await
        .map_err(|_| Finding(format!("{what}: it does not come to an end")))
}

/// Whatever a store takes; how many those were.
pub(crate) async fn fill(store: &Store, data: &[u8]) -> usize {
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

// What each of these answers is its own business: that it answers is ours.

async fn sagas(store: &Store) {
    let sagas = Sagas::of(store);
    let _ = sagas.list(|_| true).await;
    if let Ok(saga) = SagaId::new(SAGA, ID) {
        let _ = sagas.show(&saga).await;
    }
    if let Ok(orchestrator) = orchestrator(store).await {
        let _ = tokio::time::timeout(Duration::from_millis(5), orchestrator.run(SAGA, ID, &())).await;
        orchestrator.close().await;
    }
}

async fn orchestrator(store: &Store) -> Result<SagaOrchestrator, allframe_cqrs::saga::SagaError> {
    let step = |context: StepContext<()>| async move {
        match context.attempt() {
            1 => Ok(1_u32),
            _ => Err(StepError::rejected("no")),
        }
    };
    let definition = SagaDefinition::<()>::new(SAGA)
        .then(SagaStep::new("a", step).compensate(|_, _| async { Ok(()) }))
        .then(SagaStep::new("b", |_: StepContext<()>| async { Err::<(), _>(StepError::rejected("no")) }));
    SagaOrchestrator::builder(store).with_worker_name("w").saga(definition).open().await
}

async fn group(store: &Store) {
    let group = store.consumer_group(GROUP).with_filter(EventFilter::stream_prefix("account-")).open().await;
    if let Ok(group) = group {
        let _ = (group.status().await, group.parked().await, group.replay_parked("account-1").await);
    }
}

async fn key(store: &Store) {
    let bus = CommandBus::builder(store.clone())
        .function(|command: Pay| async move { vec![Paid { amount: command.amount }] })
        .build();
    if let Ok(bus) = bus {
        let _ = bus.dispatch_idempotent(Pay { amount: 1 }, KEY).await;
    }
}

async fn schemas(store: &Store) {
    let registry = store.schema_registry();
    let _ = (registry.list().await, registry.latest("Paid").await, registry.compatibility("Paid").await);
    let _ = registry
        .register(<Paid as allframe_cqrs::schema::EventSchemas>::schemas(), CompatibilityMode::Full)
        .await;
}

async fn copy(store: &Store) {
    let source = Store::new();
    let _ = source.append("account-1", vec![Paid { amount: 1 }]).await;
    let copy = StoreCopy::new(COPY).from(source.backend()).to(store.backend());
    let _ = (copy.run().await.is_ok(), copy.verify().await.is_ok());
    // And as what is copied: keys and schemas are looked into.
    let target = InMemoryBackend::new();
    let _ = StoreCopy::new(COPY).from(store.backend()).to(&target).run().await.is_ok();
}

async fn projection(store: &Store) {
    let registry = ProjectionRegistry::new(store.clone());
    if registry.add(Registration::stored(PROJECTION, 1, Total::default)).await.is_ok() {
        let _ = registry.wait_until_caught_up(Duration::from_millis(5)).await;
    }
    let _ = registry.close().await;
}

async fn aggregate(store: &Store) {
    let totals = Repository::<Total, _>::new(store.clone()).with_snapshots(SnapshotPolicy::default());
    let _ = totals.load("account-1").await;
    let _ = store.get_all_events().await;
}

/// What the toolkit itself leaves behind when all of these have run once.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return Vec::new();
    };
    runtime.block_on(async {
        let store = Store::new();
        sagas(&store).await;
        group(&store).await;
        key(&store).await;
        schemas(&store).await;
        projection(&store).await;
        aggregate(&store).await;
        let streams = of_streams(&store).await;
        let mut seeds: Vec<(&'static str, Vec<u8>)> =
            vec![("everything", streams.values().flatten().copied().collect())];
        let kinds = [
            ("saga", "saga-"),
            ("workers", "$saga-"),
            ("group", "$group-"),
            ("key", "$command-"),
            ("schema", "$schema-"),
        ];
        for (name, prefix) in kinds {
            let of_kind = streams.iter().filter(|(stream, _)| stream.as_str().starts_with(prefix));
            seeds.push((name, of_kind.flat_map(|(_, records)| records.clone()).collect()));
        }
        seeds.push(("snapshots", snapshots(&store).await));
        seeds.push(("copy", copied().await));
        seeds
    })
}

/// All that is stored, by its stream.
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

async fn snapshots(store: &Store) -> Vec<u8> {
    let mut records = Vec::new();
    for name in ["$saga-index", "$projection-p-v1", "$projection-p-v1/a/0", "$group-g/parked-0", "account-1"]
    {
        let Ok(stream) = StreamId::new(name) else { continue };
        let found = store.backend().get_latest_snapshot(&stream).await.ok().flatten();
        let kept = found
            .as_ref()
            .map(|it| (it.version.get(), it.state_type.as_str(), it.encoding, it.payload.to_vec()));
        let (version, state_type, encoding, payload) =
            kept.unwrap_or((1, "Total", Encoding::JSON, b"{\"amount\":1}".to_vec()));
        records.extend(record(Some(version), name, state_type, encoding, &payload));
    }
    records
}

async fn copied() -> Vec<u8> {
    let (source, target) = (Store::new(), Store::new());
    key(&source).await;
    let _ = StoreCopy::new(COPY).from(source.backend()).to(target.backend()).run().await;
    let all =
        target.backend().read_all(&ReadAll::forward()).await.map(|page| page.events).unwrap_or_default();
    all.iter()
        .flat_map(|it| record(None, it.stream.as_str(), it.event_type.as_str(), it.encoding, &it.payload))
        .collect()
}

fn record(version: Option<u64>, stream: &str, name: &str, encoding: Encoding, payload: &[u8]) -> Vec<u8> {
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
