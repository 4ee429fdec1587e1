//! What the settings of a group bound, choose and delay.

use std::time::Duration;

use allframe_cqrs::{
    Draft, EventFilter, EventStore, EventStoreBackend, ExpectedVersion, InMemoryBackend, StreamId, Tag, Tags,
    api::{Encoding, EventType, NewEvent},
    consumer_group::{Consumer, ConsumerGroupBuilder, Delivery, GroupError, Lag, ParkedCause, RetryPolicy},
    event,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Order {
    Placed(u64),
    Shipped(u64),
}

use Order::{Placed, Shipped};

type Store = EventStore<Order>;
type Member = Consumer<Order, InMemoryBackend>;

/// In paused time, it passes only where nothing else can happen.
const LONG: Duration = Duration::from_secs(3_600);

fn group_on(store: &Store) -> ConsumerGroupBuilder<Order, InMemoryBackend> {
    store.consumer_group("orders")
}

async fn next(member: &mut Member) -> Delivery<Order> {
    timeout(LONG, member.next()).await.unwrap().unwrap()
}

/// Everything that comes without anything being settled.
async fn all_at_once(member: &mut Member) -> Vec<Delivery<Order>> {
    let mut out = Vec::new();
    while let Ok(delivery) = timeout(LONG, member.next()).await {
        out.push(delivery.unwrap());
    }
    out
}

/// The events that come, each acknowledged.
async fn handled(member: &mut Member) -> Vec<Order> {
    let mut events = Vec::new();
    while let Ok(delivery) = timeout(LONG, member.next()).await {
        let delivery = delivery.unwrap();
        events.push(delivery.event().event.clone());
        delivery.ack();
    }
    events
}

async fn place_orders(store: &Store, orders: std::ops::Range<u64>) {
    for order in orders {
        store.append(format!("order-{order}"), vec![Placed(order)]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_deliveries_are_out_than_were_asked_for() {
    let store = Store::new();
    place_orders(&store, 0..20).await;
    let group = group_on(&store).with_max_in_flight(3).open().await.unwrap();
    let mut member = group.join().unwrap();
    let mut out = all_at_once(&mut member).await;
    assert_eq!(out.len(), 3);
    let in_flight: usize = member.status().await.unwrap().iter().filter_map(|it| it.in_flight).sum();
    assert_eq!(in_flight, 3);
    out.pop().unwrap().ack();
    out.extend(all_at_once(&mut member).await);
    assert_eq!(out.len(), 3, "one more, for one that is done with");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_never_settled_holds_its_member_up_after_as_many_others_as_the_buffer_holds() {
    let store = Store::new();
    place_orders(&store, 0..20).await;
    let group = group_on(&store).with_partitions(1).with_buffer(5).open().await.unwrap();
    let mut member = group.join().unwrap();
    let first = next(&mut member).await;
    assert_eq!(first.event().event, Placed(0));
    assert_eq!(handled(&mut member).await, [1, 2, 3, 4].map(Placed));
    first.ack();
    assert_eq!(handled(&mut member).await, (5..20).map(Placed).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn events_of_one_key_come_one_at_a_time_whatever_their_streams() {
    let store = Store::new();
    place_orders(&store, 0..6).await;
    let group = group_on(&store).with_key(|order| match order.event {
        Placed(number) | Shipped(number) => format!("customer-{}", number % 2),
    });
    let mut member = group.open().await.unwrap().join().unwrap();
    let mut order = Vec::new();
    for _ in 0..3 {
        let mut out = all_at_once(&mut member).await;
        out.sort_by_key(|delivery| delivery.key().to_owned());
        assert_eq!(out.iter().map(Delivery::key).collect::<Vec<_>>(), ["customer-0", "customer-1"]);
        order.extend(out.iter().map(|delivery| delivery.event().event.clone()));
        out.into_iter().for_each(Delivery::ack);
    }
    assert_eq!(order, (0..6).map(Placed).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn only_what_passes_the_filter_comes() {
    let store = Store::new();
    let urgent = Tags::new([Tag::of("speed", "urgent").unwrap()]).unwrap();
    place_orders(&store, 0..2).await;
    store.append("order-0", vec![Shipped(0)]).await.unwrap();
    store.append("return-2", vec![Placed(2)]).await.unwrap();
    let tagged = Draft::new(Placed(3)).with_tags(urgent.clone());
    store.batch().append("order-3", ExpectedVersion::Any, [tagged]).commit().await.unwrap();
    for (name, filter, expected) in [
        ("types", EventFilter::types([EventType::new("Shipped").unwrap()]), vec![Shipped(0)]),
        ("streams", EventFilter::stream_prefix("return-"), vec![Placed(2)]),
        ("tags", EventFilter::tagged(urgent), vec![Placed(3)]),
    ] {
        let group = store.consumer_group(name).with_filter(filter).open().await.unwrap();
        let mut member = group.join().unwrap();
        assert_eq!(handled(&mut member).await, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_waits_as_the_policy_says_while_others_do_not() {
    let store = Store::new();
    place_orders(&store, 0..2).await;
    let policy = RetryPolicy::new(4).with_backoff(Duration::from_secs(1), Duration::from_secs(3));
    let group = group_on(&store).with_partitions(1).with_retry(policy).open().await.unwrap();
    let mut member = group.join().unwrap();
    next(&mut member).await.nack("not yet");
    let failed = Instant::now();
    assert_eq!(next(&mut member).await.event().event, Placed(1), "another key");
    assert_eq!(failed.elapsed(), Duration::ZERO);
    let mut failed_at = failed;
    for (attempt, wait) in [(2, 1), (3, 2), (4, 3)] {
        let delivery = loop {
            let delivery = next(&mut member).await;
            if delivery.event().event == Placed(0) {
                break delivery;
            }
            delivery.ack();
        };
        let waited = failed_at.elapsed();
        assert_eq!(
            (delivery.attempt(), waited.as_millis().div_ceil(10) / 100),
            (attempt, wait),
            "{waited:?}"
        );
        failed_at = Instant::now();
        delivery.nack("not yet");
    }
    assert!(timeout(LONG, member.next()).await.is_err());
    assert_eq!(group.parked().await.unwrap()[0].attempts, 4);
}

#[tokio::test(start_paused = true)]
async fn how_often_an_event_has_failed_is_known_to_whoever_takes_over() {
    let store = Store::new();
    place_orders(&store, 0..1).await;
    let policy = RetryPolicy::new(3).with_backoff(Duration::ZERO, Duration::ZERO);
    let group = group_on(&store).with_retry(policy).with_checkpoint_every(1_000, Duration::ZERO);
    let group = group.open().await.unwrap();
    let mut first = group.join().unwrap();
    next(&mut first).await.nack("once");
    let again = next(&mut first).await;
    // The second delivery comes of the member's next turn, and a checkpoint with the failure before it or with it.
    assert!(timeout(Duration::from_secs(1), first.next()).await.is_err());
    std::mem::forget(again);
    drop(first);
    let mut second = group.join().unwrap();
    for attempt in [2, 3] {
        let delivery = next(&mut second).await;
        assert_eq!(delivery.attempt(), attempt);
        delivery.nack(format!("attempt {attempt}"));
    }
    assert!(timeout(LONG, second.next()).await.is_err());
    let parked = group.parked().await.unwrap().remove(0);
    assert_eq!((parked.attempts, parked.reason.as_str()), (3, "attempt 3"));
}

#[tokio::test(start_paused = true)]
async fn a_key_function_that_panics_ends_its_member_with_the_event_and_the_cause() {
    let store = Store::new();
    place_orders(&store, 0..3).await;
    let group = group_on(&store).with_key(|order| match order.event {
        Placed(1) => panic!("an order without a customer"),
        _ => "customer".to_owned(),
    });
    let group = group.open().await.unwrap();
    let mut member = group.join().unwrap();
    let ended = loop {
        match timeout(LONG, member.next()).await.unwrap() {
            Ok(delivery) => delivery.ack(),
            Err(error) => break error,
        }
    };
    let GroupError::KeyPanicked { position, stream, version, source } = &ended else { panic!("{ended:?}") };
    assert_eq!((position.get(), stream.as_str(), version.get()), (2, "order-1", 1));
    assert_eq!(source.message, "an order without a customer");
    assert!(matches!(member.next().await, Err(GroupError::KeyPanicked { .. })), "and it stays so");
    assert!(matches!(group.status().await, Err(GroupError::KeyPanicked { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_wait_may_be_longer_than_any_clock_runs() {
    let store = Store::new();
    place_orders(&store, 0..3).await;
    let policy = RetryPolicy::new(2).with_backoff(Duration::MAX, Duration::MAX);
    let group =
        group_on(&store).with_partitions(1).with_retry(policy).with_checkpoint_every(2, Duration::MAX);
    let group = group.open().await.unwrap();
    let mut member = group.join().unwrap();
    next(&mut member).await.nack("never again");
    assert_eq!(handled(&mut member).await, [1, 2].map(Placed));
    let status = group.status().await.unwrap().remove(0);
    assert_eq!(status.lag, Lag::Exactly(1), "a checkpoint after two, without a time for it");
}

#[event]
#[derive(Clone, Debug, Serialize)]
struct Explosive(u64);

impl<'de> Deserialize<'de> for Explosive {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("not to be opened")
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_decoding_panics_is_parked_as_one_that_cannot_be_read() {
    let store = EventStore::<Explosive>::new();
    let closed = NewEvent::new(EventType::new("Explosive").unwrap(), "1").with_encoding(Encoding::JSON);
    let stream = StreamId::new("box").unwrap();
    store.backend().append(&stream, ExpectedVersion::Any, vec![closed]).await.unwrap();
    let group = store.consumer_group("openers").open().await.unwrap();
    let mut member = group.join().unwrap();
    assert!(timeout(LONG, member.next()).await.is_err(), "there is nothing to deliver");
    let parked = group.parked().await.unwrap();
    assert_eq!(parked[0].cause, ParkedCause::Undecodable);
    assert!(parked[0].reason.contains("not to be opened"), "{}", parked[0].reason);
}

#[tokio::test]
async fn a_setting_outside_its_range_is_refused() {
    let store = Store::new();
    for (group, about) in [
        (group_on(&store).with_partitions(0), "partitions"),
        (group_on(&store).with_partitions(1_025), "partitions"),
        (group_on(&store).with_lease(Duration::from_millis(2)), "lease"),
        (group_on(&store).with_lease(Duration::MAX), "lease"),
        (group_on(&store).with_buffer(16_385), "buffer"),
    ] {
        let refused = group.open().await.unwrap_err();
        assert!(
            matches!(&refused, GroupError::InvalidSetting { setting, .. } if setting.contains(about)),
            "{refused:?}"
        );
    }
}
