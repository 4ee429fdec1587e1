//! Members that are cut off from the store, or hear late of it.

use std::time::Duration;

use allframe_cqrs::{
    EventStore, InMemoryBackend,
    consumer_group::{ConsumerGroup, Lag},
    event,
};
use eventstore_conformance::intercept::Intercepted;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use crate::way::Way;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step(u64);

const LEASE: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(3_600);

async fn group_by(way: &Way) -> ConsumerGroup<Step, Intercepted<Way>> {
    let store = EventStore::<Step, _>::with_backend(Intercepted(way.clone()));
    store.consumer_group("steps").with_lease(LEASE).open().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_member_that_was_cut_off_has_lost_its_leases_and_what_it_says_then_counts_for_nothing() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Step, _>::with_backend(backend.clone());
    store.append("walk", (1..=3).map(Step).collect()).await.unwrap();
    let (cut_off, well) = (Way::to(&backend), Way::to(&backend));

    let mut first = group_by(&cut_off).await.join().unwrap();
    let stale = timeout(LONG, first.next()).await.unwrap().unwrap();
    assert!(stale.event().event == Step(1) && stale.is_current());
    cut_off.cut();

    let group = group_by(&well).await;
    let mut second = group.join().unwrap();
    let taken_over = timeout(LONG, second.next()).await.unwrap().unwrap();
    assert!(taken_over.event().event == Step(1) && taken_over.is_current());
    assert!(!stale.is_current(), "two hold the partition of one key");
    taken_over.ack();
    let next = timeout(LONG, second.next()).await.unwrap().unwrap();
    assert_eq!(next.event().event, Step(2));

    // The first comes back, and says that it could not handle what the other has.
    cut_off.mend();
    stale.nack("too late");
    next.ack();
    let last = timeout(LONG, second.next()).await.unwrap().unwrap();
    assert_eq!(last.event().event, Step(3));
    last.ack();
    second.close().await.unwrap();

    // Whoever comes now finds everything done, and nothing parked.
    let mut third = group.join().unwrap();
    while !group.status().await.unwrap().iter().all(|partition| partition.lag == Lag::Exactly(0)) {
        let _ = timeout(LEASE, third.next()).await.map(|delivery| panic!("{delivery:?} comes again"));
    }
    assert!(group.parked().await.unwrap().is_empty());
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_member_goes_on_after_an_outage_shorter_than_its_lease() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Step, _>::with_backend(backend.clone());
    store.append("walk", (1..=2).map(Step).collect()).await.unwrap();
    let way = Way::to(&backend);
    let mut member = group_by(&way).await.join().unwrap();
    let first = timeout(LONG, member.next()).await.unwrap().unwrap();
    way.cut();
    tokio::time::advance(LEASE / 6).await;
    way.mend();
    assert!(first.is_current());
    first.ack();
    let second = timeout(LONG, member.next()).await.unwrap().unwrap();
    assert_eq!((&second.event().event, second.attempt()), (&Step(2), 1));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_hears_late_of_another_does_not_take_what_that_one_holds() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Step, _>::with_backend(backend.clone());
    store.append("walk", (1..=2).map(Step).collect()).await.unwrap();
    let (holders, late) = (Way::to(&backend), Way::to(&backend));
    let group_by = async |way: &Way| {
        let group = EventStore::<Step, _>::with_backend(Intercepted(way.clone()))
            .consumer_group("steps")
            .with_lease(LEASE);
        group.with_partitions(1).open().await.unwrap()
    };
    let mut holder = group_by(&holders).await.join().unwrap();
    let held = timeout(LONG, holder.next()).await.unwrap().unwrap();
    // Signs of life: of the holder at 0, 1/3, 2/3, and of the other at 9/30, 19/30, 29/30 of a lease.
    assert!(timeout(LEASE * 9 / 30, holder.next()).await.is_err());
    let mut other = group_by(&late).await.join().unwrap();
    assert!(timeout(LEASE / 60, other.next()).await.is_err());

    // That of the holder at 1/3 is lost. When the other looks next, before 2/3, it hears of nothing for so long that the
    // last sign it knows is older than a lease.
    holders.cut();
    assert!(timeout(LEASE / 6, other.next()).await.is_err());
    holders.mend();
    late.tell_late_of_nothing(LEASE * 41 / 60);
    assert!(timeout(LEASE / 3, other.next()).await.is_err());
    late.tell_late_of_nothing(Duration::ZERO);
    assert!(timeout(LEASE, other.next()).await.is_err(), "two hold the partition of one key");
    assert!(held.is_current(), "it was taken from a member that lives");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_answer_is_not_asked_all_the_time_to_keep_a_checkpoint() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Step, _>::with_backend(backend.clone());
    store.append("walk", (1..=2).map(Step).collect()).await.unwrap();
    let way = Way::to(&backend);
    let group = EventStore::<Step, _>::with_backend(Intercepted(way.clone()))
        .consumer_group("steps")
        .with_lease(LEASE);
    let group = group.with_checkpoint_every(1, LONG).open().await.unwrap();
    let mut member = group.join().unwrap();
    let first = timeout(LONG, member.next()).await.unwrap().unwrap();
    way.cut();
    let before = way.appends();
    first.ack();
    // In this time it may give a few signs of life and try as many checkpoints.
    let until = Instant::now() + LEASE;
    while Instant::now() < until {
        tokio::time::advance(LEASE / 30).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    let tried = way.appends() - before;
    assert!((1..20).contains(&tried), "{tried} appends");
    way.mend();
    drop(member);
    let mut next = group.join().unwrap();
    assert_eq!(timeout(LONG, next.next()).await.unwrap().unwrap().event().event, Step(1));
}
