//! Members that die, fail and let events fall while more are written: nothing is lost, and the order of each key holds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use allframe_cqrs::{
    EventStore, EventStoreBackend, InMemoryBackend,
    consumer_group::{Consumer, ConsumerGroup, Lag, RetryPolicy},
    event,
};
use eventstore_wal::WalBackend;
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::{
    task::{JoinSet, yield_now},
    time::timeout,
};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Numbered(u64);

const KEYS: u64 = 12;
const MEMBERS: u64 = 3;

/// What has been acknowledged, of all members.
#[derive(Clone, Debug, Default)]
struct Journal {
    acked: Arc<Mutex<BTreeMap<String, Vec<u64>>>>,
}

impl Journal {
    /// Before the member is told: its death in between must not look like an event that was lost.
    fn ack(&self, key: &str, number: u64) {
        self.acked.lock().unwrap().entry(key.to_owned()).or_default().push(number);
    }

    /// Whether of every key so many events have been acknowledged.
    fn has_all(&self, events_a_key: u64) -> bool {
        let acked = self.acked.lock().unwrap();
        let all = |numbers: &Vec<u64>| (0..events_a_key).all(|number| numbers.contains(&number));
        acked.len() as u64 == KEYS && acked.values().all(all)
    }

    /// The first time that each event of a key was acknowledged, they were in order.
    fn must_be_in_order(&self) {
        for (key, numbers) in &*self.acked.lock().unwrap() {
            let mut first_times: Vec<u64> = Vec::new();
            for number in numbers {
                if !first_times.contains(number) {
                    first_times.push(*number);
                }
            }
            assert!(first_times.iter().copied().eq(0..first_times.len() as u64), "{key}: {first_times:?}");
        }
    }
}

async fn group_of<B: EventStoreBackend>(
    store: &EventStore<Numbered, B>,
    lease: Duration,
) -> ConsumerGroup<Numbered, B> {
    let step = Duration::from_millis(5);
    let retry = RetryPolicy::new(1_000_000).with_backoff(step, step);
    let group = store.consumer_group("numbers").with_lease(lease).with_retry(retry).with_buffer(64);
    group.with_max_in_flight(8).with_checkpoint_every(20, lease / 10).open().await.unwrap()
}

/// Handles events until all have been, dying now and then and coming again as another member.
async fn live_and_die<B: EventStoreBackend>(
    group: ConsumerGroup<Numbered, B>,
    journal: Journal,
    events_a_key: u64,
    mut chance: Rng,
) {
    let mut consumer = group.join().unwrap();
    while !journal.has_all(events_a_key) {
        let wait = Duration::from_millis(50);
        // With nothing to do it looks whether others have done all.
        let Ok(delivery) = timeout(wait, consumer.next()).await else { continue };
        let delivery = delivery.unwrap();
        match chance.u8(..200) {
            0 => {
                // Dies with the event in its hands, and others in its buffer.
                std::mem::forget(delivery);
                drop(std::mem::replace(&mut consumer, group.join().unwrap()));
            }
            1 => {
                drop(delivery);
                std::mem::replace(&mut consumer, group.join().unwrap()).close().await.unwrap();
            }
            2..10 => delivery.nack("not today"),
            10..16 => drop(delivery),
            16..40 => {
                // It is at work, while others go on.
                for _ in 0..chance.u64(..20) {
                    yield_now().await;
                }
                journal.ack(delivery.key(), delivery.event().event.0);
                delivery.ack();
            }
            _ => {
                journal.ack(delivery.key(), delivery.event().event.0);
                delivery.ack();
            }
        }
    }
    consumer.close().await.unwrap();
}

async fn write<B: EventStoreBackend>(store: EventStore<Numbered, B>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        for key in 0..KEYS {
            store.append(format!("key-{key}"), vec![Numbered(number)]).await.unwrap();
        }
        yield_now().await;
    }
}

async fn run<B: EventStoreBackend>(
    store: &EventStore<Numbered, B>,
    journal: &Journal,
    numbers: std::ops::Range<u64>,
    lease: Duration,
    seed: u64,
) {
    let events_a_key = numbers.end;
    let mut tasks = JoinSet::new();
    tasks.spawn(write(store.clone(), numbers));
    for member in 0..MEMBERS {
        let group = group_of(store, lease).await;
        let chance = Rng::with_seed(seed * 1_000 + member);
        tasks.spawn(live_and_die(group, journal.clone(), events_a_key, chance));
    }
    timeout(Duration::from_secs(3_600), tasks.join_all()).await.unwrap();
    journal.must_be_in_order();
}

/// A last member finds nothing left to do but what no checkpoint told of, and brings every checkpoint to the head.
async fn must_be_done<B: EventStoreBackend>(
    store: &EventStore<Numbered, B>,
    journal: &Journal,
    lease: Duration,
) {
    let group = group_of(store, lease).await;
    let mut last: Consumer<Numbered, B> = group.join().unwrap();
    timeout(Duration::from_secs(3_600), async {
        loop {
            if let Ok(delivery) = timeout(lease / 10, last.next()).await {
                let delivery = delivery.unwrap();
                journal.ack(delivery.key(), delivery.event().event.0);
                delivery.ack();
            }
            let status = group.status().await.unwrap();
            if status.iter().all(|partition| partition.lag == Lag::Exactly(0)) {
                return;
            }
        }
    })
    .await
    .unwrap();
    last.close().await.unwrap();
    journal.must_be_in_order();
    assert!(group.parked().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn in_memory_nothing_is_lost_and_every_key_keeps_its_order_whoever_dies() {
    let mut repeated = 0;
    for seed in 0..12 {
        let store = EventStore::with_backend(InMemoryBackend::new());
        let (journal, lease) = (Journal::default(), Duration::from_secs(3));
        run(&store, &journal, 0..60, lease, seed).await;
        must_be_done(&store, &journal, lease).await;
        repeated += journal.acked.lock().unwrap().values().map(Vec::len).sum::<usize>() - 60 * 12;
    }
    assert!(repeated > 0, "nobody died with an event that another one had to handle again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_disk_nothing_is_lost_and_every_key_keeps_its_order_also_when_the_store_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, lease) = (Journal::default(), Duration::from_millis(600));
    for round in 0..3 {
        let store = EventStore::with_backend(WalBackend::production(directory.path()).unwrap());
        run(&store, &journal, round * 20..(round + 1) * 20, lease, round).await;
        if round == 2 {
            must_be_done(&store, &journal, lease).await;
        }
        store.backend().close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dropped_member_had_not_handed_out_has_not_failed() {
    let store = EventStore::with_backend(InMemoryBackend::new());
    write(store.clone(), 0..20).await;
    let group = store.consumer_group("numbers").with_max_attempts(1).with_lease(Duration::from_millis(50));
    let group = group.with_checkpoint_every(1, Duration::ZERO).open().await.unwrap();
    for _ in 0..30 {
        let mut member = group.join().unwrap();
        timeout(Duration::from_secs(60), member.next()).await.unwrap().unwrap().ack();
        drop(member);
    }
    assert!(group.parked().await.unwrap().is_empty());
}
