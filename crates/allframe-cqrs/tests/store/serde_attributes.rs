//! What serde's own attributes do to stored events: what they do everywhere else.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{collections::BTreeMap, fmt::Debug};

use allframe_cqrs::{
    Error, Event, EventStore, EventStoreBackend, EventTypeName, ExpectedVersion, InMemoryBackend, StreamId,
    api::{Encoding, EventType, NewEvent},
    event,
};
use serde::{Deserialize, Serialize};

async fn stored<E: Event>(event: E) -> (String, String) {
    let store = EventStore::new();
    store.append("stream", vec![event]).await.unwrap();
    let record = store.backend().get_events(&StreamId::new("stream").unwrap()).await.unwrap().remove(0);
    (record.event_type.to_string(), String::from_utf8(record.payload.to_vec()).unwrap())
}

/// Reads what somebody else has stored.
async fn read<E: Event>(name: &'static str, json: &'static str) -> Result<E, Error> {
    let backend = InMemoryBackend::new();
    let event = NewEvent::new(EventType::new(name)?, json).with_encoding(Encoding::JSON);
    backend.append(&StreamId::new("stream")?, ExpectedVersion::Any, vec![event]).await?;
    let mut events = EventStore::with_backend(backend).get_events("stream").await?;
    Ok(events.remove(0))
}

async fn assert_round_trips<E: Event + PartialEq + Debug>(events: Vec<E>) {
    let store = EventStore::new();
    store.append("stream", events.clone()).await.unwrap();
    assert_eq!(store.get_events("stream").await.unwrap(), events);
}

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{number:x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        u64::from_str_radix(&String::deserialize(deserializer)?, 16).map_err(D::Error::custom)
    }
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Attributed {
    MovedHouse {
        new_address: String,
    },
    #[serde(rename = "aged")]
    Birthday {
        #[serde(default)]
        years: u32,
    },
    #[serde(alias = "whatever")]
    Noted {
        #[serde(rename = "t")]
        text: String,
        #[serde(skip)]
        seen: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<String>,
    },
    #[serde(with = "hexadecimal")]
    Numbered(u64),
    Tallied {
        #[serde(with = "hexadecimal")]
        sum: u64,
    },
    Extended {
        id: u8,
        #[serde(flatten)]
        more: BTreeMap<String, String>,
    },
}

#[tokio::test]
async fn serdes_names_for_variants_do_not_change_the_stored_name_and_those_for_fields_do() {
    let moved = Attributed::MovedHouse { new_address: "here".into() };
    assert_eq!(stored(moved).await, ("MovedHouse".to_owned(), r#"{"newAddress":"here"}"#.to_owned()));
    assert_eq!(stored(Attributed::Birthday { years: 1 }).await.0, "Birthday");
}

#[tokio::test]
async fn skipped_and_missing_fields_take_their_default() {
    assert_eq!(read::<Attributed>("Birthday", "{}").await.unwrap(), Attributed::Birthday { years: 0 });
    let noted = |seen| Attributed::Noted { text: "hi".into(), seen, author: None };
    assert_eq!(stored(noted(true)).await, ("Noted".to_owned(), r#"{"t":"hi"}"#.to_owned()));
    assert_eq!(read::<Attributed>("Noted", r#"{"t":"hi"}"#).await.unwrap(), noted(false));
}

#[tokio::test]
async fn fields_that_the_type_no_longer_has_are_passed_over() {
    let read = read::<Attributed>("MovedHouse", r#"{"newAddress":"here","movers":["bob"]}"#).await.unwrap();
    assert_eq!(read, Attributed::MovedHouse { new_address: "here".into() });
}

#[tokio::test]
async fn a_variant_that_has_lost_its_content_still_reads_events_that_have_some() {
    #[event]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Slim {
        Closed,
    }
    assert_eq!(
        read::<Slim>("Closed", r#"{"reason":{"code":[1,2]},"by":"ann"}"#).await.unwrap(),
        Slim::Closed
    );
}

#[tokio::test]
async fn a_variant_that_has_gained_content_reads_the_default_from_events_without() {
    #[event]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Grown {
        Closed {
            #[serde(default)]
            reason: String,
        },
    }
    assert_eq!(read::<Grown>("Closed", "{}").await.unwrap(), Grown::Closed { reason: String::new() });
}

#[tokio::test]
async fn a_form_of_its_own_for_a_field_or_a_variant_is_kept() {
    assert_eq!(stored(Attributed::Numbered(255)).await, ("Numbered".to_owned(), r#""ff""#.to_owned()));
    let more = BTreeMap::from([("colour".to_owned(), "red".to_owned())]);
    let extended = Attributed::Extended { id: 1, more };
    assert_eq!(stored(extended.clone()).await.1, r#"{"id":1,"colour":"red"}"#);
    assert_round_trips(vec![Attributed::Numbered(16), Attributed::Tallied { sum: 17 }, extended]).await;
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum WithSkipped {
    First(u8),
    #[serde(skip)]
    Never,
    Second(u8),
    #[serde(skip_deserializing)]
    WriteOnly(u8),
    #[serde(skip_serializing)]
    ReadOnly(u8),
    Last(u8),
}

#[tokio::test]
async fn variants_that_serde_skips_do_not_shift_the_others() {
    assert_round_trips(vec![WithSkipped::First(1), WithSkipped::Second(2), WithSkipped::Last(3)]).await;
    assert_eq!(read::<WithSkipped>("ReadOnly", "4").await.unwrap(), WithSkipped::ReadOnly(4));
}

#[tokio::test]
async fn a_variant_that_serde_does_not_write_or_does_not_read_cannot_be_appended() {
    for event in [WithSkipped::Never, WithSkipped::ReadOnly(1), WithSkipped::WriteOnly(1)] {
        let store = EventStore::new();
        let refused = store.append("stream", vec![event]).await;
        assert!(matches!(refused, Err(Error::Encode { .. })), "{refused:?}");
        assert_eq!(store.stats().await.unwrap().total_events, 0);
    }
}

#[tokio::test]
async fn a_variant_that_serde_does_not_read_is_a_decode_error() {
    assert!(matches!(read::<WithSkipped>("Never", "{}").await, Err(Error::Decode(_))));
    assert!(matches!(read::<WithSkipped>("WriteOnly", "1").await, Err(Error::Decode(_))));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Reason {
    Fire,
    Flood { metres: u8 },
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
enum InternallyTagged {
    Started,
    Stopped { at: u32 },
    Evacuated(Moved),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Moved {
    reason: Reason,
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum AdjacentlyTagged {
    Started,
    Stopped { at: u32 },
    Evacuated(Reason),
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Stopped { at: u32 },
    Evacuated(Reason),
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum PartlyUntagged {
    Stopped {
        at: u32,
    },
    Evacuated(Reason),
    #[serde(untagged)]
    Anything(BTreeMap<String, u32>),
}

#[tokio::test]
async fn an_enum_with_a_representation_of_its_own_is_stored_in_it_under_its_variants_names() {
    assert_eq!(
        stored(InternallyTagged::Stopped { at: 1 }).await,
        ("Stopped".into(), r#"{"t":"Stopped","at":1}"#.into())
    );
    assert_eq!(stored(AdjacentlyTagged::Started).await, ("Started".into(), r#"{"t":"Started"}"#.into()));
    assert_eq!(stored(Untagged::Evacuated(Reason::Fire)).await, ("Evacuated".into(), r#""Fire""#.into()));
}

#[tokio::test]
async fn internally_tagged_enums_round_trip() {
    assert_round_trips(vec![
        InternallyTagged::Started,
        InternallyTagged::Stopped { at: 1 },
        InternallyTagged::Evacuated(Moved { reason: Reason::Flood { metres: 2 } }),
    ])
    .await;
}

#[tokio::test]
async fn adjacently_tagged_enums_round_trip() {
    assert_round_trips(vec![
        AdjacentlyTagged::Started,
        AdjacentlyTagged::Stopped { at: 1 },
        AdjacentlyTagged::Evacuated(Reason::Fire),
        AdjacentlyTagged::Evacuated(Reason::Flood { metres: 2 }),
    ])
    .await;
}

#[tokio::test]
async fn untagged_enums_round_trip() {
    assert_round_trips(vec![
        Untagged::Stopped { at: 1 },
        Untagged::Evacuated(Reason::Fire),
        Untagged::Evacuated(Reason::Flood { metres: 2 }),
    ])
    .await;
}

#[tokio::test]
async fn an_enum_with_an_untagged_variant_round_trips() {
    assert_round_trips(vec![
        PartlyUntagged::Stopped { at: 1 },
        PartlyUntagged::Evacuated(Reason::Flood { metres: 2 }),
        PartlyUntagged::Anything(BTreeMap::from([("at".to_owned(), 3)])),
    ])
    .await;
}

/// Stored as something else, whose variants stand in another order.
#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
enum Converted {
    Opened(u8),
    Closed(u8),
}

#[derive(Serialize, Deserialize)]
enum Stored {
    Shut(u8),
    Unlocked(u8),
}

impl From<Stored> for Converted {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Shut(door) => Self::Closed(door),
            Stored::Unlocked(door) => Self::Opened(door),
        }
    }
}

impl From<Converted> for Stored {
    fn from(event: Converted) -> Self {
        match event {
            Converted::Closed(door) => Self::Shut(door),
            Converted::Opened(door) => Self::Unlocked(door),
        }
    }
}

#[tokio::test]
async fn an_enum_that_serde_converts_round_trips() {
    assert_round_trips(vec![Converted::Opened(1), Converted::Closed(2)]).await;
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum WithCatchAll {
    Opened,
    Closed,
    #[serde(other)]
    Unknown,
}

#[tokio::test]
async fn serdes_catch_all_variant_takes_nothing_that_has_a_name() {
    assert_round_trips(vec![WithCatchAll::Opened, WithCatchAll::Closed, WithCatchAll::Unknown]).await;
    assert_eq!(WithCatchAll::variants().len(), 3);
}
