//! What fields say of themselves is enough for most changes.

use allframe_cqrs::{EventStore, EventTypeName, PayloadCodec, event};
use serde::{Deserialize, Serialize};

use crate::reading::{read, stored, stored_json, stored_with, told};

/// How the event was written over the years, each by a program of its own.
mod v1 {
    use super::*;

    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    pub(super) struct Booked {
        pub(super) id: u32,
        pub(super) euros: f64,
        pub(super) clerk: String,
    }
}

mod v2 {
    use super::*;

    #[event(version = 2)]
    #[derive(Clone, Serialize, Deserialize)]
    pub(super) struct Booked {
        #[renamed(from = "id", version = 2)]
        pub(super) number: u32,
        pub(super) euros: f64,
        pub(super) clerk: String,
        #[added(version = 2, default = "EUR")]
        pub(super) currency: String,
    }
}

#[event(version = 4)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Booked {
    #[renamed(from = "id", version = 2)]
    number: u32,
    #[converted(version = 3, with = cents_of)]
    #[renamed(from = "euros", version = 3)]
    cents: i64,
    #[removed(version = 3)]
    clerk: String,
    #[added(version = 2, default = "EUR")]
    currency: String,
    #[added(version = 4)]
    note: Option<String>,
}

#[allow(clippy::cast_possible_truncation, reason = "amounts of a test are small")]
fn cents_of(euros: f64) -> i64 {
    (euros * 100.0).round() as i64
}

fn booked(number: u32, cents: i64, currency: &str) -> Booked {
    Booked { number, cents, currency: currency.to_owned(), note: None }
}

#[tokio::test]
async fn every_earlier_version_of_a_struct_reads_as_today_s() {
    let first = v1::Booked { id: 7, euros: 12.34, clerk: "ann".into() };
    assert_eq!(read::<Booked>(&stored(vec![first]).await).await.unwrap(), [booked(7, 1234, "EUR")]);

    let second = v2::Booked { number: 7, euros: 0.5, clerk: "bob".into(), currency: "USD".into() };
    assert_eq!(read::<Booked>(&stored(vec![second]).await).await.unwrap(), [booked(7, 50, "USD")]);

    let third = stored_json("Booked", 3, r#"{"number":7,"cents":5,"currency":"CHF"}"#).await;
    assert_eq!(read::<Booked>(&third).await.unwrap(), [booked(7, 5, "CHF")]);
}

/// bincode says nothing of its fields; the history does, with their types and their order.
#[cfg(feature = "bincode")]
#[tokio::test]
async fn a_payload_that_does_not_describe_itself_reads_as_today_s_too() {
    let first = v1::Booked { id: 7, euros: 12.34, clerk: "ann".into() };
    let backend = stored_with(PayloadCodec::Bincode, vec![first]).await;
    assert_eq!(read::<Booked>(&backend).await.unwrap(), [booked(7, 1234, "EUR")]);
}

#[tokio::test]
async fn today_s_version_is_what_is_written() {
    let backend = stored_with(PayloadCodec::Json, vec![booked(7, 5, "EUR")]).await;
    let record = EventStore::<Booked, _>::with_backend(backend.clone());
    let found = record.get_matching(&allframe_cqrs::EventFilter::all()).await.unwrap().events.remove(0);
    assert_eq!(found.record.schema_version, 4);
    assert_eq!(found.record.payload, r#"{"number":7,"cents":5,"currency":"EUR","note":null}"#);
    assert_eq!((Booked::variants()[0].schema_version, Booked::variants()[0].declared_since), (4, 1));
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
enum Account {
    #[event(version = 2, rename = "AccountOpened", aliases("Opened"))]
    Opened {
        account_owner: String,
        #[added(version = 2, default = 100)]
        credit_limit: u64,
    },
    #[event(version = 3, unchanged(2))]
    Closed {
        #[converted(version = 3, try_with = reason_of)]
        why: Reason,
    },
    #[event(version = 2, unchanged(2))]
    Moved(u32, String),
    Frozen,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Reason {
    Moved,
    Died,
}

fn reason_of(code: u8) -> Result<Reason, String> {
    match code {
        1 => Ok(Reason::Moved),
        2 => Ok(Reason::Died),
        other => Err(format!("there was no reason {other}")),
    }
}

#[tokio::test]
async fn variants_have_versions_of_their_own() {
    let opened = Account::Opened { account_owner: "ann".into(), credit_limit: 100 };
    // Under each name that it ever had.
    for name in ["Opened", "AccountOpened"] {
        let backend = stored_json(name, 1, r#"{"accountOwner":"ann"}"#).await;
        assert_eq!(read::<Account>(&backend).await.unwrap(), std::slice::from_ref(&opened));
    }
    for version in [1, 2] {
        let backend = stored_json("Closed", version, r#"{"why":2}"#).await;
        assert_eq!(read::<Account>(&backend).await.unwrap(), [Account::Closed { why: Reason::Died }]);
    }
    let backend = stored_json("Moved", 1, r#"[3,"x"]"#).await;
    assert_eq!(read::<Account>(&backend).await.unwrap(), [Account::Moved(3, "x".into())]);
}

#[tokio::test]
async fn a_value_that_cannot_be_converted_is_an_error_that_names_the_field() {
    let error = read::<Account>(&stored_json("Closed", 1, r#"{"why":9}"#).await).await.unwrap_err();
    let told = told(error);
    assert!(told.contains("`why`") && told.contains("there was no reason 9"), "{told}");
}

#[tokio::test]
async fn what_has_not_the_form_of_its_version_is_an_error() {
    // Of version 1, but with a field of version 2, and none of version 1.
    let error = read::<Booked>(&stored_json("Booked", 1, r#"{"number":7}"#).await).await.unwrap_err();
    let told = told(error);
    assert!(told.contains("schema version 1") && told.contains("missing field `id`"), "{told}");
}

/// A conversion is code of the application, and may panic.
#[tokio::test]
async fn a_conversion_that_panics_is_an_error() {
    #[event(version = 2)]
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Shaky {
        #[converted(version = 2, with = shaky)]
        value: u32,
    }
    fn shaky(value: u32) -> u32 {
        10_u32.checked_div(value).unwrap()
    }
    let error = read::<Shaky>(&stored_json("Shaky", 1, r#"{"value":0}"#).await).await.unwrap_err();
    assert!(told(error).contains("panicked"));
}

#[tokio::test]
async fn what_serde_is_told_of_a_field_holds_for_its_earlier_versions() {
    #[event(version = 3)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Told {
        #[serde(default)]
        left_out: u32,
        #[serde(rename = "x", alias = "xx")]
        #[renamed(from = "y", version = 3)]
        given_name: u32,
        #[removed(version = 2)]
        #[serde(default)]
        long_gone: Option<u8>,
        #[serde(with = "as_text")]
        count: u32,
        #[added(version = 3, default = vec![1, 2])]
        list: Vec<u32>,
    }
    mod as_text {
        use serde::{Deserialize, Deserializer, Serializer};

        pub(super) fn serialize<S: Serializer>(count: &u32, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&count.to_string())
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        }
    }
    let told = Told { left_out: 0, given_name: 4, count: 5, list: vec![1, 2] };
    for (version, payload) in [
        (1, r#"{"y":4,"longGone":1,"count":"5"}"#),
        (1, r#"{"xx":4,"count":"5"}"#),
        (2, r#"{"y":4,"count":"5"}"#),
        (3, r#"{"x":4,"count":"5","list":[1,2]}"#),
    ] {
        let backend = stored_json("Told", version, payload).await;
        assert_eq!(read::<Told>(&backend).await.unwrap(), std::slice::from_ref(&told), "{payload}");
    }
    // Gone since version 2, and what is unknown is refused.
    assert!(
        read::<Told>(&stored_json("Told", 2, r#"{"y":4,"longGone":1,"count":"5"}"#).await).await.is_err()
    );
}

#[tokio::test]
async fn a_field_is_converted_as_often_as_it_changed() {
    #[event(version = 3)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Measured {
        #[converted(version = 2, try_with = |text: String| u32::try_from(text.len()))]
        #[converted(version = 3, from = u32, with = u64::from)]
        length: u64,
    }
    for (version, payload) in [(1, r#"{"length":"abc"}"#), (2, r#"{"length":3}"#), (3, r#"{"length":3}"#)] {
        let backend = stored_json("Measured", version, payload).await;
        assert_eq!(read::<Measured>(&backend).await.unwrap(), [Measured { length: 3 }], "{version}");
    }
}
