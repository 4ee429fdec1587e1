//! Histories of fields that generated code could read wrongly.

use std::collections::HashMap;

use allframe_cqrs::{EventTypeName, VersionRegistry, event};
use serde::{Deserialize, Serialize};

use crate::reading::{read, stored_json, told};

/// What the application calls its own must not be taken for what the macro made.
#[tokio::test]
async fn functions_and_types_of_any_name_convert() {
    #[event(version = 2)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Measured {
        #[converted(version = 2, with = earlier)]
        length: Earlier,
        #[converted(version = 2, with = payload)]
        width: u64,
        #[added(version = 2, default = kind())]
        height: u64,
        #[added(version = 2, default = schema_version())]
        depth: u64,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Earlier(u64);
    fn earlier(length: u32) -> Earlier {
        Earlier(length.into())
    }
    fn payload(width: String) -> u64 {
        width.len() as u64
    }
    fn kind() -> u64 {
        8
    }
    fn schema_version() -> u64 {
        9
    }
    let backend = stored_json("Measured", 1, r#"{"length":7,"width":"abc"}"#).await;
    let measured = Measured { length: Earlier(7), width: 3, height: 8, depth: 9 };
    assert_eq!(read::<Measured>(&backend).await.unwrap(), [measured]);
}

#[tokio::test]
async fn a_field_may_hold_the_event_itself() {
    #[event(version = 2)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Corrected {
        before: Option<Box<Self>>,
        others: HashMap<String, Vec<Self>>,
        #[renamed(from = "sum", version = 2)]
        amount: u64,
    }
    // What is inside has no version of its own: it reads as today's.
    let payload = r#"{"before":{"before":null,"others":{},"amount":1},"others":{},"sum":2}"#;
    let backend = stored_json("Corrected", 1, payload).await;
    let before = Corrected { before: None, others: HashMap::new(), amount: 1 };
    let corrected = Corrected { before: Some(Box::new(before)), others: HashMap::new(), amount: 2 };
    assert_eq!(read::<Corrected>(&backend).await.unwrap(), [corrected]);
}

#[tokio::test]
async fn where_a_field_is_gone_another_may_come_under_its_name() {
    #[event(version = 3)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Booked {
        #[removed(version = 2)]
        clerk: u32,
        #[added(version = 3, default = "nobody")]
        clerk: String,
    }
    for (version, payload) in [(1, r#"{"clerk":7}"#), (2, "{}"), (3, r#"{"clerk":"nobody"}"#)] {
        let backend = stored_json("Booked", version, payload).await;
        assert_eq!(read::<Booked>(&backend).await.unwrap(), [Booked { clerk: "nobody".into() }], "{version}");
    }
}

/// Its conversion says of which type it was, and never runs: nobody asks for its value.
#[tokio::test]
async fn a_field_that_was_converted_before_it_went_is_read_and_dropped() {
    #[event(version = 3)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Booked {
        #[converted(version = 2, with = never)]
        #[removed(version = 3)]
        clerk: String,
        amount: u64,
    }
    fn never(_: u32) -> String {
        unreachable!("nobody asks for it")
    }
    for (version, payload) in [(1, r#"{"clerk":7,"amount":1}"#), (2, r#"{"clerk":"ann","amount":1}"#)] {
        let backend = stored_json("Booked", version, payload).await;
        assert_eq!(read::<Booked>(&backend).await.unwrap(), [Booked { amount: 1 }], "{version}");
    }
    let text = stored_json("Booked", 1, r#"{"clerk":"ann","amount":1}"#).await;
    assert!(read::<Booked>(&text).await.is_err());
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Account {
    #[event(version = 2)]
    Frozen {
        #[added(version = 2, default = "nobody")]
        by: String,
    },
}

#[tokio::test]
async fn a_variant_that_had_no_content_may_get_fields() {
    for payload in ["null", "{}"] {
        let backend = stored_json("Frozen", 1, payload).await;
        let frozen = Account::Frozen { by: "nobody".into() };
        assert_eq!(read::<Account>(&backend).await.unwrap(), [frozen], "{payload}");
    }
    assert!(read::<Account>(&stored_json("Frozen", 1, "7").await).await.is_err());
}

#[cfg(feature = "bincode")]
#[tokio::test]
async fn a_variant_that_had_no_content_may_get_fields_in_a_form_that_does_not_describe_itself() {
    mod before {
        #[allframe_cqrs::event]
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        pub(super) enum Account {
            Frozen,
        }
    }
    let backend =
        crate::reading::stored_with(allframe_cqrs::PayloadCodec::Bincode, vec![before::Account::Frozen])
            .await;
    assert_eq!(read::<Account>(&backend).await.unwrap(), [Account::Frozen { by: "nobody".into() }]);
}

#[tokio::test]
async fn an_event_that_is_written_as_its_only_field_is_read_as_that() {
    #[event(version = 2)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Paid {
        #[converted(version = 2, with = |euros: u32| u64::from(euros) * 100)]
        cents: u64,
    }
    let backend = stored_json("Paid", 1, "7").await;
    assert_eq!(read::<Paid>(&backend).await.unwrap(), [Paid { cents: 700 }]);
}

#[tokio::test]
async fn a_field_may_get_its_first_name_back_and_two_may_swap_theirs() {
    #[event(version = 3)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Named {
        #[renamed(from = "owner", version = 2)]
        #[renamed(from = "holder", version = 3)]
        owner: String,
        #[renamed(from = "to", version = 2)]
        from: u32,
        #[renamed(from = "from", version = 2)]
        to: u32,
    }
    let named = Named { owner: "ann".into(), from: 1, to: 2 };
    for (version, payload) in [
        (1, r#"{"owner":"ann","to":1,"from":2}"#),
        (2, r#"{"holder":"ann","from":1,"to":2}"#),
        (3, r#"{"owner":"ann","from":1,"to":2}"#),
    ] {
        let backend = stored_json("Named", version, payload).await;
        assert_eq!(read::<Named>(&backend).await.unwrap(), std::slice::from_ref(&named), "{version}");
    }
}

#[tokio::test]
async fn a_field_that_has_no_name_in_the_payload_is_in_no_other_s_way() {
    #[event(version = 2)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Named {
        #[renamed(from = "rest", version = 2)]
        owner: String,
        #[serde(flatten)]
        rest: HashMap<String, u32>,
        #[serde(skip)]
        #[renamed(from = "seen", version = 2)]
        known: bool,
        #[serde(skip)]
        seen: bool,
    }
    let backend = stored_json("Named", 1, r#"{"rest":"ann","a":1}"#).await;
    let named =
        Named { owner: "ann".into(), rest: HashMap::from([("a".into(), 1)]), known: false, seen: false };
    assert_eq!(read::<Named>(&backend).await.unwrap(), [named]);
}

#[tokio::test]
async fn a_default_is_of_the_version_that_added_the_field_and_is_converted_as_what_was_written() {
    #[event(version = 3)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Booked {
        #[added(version = 2, default = "seven")]
        #[converted(version = 3, with = |text: String| text.len())]
        length: usize,
    }
    for (version, payload) in [(1, "{}"), (2, r#"{"length":"seven"}"#), (3, r#"{"length":5}"#)] {
        let backend = stored_json("Booked", version, payload).await;
        assert_eq!(read::<Booked>(&backend).await.unwrap(), [Booked { length: 5 }], "{version}");
    }
}

#[tokio::test]
async fn a_field_with_the_name_of_a_keyword_is_told_by_that_name() {
    #[event(version = 2)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Opened {
        #[renamed(from = "kind", version = 2)]
        #[converted(version = 2, try_with = no_kind)]
        r#type: u32,
    }
    fn no_kind(kind: String) -> Result<u32, String> {
        kind.parse().map_err(|_| kind)
    }
    let backend = stored_json("Opened", 1, r#"{"kind":"7"}"#).await;
    assert_eq!(read::<Opened>(&backend).await.unwrap(), [Opened { r#type: 7 }]);
    let told = told(read::<Opened>(&stored_json("Opened", 1, r#"{"kind":"x"}"#).await).await.unwrap_err());
    assert!(told.contains("`type`"), "{told}");
}

/// Nothing is read by itself there, so that nothing has to be known of the default.
#[test]
fn an_event_whose_earlier_versions_take_upcasters_may_have_a_default_as_a_whole() {
    #[event(version = 2, upcasters = upcasters)]
    #[derive(Clone, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Opened {
        owner: String,
    }
    fn upcasters() -> VersionRegistry<Opened> {
        VersionRegistry::new()
    }
    assert_eq!(Opened::variants()[0].declared_since, 2);
}
