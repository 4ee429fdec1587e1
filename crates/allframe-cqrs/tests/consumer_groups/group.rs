//! What one group does from its first event to a second member.

use std::time::Duration;

use allframe_cqrs::{
    EventStore, InMemoryBackend,
    consumer_group::{Consumer, ConsumerGroup, GroupError, ParkedCause, ParkedEvent, RetryPolicy},
    event,
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counted(u64);

type Store = EventStore<Counted>;
type Group = ConsumerGroup<Counted, InMemoryBackend>;

async fn group_of(store: &Store) -> Group {
    let retry = RetryPolicy::new(2).with_backoff(Duration::from_millis(10), Duration::from_millis(10));
    store.consumer_group("counters").with_retry(retry).open().await.unwrap()
}

/// The next number, acknowledged. In paused time, an hour passes only where nothing else can happen.
async fn handle(consumer: &mut Consumer<Counted, InMemoryBackend>) -> u64 {
    let delivery = timeout(Duration::from_secs(3_600), consumer.next()).await.unwrap().unwrap();
    let number = delivery.event().event.0;
    delivery.ack();
    number
}

async fn fail(consumer: &mut Consumer<Counted, InMemoryBackend>, attempts: u32) {
    for attempt in 1..=attempts {
        let delivery = timeout(Duration::from_secs(3_600), consumer.next()).await.unwrap().unwrap();
        assert_eq!(delivery.attempt(), attempt);
        delivery.nack("no");
    }
}

/// What is parked, once it is so many events.
async fn parked(group: &Group, events: usize) -> Vec<ParkedEvent> {
    let looking = async {
        loop {
            let parked = group.parked().await.unwrap();
            if parked.len() >= events {
                return parked;
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(3_600), looking).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_after_a_closed_one_goes_on_behind_what_was_acknowledged() {
    let store = Store::new();
    store.append("a", (1..=4).map(Counted).collect()).await.unwrap();
    let group = group_of(&store).await;
    let mut first = group.join().unwrap();
    assert_eq!((handle(&mut first).await, handle(&mut first).await), (1, 2));
    first.close().await.unwrap();
    let mut second = group.join().unwrap();
    assert_eq!((handle(&mut second).await, handle(&mut second).await), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn a_member_takes_over_from_one_that_died_and_handles_again_what_was_not_in_a_checkpoint() {
    let store = Store::new();
    store.append("a", (1..=2).map(Counted).collect()).await.unwrap();
    let group = group_of(&store).await;
    let mut first = group.join().unwrap();
    assert_eq!(handle(&mut first).await, 1);
    drop(first);
    let mut second = group.join().unwrap();
    assert_eq!((handle(&mut second).await, handle(&mut second).await), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_is_parked_with_those_behind_it_and_a_replay_keeps_their_order() {
    let store = Store::new();
    store.append("a", (1..=3).map(Counted).collect()).await.unwrap();
    let group = group_of(&store).await;
    let mut consumer = group.join().unwrap();
    fail(&mut consumer, 2).await;
    let causes: Vec<_> = parked(&group, 3).await.iter().map(|parked| parked.cause).collect();
    assert_eq!(causes, [ParkedCause::Failed, ParkedCause::Behind, ParkedCause::Behind]);

    store.append("b", vec![Counted(9)]).await.unwrap();
    assert_eq!(handle(&mut consumer).await, 9, "other keys go on");
    group.replay_parked("a").await.unwrap();
    for number in 1..=3 {
        assert_eq!(handle(&mut consumer).await, number);
    }
    consumer.close().await.unwrap();
    assert!(group.parked().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_comes_to_a_key_after_it_was_parked_is_parked_behind_it_also_by_another_member() {
    let store = Store::new();
    store.append("a", vec![Counted(1)]).await.unwrap();
    let group = group_of(&store).await;
    let mut first = group.join().unwrap();
    fail(&mut first, 2).await;
    parked(&group, 1).await;

    store.append("a", vec![Counted(2)]).await.unwrap();
    store.append("b", vec![Counted(9)]).await.unwrap();
    assert_eq!(handle(&mut first).await, 9, "the later event of the key is not handed out");
    parked(&group, 2).await;
    first.close().await.unwrap();

    let mut second = group.join().unwrap();
    store.append("a", vec![Counted(3)]).await.unwrap();
    store.append("b", vec![Counted(10)]).await.unwrap();
    assert_eq!(handle(&mut second).await, 10);
    let causes: Vec<_> = parked(&group, 3).await.iter().map(|parked| parked.cause).collect();
    assert_eq!(causes, [ParkedCause::Failed, ParkedCause::Behind, ParkedCause::Behind]);

    group.replay_parked("a").await.unwrap();
    for number in 1..=3 {
        assert_eq!(handle(&mut second).await, number);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_behind_a_discarded_event_stays_parked_until_it_is_replayed() {
    let store = Store::new();
    store.append("a", (1..=2).map(Counted).collect()).await.unwrap();
    let group = group_of(&store).await;
    let mut consumer = group.join().unwrap();
    fail(&mut consumer, 2).await;
    let first = parked(&group, 2).await.remove(0).position;
    group.discard_parked(first).await.unwrap();
    assert_eq!(group.parked().await.unwrap().len(), 1);
    assert!(timeout(Duration::from_secs(120), consumer.next()).await.is_err());
    group.replay_parked("a").await.unwrap();
    assert_eq!(handle(&mut consumer).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_gets_half_of_the_partitions() {
    let store = Store::new();
    let group = group_of(&store).await;
    let mut first = group.join().unwrap();
    let mut second = group.join().unwrap();
    let ids = [first.id().clone(), second.id().clone()];
    let shares = |statuses: Vec<allframe_cqrs::consumer_group::PartitionStatus>| {
        ids.clone().map(|id| statuses.iter().filter(|status| status.holder.as_ref() == Some(&id)).count())
    };
    for _ in 0..100 {
        // Nothing comes: each call lets a part of the time pass.
        assert!(timeout(Duration::from_secs(1), first.next()).await.is_err());
        assert!(timeout(Duration::from_secs(1), second.next()).await.is_err());
    }
    assert_eq!(shares(group.status().await.unwrap()), [4, 4]);
}

#[tokio::test]
async fn a_group_keeps_its_number_of_partitions() {
    let store = Store::new();
    group_of(&store).await;
    let error = store.consumer_group("counters").with_partitions(4).open().await.unwrap_err();
    assert!(matches!(error, GroupError::PartitionsDiffer { stored: 8, asked: 4, .. }), "{error:?}");
}
