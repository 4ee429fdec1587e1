//! A snapshot of another version is upcast or passed over, and never taken for one of today's.

use allframe_cqrs::{
    Aggregate, DecodeReason, EarlierPayload, EventStore, EventStoreBackend, InMemoryBackend, PayloadCodec,
    Repository, SnapshotPolicy, StreamId, Version,
    api::{EventType, Snapshot},
    event,
};
use serde::{Deserialize, Serialize};

#[event(rename = "Paid")]
#[derive(Clone, Serialize, Deserialize)]
struct PaidV1 {
    euros: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct Paid {
    #[converted(version = 2, from = Euros, with = Euros::cents)]
    #[renamed(from = "euros", version = 2)]
    cents: u64,
}

#[derive(Deserialize)]
struct Euros(u64);

impl Euros {
    fn cents(self) -> u64 {
        self.0 * 100
    }
}

#[derive(Default, Serialize, Deserialize)]
struct PurseV1 {
    euros: u64,
}

impl Aggregate for PurseV1 {
    type Event = PaidV1;

    fn apply_event(&mut self, event: &PaidV1) {
        self.euros += event.euros;
    }

    fn state_type() -> &'static str {
        "Purse"
    }
}

/// As large as `PurseV1` in bytes, so that one misread as the other would go unnoticed but for its amount.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Purse {
    #[serde(alias = "euros")]
    cents: u64,
}

impl Aggregate for Purse {
    type Event = Paid;

    fn apply_event(&mut self, event: &Paid) {
        self.cents += event.cents;
    }

    fn state_type() -> &'static str {
        "Purse"
    }

    fn snapshot_version() -> u32 {
        2
    }

    fn upcast_snapshot(version: u32, snapshot: EarlierPayload) -> Result<Option<Self>, DecodeReason> {
        match version {
            1 => Ok(Some(Self { cents: snapshot.read::<PurseV1>()?.euros * 100 })),
            13 => panic!("thirteen brings bad luck"),
            _ => Ok(None),
        }
    }
}

fn codecs() -> Vec<PayloadCodec> {
    vec![
        PayloadCodec::Json,
        #[cfg(feature = "bincode")]
        PayloadCodec::Bincode,
    ]
}

/// What was paid, by an earlier program that took a snapshot at version 3 of 4.
async fn years_ago(codec: PayloadCodec) -> InMemoryBackend {
    let backend = InMemoryBackend::new();
    let store = EventStore::with_backend(backend.clone()).with_codec(codec);
    let purses = Repository::<PurseV1, _>::new(store).with_snapshots(SnapshotPolicy::after_events(3));
    for euros in 1..=4 {
        purses.execute("purse-1", |_| Ok::<_, &str>(vec![PaidV1 { euros }])).await.unwrap();
    }
    backend
}

fn purses(backend: InMemoryBackend, codec: PayloadCodec) -> Repository<Purse, InMemoryBackend> {
    let store = EventStore::with_backend(backend).with_codec(codec);
    Repository::new(store).with_snapshots(SnapshotPolicy::after_events(3))
}

fn stream() -> StreamId {
    StreamId::new("purse-1").unwrap()
}

/// The cents of a purse with ten euros in it, and with a snapshot of another amount at its end.
async fn cents_beside(schema_version: u32, snapshot: &'static str) -> u64 {
    let backend = years_ago(PayloadCodec::Json).await;
    let name = EventType::new("Purse").unwrap();
    let snapshot = Snapshot::new(stream(), Version::new(4), name, snapshot)
        .with_encoding(PayloadCodec::Json.encoding())
        .with_schema_version(schema_version);
    backend.save_snapshot(snapshot).await.unwrap();
    purses(backend, PayloadCodec::Json).load("purse-1").await.unwrap().aggregate.cents
}

#[tokio::test]
async fn one_of_an_earlier_version_is_upcast_and_so_is_the_tail_behind_it() {
    for codec in codecs() {
        let backend = years_ago(codec).await;
        let snapshot = backend.get_latest_snapshot(&stream()).await.unwrap().unwrap();
        assert_eq!((snapshot.version, snapshot.schema_version), (Version::new(3), 1));
        let loaded = purses(backend, codec).load("purse-1").await.unwrap();
        assert_eq!((&*loaded.aggregate, loaded.version), (&Purse { cents: 1_000 }, Version::new(4)));
    }
}

#[tokio::test]
async fn it_is_the_snapshot_that_is_upcast_and_not_the_events_that_are_read_again() {
    assert_eq!(cents_beside(1, r#"{"euros":7}"#).await, 700);
}

#[tokio::test]
async fn one_that_the_upcaster_passes_over_is_not_used() {
    assert_eq!(cents_beside(0, r#"{"cents":7}"#).await, 1_000);
    // Of a newer program.
    assert_eq!(cents_beside(3, r#"{"cents":7}"#).await, 1_000);
}

#[tokio::test]
async fn one_that_the_upcaster_cannot_read_is_not_used() {
    assert_eq!(cents_beside(1, r#"{"francs":7}"#).await, 1_000);
    assert_eq!(cents_beside(13, r#"{"euros":7}"#).await, 1_000);
}

#[tokio::test]
async fn the_next_snapshot_is_of_todays_version() {
    let backend = years_ago(PayloadCodec::Json).await;
    let purses = purses(backend.clone(), PayloadCodec::Json);
    for cents in [1, 2] {
        purses.execute("purse-1", |_| Ok::<_, &str>(vec![Paid { cents }])).await.unwrap();
    }
    let snapshot = backend.get_latest_snapshot(&stream()).await.unwrap().unwrap();
    assert_eq!((snapshot.version, snapshot.schema_version), (Version::new(6), 2));
    assert_eq!(&snapshot.payload[..], br#"{"cents":1003}"#);
}

#[tokio::test]
async fn an_earlier_program_passes_over_one_of_a_later_version() {
    let backend = years_ago(PayloadCodec::Json).await;
    let name = EventType::new("Purse").unwrap();
    let later = Snapshot::new(stream(), Version::new(4), name, r#"{"euros":7}"#)
        .with_encoding(PayloadCodec::Json.encoding())
        .with_schema_version(2);
    backend.save_snapshot(later).await.unwrap();
    let store = EventStore::with_backend(backend);
    let earlier = Repository::<PurseV1, _>::new(store).with_snapshots(SnapshotPolicy::never());
    assert_eq!(earlier.load("purse-1").await.unwrap().aggregate.euros, 10);
}
