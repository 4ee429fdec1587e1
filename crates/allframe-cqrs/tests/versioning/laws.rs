//! What an earlier program wrote, whatever it is, reads as what it should.

use allframe_cqrs::{
    AutoUpcaster, EventStore, InMemoryBackend, PayloadCodec, UpcastContext, VersionRegistry, event,
    versioning::testing::Reader,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[event(rename = "Deposited")]
#[derive(Clone, Debug, Serialize, Deserialize)]
struct DepositedV1 {
    who: String,
    euros: u32,
    branch: u8,
}

#[event(rename = "Deposited", version = 2)]
#[derive(Clone, Debug, Serialize, Deserialize)]
struct DepositedV2 {
    owner: String,
    euros: u32,
    branch: u8,
    notes: Vec<String>,
}

/// The same history as the two types, said of the fields.
#[event(version = 3)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Deposited {
    #[renamed(from = "who", version = 2)]
    owner: String,
    #[renamed(from = "euros", version = 3)]
    #[converted(version = 3, from = u32, with = cents)]
    cents: u64,
    #[removed(version = 3)]
    branch: u8,
    #[added(version = 2)]
    notes: Vec<String>,
}

/// And by upcasters.
#[event(rename = "Deposited", version = 3)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Upcast {
    owner: String,
    cents: u64,
    notes: Vec<String>,
}

fn cents(euros: u32) -> u64 {
    u64::from(euros) * 100
}

impl From<DepositedV1> for DepositedV2 {
    fn from(DepositedV1 { who, euros, branch }: DepositedV1) -> Self {
        Self { owner: who, euros, branch, notes: vec![] }
    }
}

impl From<DepositedV2> for Upcast {
    fn from(DepositedV2 { owner, euros, notes, .. }: DepositedV2) -> Self {
        Self { owner, cents: cents(euros), notes }
    }
}

fn typed() -> VersionRegistry<Upcast> {
    VersionRegistry::new()
        .upcaster(AutoUpcaster::<DepositedV1, DepositedV2>::new())
        .upcaster(AutoUpcaster::<DepositedV2, Upcast>::new())
}

fn as_json() -> VersionRegistry<Upcast> {
    VersionRegistry::new()
        .upcast_json(("Deposited", 1), ("Deposited", 2), |old, _: &UpcastContext<'_>| {
            json!({ "owner": old["who"], "euros": old["euros"], "branch": old["branch"], "notes": [] })
        })
        .upcast_json(("Deposited", 2), ("Deposited", 3), |old, _: &UpcastContext<'_>| {
            let cents = old["euros"].as_u64().map(|euros| euros * 100);
            json!({ "owner": old["owner"], "cents": cents, "notes": old["notes"] })
        })
}

fn codecs() -> Vec<PayloadCodec> {
    vec![
        PayloadCodec::Json,
        #[cfg(feature = "bincode")]
        PayloadCodec::Bincode,
    ]
}

fn v1() -> impl Strategy<Value = DepositedV1> {
    (any::<String>(), any::<u32>(), any::<u8>()).prop_map(|(who, euros, branch)| DepositedV1 {
        who,
        euros,
        branch,
    })
}

fn v2() -> impl Strategy<Value = DepositedV2> {
    (v1(), prop::collection::vec(any::<String>(), 0..4))
        .prop_map(|(v1, notes)| DepositedV2 { notes, ..v1.into() })
}

proptest! {
    #[test]
    fn fields_that_say_what_has_changed_read_every_earlier_event(v1 in v1(), v2 in v2()) {
        for codec in codecs() {
            let reader = Reader::<Deposited>::new().with_codec(codec);
            let expected = Deposited { owner: v1.who.clone(), cents: cents(v1.euros), notes: vec![] };
            prop_assert_eq!(reader.read(&v1).unwrap(), [expected]);
            let expected = Deposited { owner: v2.owner.clone(), cents: cents(v2.euros), notes: v2.notes.clone() };
            prop_assert_eq!(reader.read(&v2).unwrap(), [expected]);
        }
    }

    #[test]
    fn upcasters_read_every_earlier_event(v1 in v1(), v2 in v2()) {
        let (from_v1, from_v2) = (Upcast::from(DepositedV2::from(v1.clone())), Upcast::from(v2.clone()));
        for codec in codecs() {
            let reader = Reader::with_versions(typed()).unwrap().with_codec(codec);
            prop_assert_eq!(reader.read(&v1).unwrap(), [from_v1.clone()]);
            prop_assert_eq!(reader.read(&v2).unwrap(), [from_v2.clone()]);
        }
        let reader = Reader::with_versions(as_json()).unwrap();
        prop_assert_eq!(reader.read(&v1).unwrap(), [from_v1]);
        prop_assert_eq!(reader.read(&v2).unwrap(), [from_v2]);
    }

    #[test]
    fn what_a_reader_reads_a_store_reads(v1 in v1(), v2 in v2()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let backend = InMemoryBackend::new();
            EventStore::with_backend(backend.clone()).append("account-1", vec![v1.clone()]).await.unwrap();
            let versions = VersionRegistry::new().upcaster(AutoUpcaster::<DepositedV1, DepositedV2>::new());
            let later = EventStore::with_backend(backend.clone()).with_versions(versions).unwrap();
            later.append("account-1", vec![v2.clone()]).await.unwrap();
            let reader = Reader::<Deposited>::new();
            let expected = [reader.read(&v1).unwrap(), reader.read(&v2).unwrap()].concat();
            let store = EventStore::<Deposited, _>::with_backend(backend);
            assert_eq!(store.get_events("account-1").await.unwrap(), expected);
        });
    }
}
