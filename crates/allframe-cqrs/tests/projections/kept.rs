//! States that are kept in the store with their positions.

use std::{collections::BTreeMap, sync::Arc};

use allframe_cqrs::{
    CheckpointPolicy, EventId, EventStore, EventStoreBackend, FaultPolicy, GlobalPosition, InMemoryBackend,
    Projection, ProjectionRegistry, ProjectionState, Registration, StoredProjections, StreamId,
    api::{EventType, Snapshot, Version},
};
use eventstore_wal::{WalBackend, WalReader};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::{Balances, Entry, Fragile, SOON, append, deposit, fill},
    support::{Watched, until},
};

fn balances() -> Registration<Balances> {
    Registration::stored("balances", 1, Balances::default)
}

async fn registry_of(backend: &InMemoryBackend) -> (EventStore<Entry>, ProjectionRegistry<Entry>) {
    let store = EventStore::with_backend(backend.clone());
    (store.clone(), ProjectionRegistry::new(store))
}

#[tokio::test]
async fn after_a_restart_a_projection_goes_on_where_it_was_closed() {
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    let mut expected = fill(&store, 1_000).await;
    registry.add(balances()).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();
    deposit(&store, "account-0", 5).await;
    *expected.accounts.get_mut("account-0").unwrap() += 5;
    expected.events += 1;

    let (_, registry) = registry_of(&backend).await;
    registry.add(balances()).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
    assert_eq!(registry.status_of("balances").await.unwrap().events_applied, 1);
}

#[tokio::test]
async fn after_a_crash_what_was_not_stored_is_applied_again_to_what_was() {
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    registry
        .add(balances().with_checkpoints(CheckpointPolicy::default().with_events(u64::MAX)))
        .await
        .unwrap();
    for amount in 1..=10 {
        deposit(&store, "account-1", amount).await;
    }
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.save().await.unwrap();
    for amount in 11..=20 {
        deposit(&store, "account-1", amount).await;
    }
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.status_of("balances").await.unwrap().stored, Some(GlobalPosition::new(10)));

    // The first goes on: as after a crash, nothing it has is stored any further.
    let (_, second) = registry_of(&backend).await;
    second.add(balances()).await.unwrap();
    second.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(second.get::<Balances>().await.unwrap().accounts["account-1"], 210);
    assert_eq!(second.status_of("balances").await.unwrap().events_applied, 10);
}

#[tokio::test]
async fn a_state_is_stored_by_itself_when_its_time_has_come() {
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    let often = CheckpointPolicy::default().with_interval(std::time::Duration::ZERO);
    registry.add(balances().with_checkpoints(often)).await.unwrap();
    let position = deposit(&store, "account-1", 1).await;
    let kept = StreamId::new("$projection-balances-v1").unwrap();
    registry.wait_until(position, SOON).await.unwrap();
    until(|| {
        let kept = futures_util::FutureExt::now_or_never(backend.get_latest_snapshot(&kept));
        kept.unwrap().unwrap().is_some_and(|kept| kept.version == Version::new(position.get()))
    })
    .await;
}

#[tokio::test]
async fn a_state_larger_than_a_snapshot_is_kept_in_parts_and_found_again() {
    #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
    struct Large {
        texts: BTreeMap<u64, String>,
    }
    impl Projection for Large {
        type Event = Entry;
        fn apply(&mut self, event: &Entry) {
            if let Entry::Deposited { amount } = event {
                self.texts.insert(*amount, "x".repeat(3 << 20));
            }
        }
    }
    let large = || Registration::stored("large", 1, Large::default);

    let backend = InMemoryBackend::new();
    for amount in 1..=7 {
        let (store, registry) = registry_of(&backend).await;
        registry.add(large()).await.unwrap();
        assert_eq!(registry.get::<Large>().await.unwrap().texts.len(), amount - 1);
        deposit(&store, "account-1", amount as u64).await;
        registry.wait_until_caught_up(SOON).await.unwrap();
        registry.close().await.unwrap();
        assert_eq!(registry.status_of("large").await.unwrap().events_applied, 1);
    }
}

#[tokio::test]
async fn a_state_of_which_a_part_is_missing_is_not_used_and_built_again() {
    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Large {
        text: String,
    }
    impl Projection for Large {
        type Event = Entry;
        fn apply(&mut self, _event: &Entry) {
            self.text.push_str(&"x".repeat(9 << 20));
        }
    }
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    registry.add(Registration::stored("large", 1, Large::default)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();
    // As when somebody has written there: it is of another position.
    let part = StreamId::new("$projection-large-v1/a/1").unwrap();
    let foreign = Snapshot::new(part, Version::new(9), EventType::new("foreign").unwrap(), "");
    backend.save_snapshot(foreign).await.unwrap();

    let (_, registry) = registry_of(&backend).await;
    registry.add(Registration::stored("large", 1, Large::default)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Large>().await.unwrap().text.len(), 9 << 20);
    assert_eq!(registry.status_of("large").await.unwrap().events_applied, 1);
}

#[tokio::test]
async fn parts_of_two_states_of_one_position_are_never_put_together() {
    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Large {
        text: String,
    }
    impl Projection for Large {
        type Event = Entry;
        fn apply(&mut self, _event: &Entry) {
            self.text.push_str(&"x".repeat(9 << 20));
        }
    }
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    registry.add(Registration::stored("large", 1, Large::default)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();
    // As when another process that runs it too has come as far, and died while it wrote its own.
    let part = StreamId::new("$projection-large-v1/a/0").unwrap();
    let kept = backend.get_latest_snapshot(&part).await.unwrap().unwrap();
    let mut text = kept.payload.to_vec();
    text[1_000..].fill(b'y');
    let other_type = EventType::new(format!("$projection-part-{}", EventId::generate())).unwrap();
    let other = Snapshot::new(part, kept.version, other_type, text).with_encoding(kept.encoding);
    backend.save_snapshot(other).await.unwrap();

    let (_, registry) = registry_of(&backend).await;
    registry.add(Registration::stored("large", 1, Large::default)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert!(registry.get::<Large>().await.unwrap().text.chars().all(|letter| letter == 'x'));
}

#[tokio::test]
async fn a_state_ahead_of_its_store_is_of_events_that_never_happened_and_not_used() {
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    registry.add(balances()).await.unwrap();
    fill(&store, 100).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();
    let kept = StreamId::new("$projection-balances-v1").unwrap();
    let snapshot = backend.get_latest_snapshot(&kept).await.unwrap().unwrap();

    // A store restored from a backup that is older than its snapshots.
    let restored = InMemoryBackend::new();
    restored.save_snapshot(snapshot).await.unwrap();
    let (store, registry) = registry_of(&restored).await;
    deposit(&store, "account-1", 1).await;
    registry.add(balances()).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Balances>().await.unwrap().events, 1);
}

#[tokio::test]
async fn another_version_is_built_from_the_first_event_while_the_old_state_serves() {
    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Cents {
        accounts: BTreeMap<String, i64>,
        events: u64,
    }
    impl Projection for Cents {
        type Event = Entry;
        fn apply(&mut self, _event: &Entry) {
            self.events += 100;
        }
    }

    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    registry.add(balances()).await.unwrap();
    fill(&store, 3_000).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();

    let (_, registry) = registry_of(&backend).await;
    registry.add(Registration::stored("balances", 2, Cents::default)).await.unwrap();
    let first = registry.get::<Cents>().await.unwrap();
    assert_eq!((first.events, first.is_outdated()), (3_000, true));
    assert_eq!(registry.status_of("balances").await.unwrap().state, ProjectionState::Replacing);
    drop(first);
    registry.wait_until_caught_up(SOON).await.unwrap();
    let view = registry.get::<Cents>().await.unwrap();
    assert_eq!((view.events, view.is_outdated()), (300_000, false));
}

#[tokio::test]
async fn another_version_whose_state_is_another_begins_with_nothing() {
    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Count {
        deposits: u64,
    }
    impl Projection for Count {
        type Event = Entry;
        fn apply(&mut self, event: &Entry) {
            self.deposits += u64::from(matches!(event, Entry::Deposited { .. }));
        }
    }
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    registry.add(balances()).await.unwrap();
    deposit(&store, "account-1", 1).await;
    append(&store, "account-1", Entry::Withdrawn { amount: 1 }).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();

    let (_, registry) = registry_of(&backend).await;
    registry.add(Registration::stored("balances", 2, Count::default)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Count>().await.unwrap().deposits, 1);
}

#[tokio::test]
async fn where_a_state_cannot_be_stored_the_projection_goes_on_and_says_so() {
    let store = EventStore::<Entry, _>::with_backend(Arc::new(Watched::without_room_for_snapshots()));
    let registry = ProjectionRegistry::new(store.clone());
    let error = registry.add(balances()).await.unwrap_err();
    assert!(matches!(error, allframe_cqrs::ProjectionError::Store { .. }), "{error:?}");
}

#[tokio::test]
async fn the_status_of_a_projection_that_was_found_tells_how_far_it_is_stored() {
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    registry.add(balances()).await.unwrap();
    let position = deposit(&store, "account-1", 1).await;
    registry.wait_until(position, SOON).await.unwrap();
    registry.close().await.unwrap();

    let (_, registry) = registry_of(&backend).await;
    registry.add(balances()).await.unwrap();
    assert_eq!(registry.status_of("balances").await.unwrap().stored, Some(position));
}

#[tokio::test]
async fn on_a_store_opened_to_look_nothing_is_said_to_be_stored_and_what_was_skipped_stays_so() {
    let directory = tempfile::tempdir().unwrap();
    let store = EventStore::with_backend(WalBackend::production(directory.path()).unwrap());
    let reader = EventStore::with_backend(WalReader::open(directory.path()).unwrap());
    let registry = ProjectionRegistry::new(reader);
    let skipping = Registration::stored("fragile", 1, Fragile::default);
    registry.add(skipping.with_faults(FaultPolicy::skip().with_attempts(1))).await.unwrap();

    for _ in 0..2 {
        deposit(&store, "account-1", 1).await;
        append(&store, "account-1", Entry::Cursed).await;
        let position = deposit(&store, "account-1", 1).await;
        registry.wait_until(position, SOON).await.unwrap();
        registry.save().await.unwrap();
    }
    let status = registry.status_of("fragile").await.unwrap();
    assert_eq!((status.stored, status.events_skipped), (None, 2));
    assert_eq!(registry.get::<Fragile>().await.unwrap().seen, [1, 3, 4, 6]);
}

#[tokio::test]
async fn dropping_the_registry_stores_what_it_has() {
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    registry.add(balances()).await.unwrap();
    deposit(&store, "account-1", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    drop(registry);
    let kept = StreamId::new("$projection-balances-v1").unwrap();
    until(|| {
        let kept = futures_util::FutureExt::now_or_never(backend.get_latest_snapshot(&kept));
        kept.unwrap().unwrap().is_some_and(|kept| kept.version == Version::new(1))
    })
    .await;
}

#[tokio::test]
async fn how_far_a_projection_is_can_be_told_without_its_types() {
    let backend = InMemoryBackend::new();
    let (store, registry) = registry_of(&backend).await;
    fill(&store, 100).await;
    registry.add(balances()).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();

    let stored = StoredProjections::of(&store);
    let found = stored.named("balances").await.unwrap();
    let head = backend.head().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].version, found[0].position, found[0].effects), (1, head, Some(head)));
    let snapshot =
        backend.get_latest_snapshot(&StreamId::new("$projection-balances-v1").unwrap()).await.unwrap();
    let snapshot = snapshot.unwrap();
    assert_eq!(found[0].bytes, Some(snapshot.payload.len()));
    assert_eq!(StoredProjections::of_stream(&snapshot.stream), Some(("balances", 1)));
    assert_eq!(stored.version("balances", 2).await.unwrap(), None);
    assert!(stored.named("nobody").await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_looks_finds_every_projection_by_itself_and_no_other_snapshot() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Entry, _>::with_backend(backend.clone());
    deposit(&store, "ann", 1).await;
    let kept = [("balances", 2), ("balances", 120), ("Other", 1), ("balances-v3", 4)];
    for (name, version) in kept {
        let (_, registry) = registry_of(&backend).await;
        registry.add(Registration::stored(name, version, Balances::default)).await.unwrap();
        registry.close().await.unwrap();
    }
    // The second has a name under which no state can be kept, since its parts would have longer ones.
    for other in ["$projection-nothing".to_owned(), format!("$projection-{}-v1", "x".repeat(497))] {
        let other = StreamId::new(other).unwrap();
        let snapshot = Snapshot::new(other, Version::new(1), EventType::new("State").unwrap(), "1");
        backend.save_snapshot(snapshot).await.unwrap();
    }

    let stored = StoredProjections::of(&store);
    let listed = |found: Vec<allframe_cqrs::StoredProjection>| -> Vec<(String, u32)> {
        found.into_iter().map(|projection| (projection.name, projection.version)).collect()
    };
    let all = listed(stored.list().await.unwrap());
    let named = |(name, version): (&str, u32)| (name.to_owned(), version);
    assert_eq!(all, [("Other", 1), ("balances", 2), ("balances", 120), ("balances-v3", 4)].map(named));
    let versions = listed(stored.named("balances").await.unwrap());
    assert_eq!(versions, [("balances", 2), ("balances", 120)].map(named));
}
