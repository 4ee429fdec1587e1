//! What the toolkit keeps in a store for itself, as a fuzzer would have it.

use std::time::Duration;

use allframe_cqrs::{
    CommandBus, EventFilter, EventStoreBackend, InMemoryBackend, ProjectionRegistry, Registration,
    Repository, SnapshotPolicy, StoredProjections, StreamId,
    consumer_group::ConsumerGroups,
    copy::StoreCopy,
    saga::{SagaDefinition, SagaId, SagaOrchestrator, SagaStep, Sagas, StepContext, StepError},
    schema::CompatibilityMode,
};
use eventstore_api::{Encoding, ReadAll};

use crate::{
    store::{Paid, Pay, Store, Total, of_streams, record, with_filled, with_new, within},
    target::{Finding, Outcome},
};

const SAGA: &str = "s";
const ID: &str = "1";
const GROUP: &str = "g";
const KEY: &str = "k";
const COPY: &str = "c";
const PROJECTION: &str = "p";

/// The input: records.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    with_filled(data, async |store: &Store, stored: usize| -> Result<Outcome, Finding> {
        within("sagas", sagas(store)).await?;
        within("the consumer group", group(store)).await?;
        within("the groups", groups(store)).await?;
        within("the key", key(store)).await?;
        within("the schemas", schemas(store)).await?;
        within("the copy", copy(store)).await?;
        within("the projection", projection(store)).await?;
        within("the states of projections", states(store)).await?;
        within("the aggregate", aggregate(store)).await?;
        Ok(if stored > 0 { Outcome::Read } else { Outcome::Refused })
    })
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

/// Those that are looked into: of each, a store may hold a thousand partitions.
const MOST_GROUPS: usize = 16;

/// As the tool lists them: one that cannot be read hides no other.
async fn groups(store: &Store) {
    let groups = ConsumerGroups::of(store);
    for name in groups.names().await.unwrap_or_default().iter().take(MOST_GROUPS) {
        let _ = (groups.named(name).await, groups.parked(name).await);
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

/// As the tool lists them.
async fn states(store: &Store) {
    let states = StoredProjections::of(store);
    let _ = (states.list().await, states.named(PROJECTION).await, states.version(PROJECTION, 1).await);
}

async fn aggregate(store: &Store) {
    let totals = Repository::<Total, _>::new(store.clone()).with_snapshots(SnapshotPolicy::default());
    let _ = totals.load("account-1").await;
    let _ = store.get_all_events().await;
}

/// What the toolkit itself leaves behind when all of these have run once.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    with_new(async |store: &Store| {
        sagas(store).await;
        group(store).await;
        key(store).await;
        schemas(store).await;
        projection(store).await;
        aggregate(store).await;
        let streams = of_streams(store).await;
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
        seeds.push(("snapshots", snapshots(store).await));
        seeds.push(("copy", copied().await));
        seeds
    })
}

async fn snapshots(store: &Store) -> Vec<u8> {
    let mut records = Vec::new();
    let names = [
        "$projection-$sagas-v1",
        "$projection-p-v1",
        "$projection-p-v1/a/0",
        "$projection-effects-p",
        "$group-g/parked-0",
        "account-1",
    ];
    for name in names {
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
