use std::sync::{Arc, LazyLock};

use allframe_cqrs::EventStore;
use eventstore_api::{Encoding, EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId, Tags};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::AccountEvent;

/// How many bytes the payload of a raw event has: about what a small JSON event has.
pub const PAYLOAD_BYTES: usize = 200;

/// How many streams a workload spreads its events over.
pub const STREAMS: usize = 1_000;

/// How an append workload is cut up.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How many tasks append at once. Each goes round all streams, from a place of its own.
    pub writers: usize,
    /// How many events each append holds.
    pub batch: usize,
}

impl Shape {
    /// The shapes that every append bench measures.
    pub const ALL: [Self; 4] = [
        Self { writers: 1, batch: 1 },
        Self { writers: 1, batch: 100 },
        Self { writers: 64, batch: 1 },
        Self { writers: 64, batch: 100 },
    ];

    /// The greatest number of events up to this one that every writer has the same share of.
    #[must_use]
    pub fn fitting(self, events: usize) -> usize {
        events - events % (self.writers * self.batch)
    }

    /// The events of each append of each writer, made by `event` from a number: made before the clock starts, in about
    /// the order in which they will be appended, so that ids rise as they do where events are made and appended at once.
    pub fn work<T>(self, events: usize, mut event: impl FnMut(u64) -> T) -> Vec<Vec<Vec<T>>> {
        let mut numbers = 0_u64..;
        let mut batch = || numbers.by_ref().take(self.batch).map(&mut event).collect();
        let appends = self.fitting(events) / self.writers / self.batch;
        let mut work: Vec<Vec<_>> = (0..self.writers).map(|_| Vec::with_capacity(appends)).collect();
        for _ in 0..appends {
            work.iter_mut().for_each(|appends| appends.push(batch()));
        }
        work
    }

    fn streams_of(self, writer: usize) -> impl Iterator<Item = StreamId> {
        let streams = streams();
        (writer * STREAMS / self.writers..).map(move |n| {
            #[expect(clippy::indexing_slicing, reason = "there are so many streams")]
            streams[n % STREAMS].clone()
        })
    }
}

static NAMES: LazyLock<Arc<[StreamId]>> =
    LazyLock::new(|| (0..STREAMS).filter_map(|n| StreamId::new(format!("account-{n}")).ok()).collect());

/// The names of the workload's streams.
#[must_use]
pub fn streams() -> Arc<[StreamId]> {
    Arc::clone(&NAMES)
}

/// A raw event of [`PAYLOAD_BYTES`], with an id of its own.
///
/// # Panics
///
/// Never: the name of its type is legal.
#[must_use]
#[expect(clippy::expect_used, reason = "the name is a constant")]
pub fn raw_event(_number: u64) -> NewEvent {
    let event_type = EventType::new("Deposited").expect("it is a legal name");
    NewEvent::new(event_type, vec![b'x'; PAYLOAD_BYTES]).with_encoding(Encoding::BINARY)
}

/// Numbers that follow from a seed.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next number, less than this one, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A small JSON event with a tag, like no other.
///
/// # Panics
///
/// Never: its names are legal.
#[must_use]
#[expect(clippy::expect_used, reason = "the names are made of digits")]
pub fn json_event(chance: &mut Chance) -> NewEvent {
    let payload = format!(
        r#"{{"amount":{},"currency":"EUR","from":"account-{}","reference":"{:016x}{:016x}"}}"#,
        chance.below(1_000_000),
        chance.below(50_000),
        chance.below(u64::MAX),
        chance.below(u64::MAX),
    );
    let tags = Tags::parse([format!("person:{}", chance.below(1_000))]).expect("it is a legal tag");
    NewEvent::new(EventType::new("Deposited").expect("it is a legal name"), payload)
        .with_encoding(Encoding::JSON)
        .with_tags(tags)
}

/// A runtime with as many workers as the machine has processors.
///
/// # Panics
///
/// When the system gives no threads.
#[must_use]
#[expect(clippy::expect_used, reason = "a bench without threads has nothing to measure")]
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the system gives threads")
}

/// Appends raw events, each writer the work that is its own.
///
/// # Panics
///
/// When an append fails.
#[expect(clippy::expect_used, reason = "a bench whose work fails measures nothing")]
pub async fn append_raw<B>(backend: B, shape: Shape, work: Vec<Vec<Vec<NewEvent>>>)
where
    B: EventStoreBackend + Clone,
{
    let mut writers = JoinSet::new();
    for (writer, appends) in work.into_iter().enumerate() {
        let (backend, streams) = (backend.clone(), shape.streams_of(writer));
        writers.spawn(async move {
            for (stream, events) in streams.zip(appends) {
                backend.append(&stream, ExpectedVersion::Any, events).await.expect("an append succeeds");
            }
        });
    }
    writers.join_all().await;
}

/// Appends typed events, each writer the work that is its own.
///
/// # Panics
///
/// When an append fails.
#[expect(clippy::expect_used, reason = "a bench whose work fails measures nothing")]
pub async fn append_typed<B>(
    store: EventStore<AccountEvent, B>,
    shape: Shape,
    work: Vec<Vec<Vec<AccountEvent>>>,
) where
    B: EventStoreBackend,
{
    let mut writers = JoinSet::new();
    for (writer, appends) in work.into_iter().enumerate() {
        let (store, streams) = (store.clone(), shape.streams_of(writer));
        writers.spawn(async move {
            for (stream, events) in streams.zip(appends) {
                store.append(&stream, events).await.expect("an append succeeds");
            }
        });
    }
    writers.join_all().await;
}
