//! Events that are parked: why, in what order, and what those who ask at the same time come to.

use std::time::Duration;

use allframe_cqrs::{
    EventStore, EventStoreBackend, ExpectedVersion, InMemoryBackend, StreamId,
    api::{Encoding, EventType, NewEvent},
    consumer_group::{Consumer, ConsumerGroup, GroupError, Lag, ParkedCause},
    event,
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Paid {
    amount: u64,
}

type Group = ConsumerGroup<Paid, InMemoryBackend>;

const LONG: Duration = Duration::from_secs(3_600);

async fn group_of(store: &EventStore<Paid>) -> Group {
    let group = store.consumer_group("payments").with_partitions(1).with_max_attempts(1);
    group.with_checkpoint_every(1, Duration::ZERO).open().await.unwrap()
}

/// The amounts that come until nothing does, each acknowledged.
async fn handled(consumer: &mut Consumer<Paid, InMemoryBackend>) -> Vec<u64> {
    let mut amounts = Vec::new();
    while let Ok(delivery) = timeout(LONG, consumer.next()).await {
        let delivery = delivery.unwrap();
        amounts.push(delivery.event().event.amount);
        delivery.ack();
    }
    amounts
}

async fn pay(store: &EventStore<Paid>, stream: &str, amounts: impl IntoIterator<Item = u64>) {
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
    let group = group_of(&store).await;
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
    // Done, and the next one fails, before the member has read any of that.
    pay(&store, "a", [2]).await;
    replayed.ack();
    let next = timeout(Duration::from_millis(1), consumer.next()).await;
    if let Ok(next) = next {
        next.unwrap().nack("no money either");
    }
    assert!(handled(&mut consumer).await.is_empty());
    let parked = group.parked().await.unwrap();
    assert_eq!(parked.iter().map(|it| it.is_replaying).collect::<Vec<_>>(), [false]);
}

#[tokio::test(start_paused = true)]
async fn a_lag_is_counted_to_the_end_where_that_is_near_and_otherwise_says_so() {
    let store = EventStore::<Paid>::new();
    // More than is looked at once lies before the only event of the other partition.
    for _ in 0..21 {
        pay(&store, "order-1", 0..1_000).await;
    }
    pay(&store, "order-2", [7]).await;
    let group = store.consumer_group("lags").with_partitions(8).open().await.unwrap();
    let mut lags: Vec<_> = group.status().await.unwrap().into_iter().map(|status| status.lag).collect();
    lags.sort_by_key(|lag| match lag {
        Lag::Exactly(events) => *events,
        _ => u64::MAX,
    });
    assert_eq!(lags[..7], [[Lag::Exactly(0); 6].as_slice(), &[Lag::Exactly(1)]].concat());
    assert!(matches!(lags[7], Lag::AtLeast(events) if events.get() >= 10_000), "{:?}", lags[7]);

    for _ in 0..20 {
        pay(&store, "order-1", 0..1_000).await;
    }
    let lags: Vec<_> = group.status().await.unwrap().into_iter().map(|status| status.lag).collect();
    assert_eq!(lags.iter().filter(|lag| **lag == Lag::Unknown).count(), 6, "{lags:?}");
}
