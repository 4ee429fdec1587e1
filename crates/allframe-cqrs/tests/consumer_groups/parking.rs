//! Events that are parked: why, in what order, and what those who ask at the same time come to.

use std::time::Duration;

use allframe_cqrs::{
    EventStore, EventStoreBackend, ExpectedVersion, StreamId,
    api::{Encoding, EventType, NewEvent},
    consumer_group::{Consumer, ConsumerGroup, GroupError, ParkedCause},
    event,
};
use eventstore_conformance::intercept::Intercepted;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::way::Way;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Paid {
    amount: u64,
}

const LONG: Duration = Duration::from_secs(3_600);

async fn group_of<B: EventStoreBackend>(store: &EventStore<Paid, B>) -> ConsumerGroup<Paid, B> {
    let group = store.consumer_group("payments").with_partitions(1).with_max_attempts(1);
    group.with_checkpoint_every(1, Duration::ZERO).open().await.unwrap()
}

/// The amounts that come until nothing does, each acknowledged.
async fn handled<B: EventStoreBackend>(consumer: &mut Consumer<Paid, B>) -> Vec<u64> {
    let mut amounts = Vec::new();
    while let Ok(delivery) = timeout(LONG, consumer.next()).await {
        let delivery = delivery.unwrap();
        amounts.push(delivery.event().event.amount);
        delivery.ack();
    }
    amounts
}

async fn pay<B: EventStoreBackend>(
    store: &EventStore<Paid, B>,
    stream: &str,
    amounts: impl IntoIterator<Item = u64>,
) {
    store.append(stream, amounts.into_iter().map(|amount| Paid { amount }).collect()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_is_parked_undelivered_and_tells_why() {
    let store = EventStore::<Paid>::new();
    pay(&store, "a", [1]).await;
    let stream = StreamId::new("a").unwrap();
    let garbage = NewEvent::new(EventType::new("Paid").unwrap(), r#"{"amount":"much"}"#);
    let garbage = garbage.with_encoding(Encoding::JSON);
    store.backend().append(&stream, ExpectedVersion::Any, vec![garbage]).await.unwrap();
    pay(&store, "a", [2]).await;
    pay(&store, "b", [3]).await;
    let group = group_of(&store).await;
    let mut consumer = group.join().unwrap();
    let mut amounts = handled(&mut consumer).await;
    amounts.sort_unstable();
    assert_eq!(amounts, [1, 3]);

    let parked = group.parked().await.unwrap();
    assert_eq!(
        parked.iter().map(|it| it.cause).collect::<Vec<_>>(),
        [ParkedCause::Undecodable, ParkedCause::Behind]
    );
    assert_eq!((parked[0].key.as_str(), parked[0].attempts, parked[0].version.get()), ("a", 0, 2));
    assert!(parked[0].reason.contains("much"), "{}", parked[0].reason);
    let record = group.parked_record(&parked[0]).await.unwrap().unwrap();
    assert_eq!(&record.payload[..], br#"{"amount":"much"}"#);

    // A replay comes to the same, and what is behind waits on, until somebody gives the event up.
    group.replay_parked("a").await.unwrap();
    assert!(handled(&mut consumer).await.is_empty());
    group.discard_parked(parked[0].position).await.unwrap();
    group.replay_parked("a").await.unwrap();
    assert_eq!(handled(&mut consumer).await, [2]);
    assert_eq!(group.parked().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_what_is_not_parked_is_told() {
    let store = EventStore::<Paid>::new();
    pay(&store, "a", [1]).await;
    let group = group_of(&store).await;
    let position = store.backend().head().await.unwrap();
    let refused = group.replay_parked("a").await.unwrap_err();
    assert!(matches!(&refused, GroupError::KeyNotParked { key } if key == "a"), "{refused:?}");
    let refused = group.discard_parked(position).await.unwrap_err();
    assert!(matches!(refused, GroupError::EventNotParked { position: at } if at == position), "{refused:?}");
}

/// Two operators whose requests to replay meet, so that both stand in the store.
#[tokio::test(start_paused = true)]
async fn a_replay_that_two_have_asked_for_does_not_take_in_what_is_parked_after_it() {
    let store = EventStore::<Paid>::new();
    pay(&store, "a", [1]).await;
    let group = store.consumer_group("payments").with_partitions(1).with_max_attempts(1);
    let group = group.with_checkpoint_every(1_000, Duration::from_secs(2)).open().await.unwrap();
    let mut consumer = group.join().unwrap();
    timeout(LONG, consumer.next()).await.unwrap().unwrap().nack("no money");
    assert!(timeout(LONG, consumer.next()).await.is_err());
    group.replay_parked("a").await.unwrap();
    let replayed = timeout(LONG, consumer.next()).await.unwrap().unwrap();
    // The other one, who had looked before the first had asked.
    let requests = StreamId::new("$group-payments/parked-0").unwrap();
    let request = store.backend().get_events(&requests).await.unwrap().pop().unwrap();
    let again = NewEvent::new(request.event_type, request.payload)
        .with_encoding(request.encoding)
        .with_schema_version(request.schema_version);
    store.backend().append(&requests, ExpectedVersion::Any, vec![again]).await.unwrap();
    // Done, and the next one fails, before the member writes or reads any of that.
    replayed.ack();
    assert!(timeout(Duration::from_millis(1), consumer.next()).await.is_err());
    pay(&store, "a", [2]).await;
    timeout(Duration::from_millis(1), consumer.next()).await.unwrap().unwrap().nack("no money either");
    assert!(handled(&mut consumer).await.is_empty());
    let parked = group.parked().await.unwrap();
    assert_eq!(parked.iter().map(|it| it.is_replaying).collect::<Vec<_>>(), [false]);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_parked_events_are_kept_in_few_snapshots_and_come_again_in_order() {
    let way = Way::default();
    let store = EventStore::with_backend(Intercepted(way.clone()));
    for hundreds in 0..20 {
        pay(&store, "a", hundreds * 100..(hundreds + 1) * 100).await;
    }
    let group = group_of(&store).await;
    let mut consumer = group.join().unwrap();
    timeout(LONG, consumer.next()).await.unwrap().unwrap().nack("no money");
    assert!(handled(&mut consumer).await.is_empty());
    assert_eq!(group.parked().await.unwrap().len(), 2_000);
    assert!((1..=8).contains(&way.snapshots()), "{} snapshots of 2000 events", way.snapshots());

    consumer.close().await.unwrap();
    let mut other = group.join().unwrap();
    group.replay_parked("a").await.unwrap();
    assert_eq!(handled(&mut other).await, (0..2_000).collect::<Vec<_>>());
    assert_eq!(group.parked().await.unwrap(), []);
}
