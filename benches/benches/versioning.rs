//! What the versions of events cost those that read them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench whose work fails measures nothing"
)]
#![allow(clippy::print_stdout, reason = "what criterion does not measure is printed")]

use std::{hint::black_box, time::Instant};

use allframe_cqrs::{
    AutoUpcaster, Event, EventStore, EventStoreBackend, GlobalPosition, InMemoryBackend, PayloadCodec,
    Projection, ReadAll, UpcastContext, VersionRegistry, event,
};
use criterion::{Criterion, criterion_group, criterion_main};
use eventstore_api::EventFilter;
use eventstore_benches::median;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

/// How many events are read in one round.
const EVENTS: u64 = 200_000;
const ROUNDS: usize = 15;

/// What has no history.
#[event(rename = "Deposited")]
#[derive(Clone, Serialize, Deserialize)]
struct Plain {
    account: u64,
    cents: u64,
    note: String,
}

#[event(rename = "Deposited")]
#[derive(Clone, Serialize, Deserialize)]
struct V1 {
    account: u64,
    euros: u64,
}

#[event(rename = "Deposited", version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct V2 {
    account: u64,
    cents: u64,
}

/// The third version, with its history in two typed steps, in two steps of JSON, ..
#[event(rename = "Deposited", version = 3)]
#[derive(Clone, Serialize, Deserialize)]
struct Upcast {
    account: u64,
    cents: u64,
    note: String,
}

/// .. and in its fields.
#[event(rename = "Deposited", version = 3)]
#[derive(Clone, Serialize, Deserialize)]
struct Declared {
    account: u64,
    #[renamed(from = "euros", version = 2)]
    #[converted(version = 2, with = cents)]
    cents: u64,
    #[added(version = 3)]
    note: String,
}

fn cents(euros: u64) -> u64 {
    euros * 100
}

impl From<V1> for V2 {
    fn from(V1 { account, euros }: V1) -> Self {
        Self { account, cents: cents(euros) }
    }
}

impl From<V2> for Upcast {
    fn from(V2 { account, cents }: V2) -> Self {
        Self { account, cents, note: String::new() }
    }
}

fn typed() -> VersionRegistry<Upcast> {
    VersionRegistry::new().upcaster(AutoUpcaster::<V1, V2>::new()).upcaster(AutoUpcaster::<V2, Upcast>::new())
}

fn as_json() -> VersionRegistry<Upcast> {
    VersionRegistry::new()
        .upcast_json(("Deposited", 1), ("Deposited", 2), |old, _: &UpcastContext<'_>| {
            json!({ "account": old["account"], "cents": old["euros"].as_u64().map(cents) })
        })
        .upcast_json(("Deposited", 2), ("Deposited", 3), |mut old, _: &UpcastContext<'_>| {
            old["note"] = "".into();
            old
        })
}

/// Looks at the last field of every event.
struct Looked<E>(u64, std::marker::PhantomData<E>);

trait Account {
    fn account(&self) -> u64;
}

macro_rules! accounts {
    ($($event:ty),*) => { $(impl Account for $event { fn account(&self) -> u64 { self.account } })* };
}

accounts!(Plain, V1, Upcast, Declared);

impl<E: Event + Account> Projection for Looked<E> {
    type Event = E;

    fn apply(&mut self, event: &E) {
        self.0 += black_box(event).account();
    }
}

async fn filled<E: Event>(codec: PayloadCodec, event: impl Fn(u64) -> E) -> InMemoryBackend {
    let backend = InMemoryBackend::new();
    let store = EventStore::with_backend(backend.clone()).with_codec(codec);
    for first in (0..EVENTS).step_by(1_000) {
        store
            .append(format!("account-{}", first % 7), (first..first + 1_000).map(&event).collect())
            .await
            .unwrap();
    }
    backend
}

/// Nanoseconds an event that a store takes.
async fn by_store<E: Event + Account>(store: &EventStore<E, InMemoryBackend>) -> f64 {
    let begun = Instant::now();
    let mut looked = Looked(0, std::marker::PhantomData);
    let mut checkpoint = GlobalPosition::START;
    store.project(&mut looked, &mut checkpoint).await.unwrap();
    assert_eq!(looked.0, (0..EVENTS).sum::<u64>());
    begun.elapsed().as_secs_f64() * 1e9 / EVENTS as f64
}

/// Nanoseconds an event that it takes to read pages and decode payloads of JSON, knowing that all are of this type and version.
async fn by_hand<E: DeserializeOwned + Account>(backend: &InMemoryBackend) -> f64 {
    let begun = Instant::now();
    let mut looked = 0;
    let mut query = ReadAll::after(GlobalPosition::START).filter(EventFilter::types([name()]));
    loop {
        tokio::task::yield_now().await;
        let page = backend.read_all(&query).await.unwrap();
        query = query.next_page(&page);
        for record in page.events {
            let event: E = serde_json::from_slice(&record.payload).unwrap();
            looked += black_box(&event).account();
        }
        if page.end_reached {
            break;
        }
    }
    assert_eq!(looked, (0..EVENTS).sum::<u64>());
    begun.elapsed().as_secs_f64() * 1e9 / EVENTS as f64
}

fn name() -> eventstore_api::EventType {
    eventstore_api::EventType::new("Deposited").unwrap()
}

/// What is compared, in turns.
#[derive(Default)]
struct Figures {
    by_hand: Vec<f64>,
    plain: Vec<f64>,
    declared_today: Vec<f64>,
    upcast_today: Vec<f64>,
    v1_alone: Vec<f64>,
    v1_declared: Vec<f64>,
    v1_typed: Vec<f64>,
    v1_json: Vec<f64>,
}

fn reading(_c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for codec in [PayloadCodec::Json, PayloadCodec::Bincode] {
        runtime.block_on(read_with(codec));
    }
}

async fn read_with(codec: PayloadCodec) {
    let note = || "for the rent".to_owned();
    let plain = filled(codec, |account| Plain { account, cents: 42, note: note() }).await;
    let today = filled(codec, |account| Declared { account, cents: 42, note: note() }).await;
    let v1 = filled(codec, |account| V1 { account, euros: 42 }).await;
    let plain_store = EventStore::<Plain, _>::with_backend(plain.clone());
    let declared = EventStore::<Declared, _>::with_backend(today.clone());
    let upcast = EventStore::<Upcast, _>::with_backend(today).with_versions(typed()).unwrap();
    let v1_store = EventStore::<V1, _>::with_backend(v1.clone());
    let v1_declared = EventStore::<Declared, _>::with_backend(v1.clone());
    let v1_typed = EventStore::<Upcast, _>::with_backend(v1.clone()).with_versions(typed()).unwrap();
    let v1_json = EventStore::<Upcast, _>::with_backend(v1.clone()).with_versions(as_json()).unwrap();

    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        figures.plain.push(by_store(&plain_store).await);
        figures.declared_today.push(by_store(&declared).await);
        figures.upcast_today.push(by_store(&upcast).await);
        figures.v1_alone.push(by_store(&v1_store).await);
        figures.v1_declared.push(by_store(&v1_declared).await);
        figures.v1_typed.push(by_store(&v1_typed).await);
        if codec == PayloadCodec::Json {
            figures.by_hand.push(by_hand::<Plain>(&plain).await);
            figures.v1_json.push(by_store(&v1_json).await);
        }
    }
    figures.print(codec);
}

impl Figures {
    fn print(self, codec: PayloadCodec) {
        let encoding = codec.encoding();
        let plain = median(self.plain.into_iter());
        let v1 = median(self.v1_alone.into_iter());
        let line = |what: &str, time: f64, than: &str, base: f64| {
            println!(
                "versioning/{encoding}/{what}: {time:.1} ns an event, {:+.1} ns beside {than}",
                time - base
            );
        };
        if !self.by_hand.is_empty() {
            let by_hand = median(self.by_hand.into_iter());
            line("today, no history", plain, "pages and payloads read by hand", by_hand);
        }
        line("today, history in its fields", median(self.declared_today.into_iter()), "no history", plain);
        line("today, two typed upcasters", median(self.upcast_today.into_iter()), "no history", plain);
        line("version 1 as itself", v1, "no history", plain);
        line(
            "version 1, history in its fields",
            median(self.v1_declared.into_iter()),
            "version 1 as itself",
            v1,
        );
        line("version 1, two typed upcasters", median(self.v1_typed.into_iter()), "version 1 as itself", v1);
        if !self.v1_json.is_empty() {
            line(
                "version 1, two JSON upcasters",
                median(self.v1_json.into_iter()),
                "version 1 as itself",
                v1,
            );
        }
    }
}

criterion_group!(benches, reading);
criterion_main!(benches);
