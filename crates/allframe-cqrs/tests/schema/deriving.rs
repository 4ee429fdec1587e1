//! What `#[event(schema)]` makes of a type: the schemas of what is stored, and of what was.

use allframe_cqrs::{
    EventStore, InMemoryBackend, ReadAll,
    schema::{EventSchema, EventSchemas, incompatibilities},
    schemars::{self, JsonSchema},
};
use allframe_cqrs::{EventStoreBackend as _, UnknownEvent, event};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[event(schema)]
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
enum Account {
    /// Somebody has come.
    #[event(rename = "AccountOpened", aliases("Created"), version = 2)]
    Opened {
        account_owner: String,
        #[added(version = 2, default = 100)]
        #[serde(default)]
        credit_limit: u32,
    },
    Deposited(Money),
    Moved(u32, Option<String>),
    Frozen,
    Renamed {
        #[serde(alias = "title")]
        name: String,
    },
    #[event(unknown)]
    Unknown(UnknownEvent),
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Money {
    amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip)]
    #[allow(dead_code, reason = "it is not stored")]
    cached: u8,
}

fn of<E: EventSchemas>(name: &str, version: u32) -> EventSchema {
    let found = E::schemas().into_iter().find(|it| it.event_type == name && it.schema_version == version);
    found.unwrap_or_else(|| panic!("no schema of {name} version {version}"))
}

#[test]
fn each_name_and_version_has_a_schema() {
    let schemas = Account::schemas();
    let found: Vec<_> = schemas.iter().map(|it| (&*it.event_type, it.schema_version)).collect();
    assert_eq!(
        found,
        [
            ("AccountOpened", 1),
            ("AccountOpened", 2),
            ("Deposited", 1),
            ("Moved", 1),
            ("Frozen", 1),
            ("Renamed", 1)
        ]
    );
}

#[test]
fn the_schema_of_a_variant_is_that_of_its_content() {
    let opened = of::<Account>("AccountOpened", 2);
    assert_eq!(opened.schema["required"], json!(["accountOwner", "creditLimit"]));
    assert_eq!(opened.read_schema["required"], json!(["accountOwner"]));
    assert_eq!(of::<Account>("AccountOpened", 1).schema["required"], json!(["accountOwner"]));
    assert_eq!(of::<Account>("Frozen", 1).schema["type"], "object");
    assert_eq!(of::<Account>("Moved", 1).schema["maxItems"], 2);
}

/// Everything that is stored of a type is valid under the schema of its name and version.
#[tokio::test]
async fn what_is_stored_is_valid_under_its_schema() {
    let backend = InMemoryBackend::new();
    let money = |note: Option<&str>| Money { amount: 5, note: note.map(str::to_owned), cached: 1 };
    let events = vec![
        Account::Opened { account_owner: "ann".into(), credit_limit: 7 },
        Account::Deposited(money(None)),
        Account::Deposited(money(Some("rent"))),
        Account::Moved(7, None),
        Account::Frozen,
        Account::Renamed { name: "bob".into() },
    ];
    EventStore::with_backend(backend.clone()).append("account-1", events).await.unwrap();
    let stored = backend.read_all(&ReadAll::forward()).await.unwrap().events;
    assert_eq!(stored.len(), 6);
    for record in stored {
        let payload: Value = serde_json::from_slice(&record.payload).unwrap();
        let EventSchema { schema, read_schema, .. } =
            of::<Account>(record.event_type.as_str(), record.schema_version);
        for schema in [schema, read_schema] {
            let validator = jsonschema::validator_for(&schema).unwrap();
            assert!(validator.is_valid(&payload), "{payload} under {schema}");
        }
    }
}

/// Each as it was written by a program of its time, and as today's type says that it was.
mod history {
    use super::*;

    mod v1 {
        use super::*;

        #[event(schema)]
        #[derive(Clone, Serialize, Deserialize)]
        pub(super) struct Booked {
            pub(super) id: u32,
            pub(super) euros: f64,
            pub(super) clerk: String,
            pub(super) code: u8,
        }
    }

    #[event(schema, version = 4)]
    #[derive(Clone, Serialize, Deserialize)]
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
        #[converted(version = 2, try_with = letter_of, from = u8)]
        #[schemars(length(max = 1))]
        code: String,
    }

    #[allow(clippy::cast_possible_truncation, reason = "so few euros fit")]
    fn cents_of(euros: f64) -> i64 {
        (euros * 100.0).round() as i64
    }

    fn letter_of(code: u8) -> Result<String, std::num::TryFromIntError> {
        Ok(char::from(code).to_string())
    }

    #[test]
    fn an_earlier_version_has_the_schema_that_it_had_then() {
        let (then, now) = (of::<v1::Booked>("Booked", 1), of::<Booked>("Booked", 1));
        assert_eq!(now.schema["properties"], then.schema["properties"]);
        assert_eq!(now.fingerprint, then.fingerprint);
        assert_eq!(
            of::<Booked>("Booked", 3).schema["required"],
            json!(["number", "cents", "currency", "code"])
        );
        assert_eq!(of::<Booked>("Booked", 4).schema["properties"]["code"]["maxLength"], 1);
    }
}

/// JSON schemas know no aliases; serde reads them.
#[test]
fn a_field_is_read_by_its_alias() {
    let earlier =
        json!({ "type": "object", "properties": { "title": { "type": "string" } }, "required": ["title"] });
    let renamed = of::<Account>("Renamed", 1);
    assert_eq!(incompatibilities(&renamed.read_schema, &earlier), []);
    assert_eq!(incompatibilities(&renamed.schema, &renamed.schema), []);
}

/// Serde takes no field twice.
#[test]
fn a_field_and_its_alias_are_not_read_together() {
    let earlier = json!({
        "type": "object",
        "properties": { "title": { "type": "string" }, "name": { "type": "string" } },
        "required": ["title", "name"],
    });
    #[event(schema, rename = "Renamed")]
    #[derive(Clone, Serialize, Deserialize)]
    struct Named {
        #[serde(alias = "title")]
        name: String,
    }
    let found = incompatibilities(&of::<Named>("Renamed", 1).read_schema, &earlier);
    let told: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["`/title` is written beside `name`, and both are read as the same field"]);
    assert!(serde_json::from_value::<Named>(json!({ "title": "a", "name": "b" })).is_err());
}

#[test]
fn a_struct_with_parameters_has_a_schema_where_they_have() {
    #[event(schema, rename = "Noted")]
    #[derive(Clone, Serialize, Deserialize)]
    struct Noted<T> {
        what: T,
    }
    assert_eq!(of::<Noted<bool>>("Noted", 1).schema["properties"]["what"]["type"], "boolean");
}

#[test]
fn an_enum_with_a_form_of_its_own_has_the_schema_of_the_whole() {
    #[event(schema)]
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Opened { owner: String },
        Closed,
    }
    let schemas = Tagged::schemas();
    assert_eq!(schemas.len(), 2);
    let validator = jsonschema::validator_for(&schemas[1].schema).unwrap();
    assert!(validator.is_valid(&json!({ "kind": "Opened", "owner": "ann" })));
    assert!(validator.is_valid(&serde_json::to_value(Tagged::Closed).unwrap()));
}

#[test]
fn who_derives_the_schema_of_a_type_by_himself_may() {
    #[event(schema)]
    #[derive(Clone, Serialize, Deserialize, JsonSchema)]
    #[schemars(deny_unknown_fields)]
    struct Closed {
        why: String,
    }
    assert_eq!(of::<Closed>("Closed", 1).schema["additionalProperties"], json!(false));
}

#[test]
fn words_for_people_change_no_fingerprint() {
    mod documented {
        use super::*;

        /// With words.
        #[event(schema)]
        #[derive(Clone, Serialize, Deserialize)]
        pub(super) struct Opened {
            /// Of whom.
            pub(super) owner: String,
        }
    }
    #[event(schema)]
    #[derive(Clone, Serialize, Deserialize)]
    struct Opened {
        owner: String,
    }
    assert_eq!(of::<Opened>("Opened", 1).fingerprint, of::<documented::Opened>("Opened", 1).fingerprint);
}
