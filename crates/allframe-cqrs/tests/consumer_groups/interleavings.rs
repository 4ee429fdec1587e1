//! Anything in any order: whatever becomes of members, deliveries and parked events, each event is handled, parked or
//! discarded in the end, and never before an earlier one of its key.

use std::{
    collections::{BTreeMap, BTreeSet},
    future,
    time::Duration,
};

use allframe_cqrs::{
    EventFilter, EventStore, EventStoreBackend, GlobalPosition, InMemoryBackend,
    consumer_group::{Consumer, ConsumerGroup, Delivery, GroupError, Lag, RetryPolicy},
    event,
};
use eventstore_conformance::intercept::Intercepted;
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::way::Way;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Job {
    number: u64,
}

const LEASE: Duration = Duration::from_secs(3);
const STREAMS: u64 = 7;
const SEEDS: u64 = 60;
const STEPS: u64 = 250;

/// Two that have it in a different seed each: the key is the stream, or what a function says.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    Streams,
    Remainders,
}

/// A group, and what a naive observer knows of it.
struct World {
    store: EventStore<Job>,
    /// As operators have it.
    group: ConsumerGroup<Job, InMemoryBackend>,
    /// As members have it.
    members_group: ConsumerGroup<Job, Intercepted<Way>>,
    way: Way,
    keys: Keys,
    members: Vec<Consumer<Job, Intercepted<Way>>>,
    /// Deliveries that are being handled.
    hands: Vec<Delivery<Job>>,
    /// The events of each key, that pass the filter.
    events: BTreeMap<String, BTreeSet<GlobalPosition>>,
    handled: BTreeSet<GlobalPosition>,
    discarded: BTreeSet<GlobalPosition>,
    failing: BTreeSet<String>,
    chance: Rng,
    numbers: u64,
    parked_seen: usize,
}

async fn open<B: EventStoreBackend>(
    store: &EventStore<Job, B>,
    keys: Keys,
    seed: u64,
) -> Result<ConsumerGroup<Job, B>, GroupError> {
    let wait = Duration::from_millis(30);
    let group = store
        .consumer_group("jobs")
        .with_partitions(1 + u32::try_from(seed % 5).unwrap())
        .with_filter(EventFilter::stream_prefix("in-"))
        .with_lease(LEASE)
        .with_retry(RetryPolicy::new(1 + u32::try_from(seed % 4).unwrap()).with_backoff(wait, wait))
        .with_max_in_flight(1 + usize::try_from(seed % 7).unwrap())
        .with_buffer(1 + usize::try_from(seed % 11).unwrap())
        .with_checkpoint_every(1 + usize::try_from(seed % 4).unwrap(), Duration::from_millis(200));
    match keys {
        Keys::Streams => group.open().await,
        Keys::Remainders => {
            group.with_key(|recorded| format!("key-{}", recorded.event.number % 4)).open().await
        }
    }
}

impl World {
    async fn of(seed: u64) -> Self {
        let store = EventStore::<Job>::new();
        let keys = if seed.is_multiple_of(2) { Keys::Streams } else { Keys::Remainders };
        let way = Way::to(store.backend());
        let way = if seed.is_multiple_of(3) { way.with_losses(seed) } else { way };
        let way_to_store = EventStore::with_backend(Intercepted(way.clone()));
        // Before anything can get lost.
        let group = open(&store, keys, seed).await.unwrap();
        let members_group = loop {
            if let Ok(group) = open(&way_to_store, keys, seed).await {
                break group;
            }
        };
        Self {
            group,
            members_group,
            way,
            store,
            keys,
            members: Vec::new(),
            hands: Vec::new(),
            events: BTreeMap::new(),
            handled: BTreeSet::new(),
            discarded: BTreeSet::new(),
            failing: BTreeSet::new(),
            chance: Rng::with_seed(seed),
            numbers: 0,
            parked_seen: 0,
        }
    }

    async fn step(&mut self) {
        match self.chance.u64(..100) {
            0..20 => self.append().await,
            20..23 if self.members.len() < 4 => self.members.push(self.members_group.join().unwrap()),
            23..25 => {
                if let Some(member) = one_of(&mut self.chance, self.members.len()) {
                    let _ = self.members.swap_remove(member).close().await;
                }
            }
            25..27 => {
                if let Some(member) = one_of(&mut self.chance, self.members.len()) {
                    drop(self.members.swap_remove(member));
                }
            }
            27..50 => self.receive().await,
            50..78 => self.settle(),
            78..81 => {
                let key = self.some_key();
                if !self.failing.remove(&key) {
                    self.failing.insert(key);
                }
            }
            81..84 => {
                for parked in self.parked().await {
                    if self.chance.u64(..2) == 0 {
                        self.replay(&parked.1).await;
                    }
                }
            }
            84..86 => self.discard().await,
            86..88 => self.compare_status().await,
            _ => {
                let pause = Duration::from_millis(self.chance.u64(..1_500));
                let _ = timeout(pause, future::pending::<()>()).await;
            }
        }
    }

    async fn append(&mut self) {
        for _ in 0..=self.chance.u64(..3) {
            let number = self.numbers;
            self.numbers += 1;
            let stream = self.chance.u64(..STREAMS);
            let passes = self.chance.u64(..5) > 0;
            let stream = format!("{}-{stream}", if passes { "in" } else { "out" });
            let appended = self.store.append(stream.clone(), vec![Job { number }]).await.unwrap();
            if passes {
                let key = match self.keys {
                    Keys::Streams => stream,
                    Keys::Remainders => format!("key-{}", number % 4),
                };
                self.events.entry(key).or_default().insert(appended.last_position);
            }
        }
    }

    fn some_key(&mut self) -> String {
        match self.keys {
            Keys::Streams => format!("in-{}", self.chance.u64(..STREAMS)),
            Keys::Remainders => format!("key-{}", self.chance.u64(..4)),
        }
    }

    async fn receive(&mut self) {
        let Some(member) = one_of(&mut self.chance, self.members.len()) else { return };
        let wait = Duration::from_millis(self.chance.u64(..300));
        if let Ok(delivery) = timeout(wait, self.members[member].next()).await {
            self.take(delivery.unwrap());
        }
    }

    /// Nothing that came before it is open or parked.
    fn take(&mut self, delivery: Delivery<Job>) {
        let position = delivery.event().position();
        let of_key = self.events.get(delivery.key()).unwrap_or_else(|| panic!("{delivery:?} is of no key"));
        assert!(of_key.contains(&position), "{delivery:?} does not pass the filter");
        let open: Vec<_> = of_key.range(..position).filter(|earlier| !self.is_done(earlier)).collect();
        assert!(open.is_empty(), "{delivery:?} came before {open:?}");
        let same_key = |other: &&Delivery<Job>| other.key() == delivery.key() && other.is_current();
        assert_eq!(self.hands.iter().find(same_key).map(Delivery::key), None, "two of one key at a time");
        self.hands.push(delivery);
    }

    fn settle(&mut self) {
        let Some(hand) = one_of(&mut self.chance, self.hands.len()) else { return };
        let delivery = self.hands.swap_remove(hand);
        let fails = self.failing.contains(delivery.key()) || self.chance.u64(..10) == 0;
        match self.chance.u64(..5) {
            0 if fails => drop(delivery),
            _ if fails => delivery.nack("not today"),
            _ => self.handle(delivery),
        }
    }

    fn handle(&mut self, delivery: Delivery<Job>) {
        self.handled.insert(delivery.event().position());
        delivery.ack();
    }

    fn is_done(&self, position: &GlobalPosition) -> bool {
        self.handled.contains(position) || self.discarded.contains(position)
    }

    /// Position and key of what is parked.
    async fn parked(&mut self) -> Vec<(GlobalPosition, String)> {
        let parked = self.group.parked().await.unwrap();
        self.parked_seen += parked.len();
        for event in &parked {
            assert!(self.events[&event.key].contains(&event.position), "{event:?} is of another key");
            assert!(!self.discarded.contains(&event.position), "{event:?} was discarded");
        }
        parked.into_iter().map(|event| (event.position, event.key)).collect()
    }

    async fn replay(&self, key: &str) {
        match self.group.replay_parked(key).await {
            // What was parked when it was listed may have been replayed since.
            Ok(()) | Err(GroupError::KeyNotParked { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn discard(&mut self) {
        let parked = self.parked().await;
        let Some(which) = one_of(&mut self.chance, parked.len()) else { return };
        match self.group.discard_parked(parked[which].0).await {
            Ok(()) => assert!(self.discarded.insert(parked[which].0)),
            Err(GroupError::EventNotParked { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    /// What is neither done nor parked has not been passed by any checkpoint, and nothing is counted that is not there.
    async fn compare_status(&mut self) {
        let parked = self.parked().await;
        let statuses = self.group.status().await.unwrap();
        let lag: u64 = statuses.iter().map(|status| exactly(status.lag)).sum();
        let all: BTreeSet<_> = self.events.values().flatten().copied().collect();
        let is_parked = |position: &GlobalPosition| parked.iter().any(|(at, _)| at == position);
        let open = all.iter().filter(|position| !self.is_done(position) && !is_parked(position)).count();
        assert!((open as u64..=(all.len() - parked.len()) as u64).contains(&lag), "{open} {statuses:?}");
        let counted: usize = statuses.iter().map(|status| status.parked).sum();
        assert_eq!(counted, parked.len());
    }

    /// Lets a last member do all there is to do.
    async fn drain(&mut self) {
        for member in std::mem::take(&mut self.members) {
            let closed = member.close().await;
            assert!(self.way.is_lossy() || closed.is_ok(), "{closed:?}");
        }
        self.hands.clear();
        let mut last = self.members_group.join().unwrap();
        let mut idle = 0;
        while idle < 8 {
            match timeout(LEASE, last.next()).await {
                Ok(delivery) => {
                    idle = 0;
                    self.take(delivery.unwrap());
                    let delivery = self.hands.pop().unwrap();
                    if self.failing.contains(delivery.key()) {
                        delivery.nack("still not");
                    } else {
                        self.handle(delivery);
                    }
                }
                Err(_) => idle += 1,
            }
        }
        if let Ok(statuses) = last.status().await {
            assert!(
                statuses.iter().all(|status| status.in_flight.is_none_or(|out| out == 0)),
                "{statuses:?}"
            );
        }
        let statuses = self.group.status().await.unwrap();
        assert!(statuses.iter().all(|status| status.lag == Lag::Exactly(0)), "{statuses:?}");
        drop(last);
    }

    /// Where nothing goes on any more, an event is done or parked, and so are those behind a parked one.
    async fn must_be_settled(&mut self) {
        let parked = self.parked().await;
        for (key, positions) in &self.events {
            let of_key: BTreeSet<_> = parked.iter().filter(|(_, of)| of == key).map(|(at, _)| *at).collect();
            for position in positions.iter().filter(|position| !self.is_done(position)) {
                assert!(of_key.contains(position), "{key}: {position} is lost, parked are {of_key:?}");
            }
        }
        self.compare_status().await;
    }
}

/// The place of one of so many things; none where there is none.
fn one_of(chance: &mut Rng, things: usize) -> Option<usize> {
    (things > 0).then(|| chance.usize(..things))
}

fn exactly(lag: Lag) -> u64 {
    match lag {
        Lag::Exactly(events) => events,
        other => panic!("{other:?} of so few events"),
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_every_event_is_handled_in_the_order_of_its_key_or_parked_or_discarded() {
    let (mut parked, mut discarded) = (0, 0);
    for seed in 0..SEEDS {
        let mut world = World::of(seed).await;
        for _ in 0..STEPS {
            world.step().await;
        }
        world.drain().await;
        world.must_be_settled().await;

        world.failing.clear();
        let keys: BTreeSet<_> = world.parked().await.into_iter().map(|(_, key)| key).collect();
        for key in keys {
            world.group.replay_parked(&key).await.unwrap();
        }
        world.drain().await;
        assert_eq!(world.parked().await, [], "seed {seed}");
        world.must_be_settled().await;
        parked += world.parked_seen;
        discarded += world.discarded.len();
    }
    assert!(parked > 60 && discarded > 15, "{parked} {discarded}: too few to prove a thing");
}
