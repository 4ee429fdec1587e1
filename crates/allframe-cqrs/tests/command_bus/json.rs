use std::sync::{Arc, Mutex};

use allframe_cqrs::{
    CommandBus, CommandError, DispatchContext, EventStore, Execution, ValidationError, command,
    middleware::{Audit, AuditEntry, Authorise, Request},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bank::{AccountEvent, AccountEvent::Opened, Bank};

#[command(json, stream = "account-{account}")]
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OpenFromJson {
    account: u32,
    owner_name: String,
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Serialize, Deserialize, allframe_cqrs::schemars::JsonSchema)]
#[schemars(crate = "allframe_cqrs::schemars")]
struct Item {
    sku: String,
    count: u8,
}

fn bus() -> CommandBus<AccountEvent> {
    CommandBus::builder(EventStore::new())
        .function(|command: OpenFromJson| async move { vec![Opened { owner: command.owner_name }] })
        .build()
        .unwrap()
}

async fn refused(value: Value) -> Vec<(String, String)> {
    match bus().dispatch_json("OpenFromJson", value).await.unwrap_err() {
        CommandError::Validation(errors) => {
            assert!(errors.iter().all(|error: &ValidationError| !error.message.is_empty()));
            errors.into_iter().map(|error| (error.field, error.code)).collect()
        }
        other => panic!("{other}"),
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(field, code)| (field.to_string(), code.to_string())).collect()
}

#[tokio::test]
async fn a_command_from_json_is_carried_out_as_any_other() {
    let bus = bus();
    let value = json!({ "account": 7, "ownerName": "ann", "items": [{ "sku": "tea", "count": 1 }] });
    let done = bus.dispatch_json("OpenFromJson", value.clone()).await.unwrap();
    assert_eq!(
        (&done.events[..], done.appended[0].stream.as_str()),
        (&[Opened { owner: "ann".into() }][..], "account-7")
    );
    let first = bus.dispatch_json_idempotent("OpenFromJson", value.clone(), "k").await.unwrap();
    let second = bus.dispatch_json_idempotent("OpenFromJson", value, "k").await.unwrap();
    assert_eq!((first.execution, second.execution), (Execution::First, Execution::Repeated));
}

#[tokio::test]
async fn every_field_that_fails_is_named_as_it_is_called_in_json() {
    let found =
        refused(json!({ "account": "seven", "items": [{ "sku": "tea", "count": 300 }, { "count": 1 }] }))
            .await;
    assert_eq!(
        found,
        pairs(&[
            ("account", "type"),
            ("items[0].count", "maximum"),
            ("items[1].sku", "required"),
            ("ownerName", "required")
        ])
    );
    assert_eq!(
        refused(json!({ "account": 7, "ownerName": "ann", "colour": 1 })).await,
        pairs(&[("colour", "additionalProperties")])
    );
    assert_eq!(refused(json!("seven")).await, pairs(&[("", "type")]));
    assert_eq!(refused(Value::Null).await, pairs(&[("", "type")]));
}

#[tokio::test]
async fn names_that_no_command_has_and_commands_that_json_does_not_reach_are_told_apart() {
    let error = bus().dispatch_json("Opne", json!({})).await.unwrap_err();
    assert!(matches!(&error, CommandError::NotFound(name) if name == "Opne"), "{error}");
    let error = Bank::new().bus.dispatch_json("Deposit", json!({})).await.unwrap_err();
    assert!(matches!(error, CommandError::NoJsonForm { command: "Deposit" }), "{error}");
}

/// What is wrong with a command is told behind the layers: who may not send it learns nothing, and it is on the record.
#[tokio::test]
async fn a_command_that_cannot_be_read_goes_through_the_layers_too() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let bus = CommandBus::builder(EventStore::new())
        .layer(Audit::new(move |entry: &AuditEntry<'_>| {
            kept.lock().unwrap().push((entry.context.name(), entry.outcome));
        }))
        .layer(Authorise::new(|request: &Request| match request.context().metadata().get("user") {
            Some(_) => Ok(()),
            None => Err("sign in first".to_owned()),
        }))
        .function(|command: OpenFromJson| async move { vec![Opened { owner: command.owner_name }] })
        .build()
        .unwrap();
    let stranger = bus.dispatch_json("OpenFromJson", json!({})).await.unwrap_err();
    assert!(matches!(stranger, CommandError::Denied(_)), "{stranger}");
    let ann = DispatchContext::new().with("user", "ann");
    let invalid = bus.dispatch_json_with(ann, "OpenFromJson", json!({})).await.unwrap_err();
    assert!(matches!(invalid, CommandError::Validation(_)), "{invalid}");
    assert_eq!(*told.lock().unwrap(), [("OpenFromJson", "denied"), ("OpenFromJson", "invalid")]);
}

#[test]
fn the_schema_can_be_shown_to_whoever_writes_the_commands() {
    let schema = bus().json_schema("OpenFromJson").unwrap();
    assert_eq!(schema["required"], json!(["account", "ownerName"]));
    assert_eq!(bus().json_schema("Opne"), None);
}

/// Rules of a field are in the schema where JSON Schema has them, and checked after it where not; each failure is told once.
#[cfg(feature = "validation")]
#[tokio::test]
async fn what_the_declaration_asks_of_a_field_is_asked_of_json_too() {
    #[command(json, stream = "account-{account}")]
    #[derive(Deserialize)]
    struct Checked {
        #[validate(range(min = 1))]
        account: u32,
        #[validate(length(min = 2), custom(starts_upper))]
        owner: String,
    }
    fn starts_upper(owner: &str, _context: &()) -> garde::Result {
        match owner.starts_with(char::is_uppercase) {
            true => Ok(()),
            false => Err(garde::Error::new("starts small")),
        }
    }
    let bus = CommandBus::builder(EventStore::new())
        .function(|command: Checked| async move { vec![Opened { owner: command.owner }] })
        .build()
        .unwrap();
    let codes = async |value| match bus.dispatch_json("Checked", value).await.unwrap_err() {
        CommandError::Validation(errors) => {
            errors.into_iter().map(|error| (error.field, error.code)).collect::<Vec<_>>()
        }
        other => panic!("{other}"),
    };
    assert_eq!(
        codes(json!({ "account": 0, "owner": "a" })).await,
        pairs(&[("account", "minimum"), ("owner", "minLength")])
    );
    assert_eq!(
        codes(json!({ "account": 1, "owner": "ann" })).await,
        pairs(&[("owner", "validation_failed")])
    );
}

/// Of a value as large as a server lets in, made to be as costly as it can.
#[tokio::test]
async fn what_is_told_of_a_value_is_not_much_larger_than_the_value() {
    let size_of = async |value: Value| match bus().dispatch_json("OpenFromJson", value).await.unwrap_err() {
        CommandError::Validation(errors) => {
            (errors.len(), errors.iter().map(|error| error.message.len()).sum::<usize>())
        }
        other => panic!("{other}"),
    };
    let unknown = (0..5_000).map(|number| (format!("unknown-{number}"), json!(1)));
    let (errors, bytes) = size_of(Value::Object(unknown.collect())).await;
    assert_eq!(errors, 5_002);
    assert!(bytes < 500_000, "{bytes} bytes");
    let (errors, bytes) = size_of(json!({ "account": "x".repeat(1 << 20), "ownerName": "ann" })).await;
    assert_eq!(errors, 1);
    assert!(bytes < 1_000, "{bytes} bytes");
}

mod numbers_and_forms {
    use super::*;

    #[command(json, stream = "account-{account}")]
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "it is read from JSON alone")]
    struct Formed {
        account: u32,
        #[serde(default)]
        deltas: Vec<i32>,
        #[serde(default)]
        address: Option<Address>,
        #[serde(default)]
        payment: Option<Payment>,
        #[serde(default)]
        note: Option<Note>,
    }

    #[derive(Deserialize, allframe_cqrs::schemars::JsonSchema)]
    #[schemars(crate = "allframe_cqrs::schemars")]
    struct Address {
        #[expect(dead_code, reason = "it is read from JSON alone")]
        zip: u16,
    }

    #[derive(Deserialize, allframe_cqrs::schemars::JsonSchema)]
    #[schemars(crate = "allframe_cqrs::schemars")]
    #[serde(tag = "by")]
    #[expect(dead_code, reason = "it is read from JSON alone")]
    enum Payment {
        Card { digits: u8 },
        Transfer { iban: String },
    }

    #[derive(Deserialize, allframe_cqrs::schemars::JsonSchema)]
    #[schemars(crate = "allframe_cqrs::schemars")]
    #[expect(dead_code, reason = "it is read from JSON alone")]
    enum Note {
        Text(String),
        Number { value: u8 },
    }

    async fn dispatch(value: Value) -> Result<(), Vec<(String, String)>> {
        let bus = CommandBus::builder(EventStore::new())
            .function(
                |command: Formed| async move { vec![Opened { owner: command.deltas.len().to_string() }] },
            )
            .build()
            .unwrap();
        match bus.dispatch_json("Formed", value).await {
            Ok(_) => Ok(()),
            Err(CommandError::Validation(errors)) => {
                Err(errors.into_iter().map(|error| (error.field, error.code)).collect())
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn a_number_that_is_too_large_for_its_field_fails_there() {
        let value = json!({ "account": 5_000_000_000_u64, "deltas": [1, -3_000_000_000_i64, 1e300] });
        let expected = [("account", "maximum"), ("deltas[1]", "minimum"), ("deltas[2]", "maximum")];
        assert_eq!(dispatch(value).await, Err(pairs(&expected)));
    }

    #[tokio::test]
    async fn a_whole_number_is_an_integer_however_it_is_written() {
        assert_eq!(dispatch(json!({ "account": 7.0, "deltas": [-2.0] })).await, Ok(()));
        assert_eq!(dispatch(json!({ "account": 7.5 })).await, Err(pairs(&[("account", "type")])));
    }

    #[tokio::test]
    async fn what_fails_inside_an_option_or_a_variant_is_named() {
        let refused = async |name: &str, value: Value| {
            dispatch(json!({ "account": 7, name: value })).await.unwrap_err()
        };
        assert_eq!(refused("address", json!({ "zip": -1 })).await, pairs(&[("address.zip", "minimum")]));
        assert_eq!(refused("address", json!({})).await, pairs(&[("address.zip", "required")]));
        assert_eq!(
            refused("payment", json!({ "by": "Card", "digits": 300 })).await,
            pairs(&[("payment.digits", "maximum")])
        );
        assert_eq!(
            refused("payment", json!({ "by": "Transfer" })).await,
            pairs(&[("payment.iban", "required")])
        );
        assert_eq!(
            refused("note", json!({ "Number": { "value": 300 } })).await,
            pairs(&[("note.Number.value", "maximum")])
        );
        assert_eq!(refused("address", json!(7)).await, pairs(&[("address", "anyOf")]));
    }
}

/// The rules of the declaration know fields by their names in Rust.
#[cfg(feature = "validation")]
#[tokio::test]
async fn what_the_declaration_asks_is_told_by_the_names_in_json_and_once() {
    #[command(json, stream = "account-{account_no}")]
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Renamed {
        #[validate(range(min = 1))]
        account_no: u32,
        #[serde(rename = "holder")]
        #[validate(custom(starts_upper))]
        new_owner: String,
    }
    fn starts_upper(owner: &str, _context: &()) -> garde::Result {
        if owner.starts_with(char::is_uppercase) { Ok(()) } else { Err(garde::Error::new("starts small")) }
    }
    let bus = CommandBus::builder(EventStore::new())
        .function(|command: Renamed| async move { vec![Opened { owner: command.new_owner }] })
        .build()
        .unwrap();
    let error = bus.dispatch_json("Renamed", json!({ "accountNo": 0, "holder": "a" })).await.unwrap_err();
    let CommandError::Validation(errors) = error else { panic!("{error}") };
    let found: Vec<_> = errors.iter().map(|error| (&*error.field, &*error.code)).collect();
    assert_eq!(found, [("accountNo", "minimum"), ("holder", "validation_failed")]);
}

/// It is not `Serialize`: what tells two of them apart is the JSON that they came as.
#[tokio::test]
async fn a_key_belongs_to_one_command_from_json_by_what_it_came_as_and_may_come_with_a_context() {
    #[command(json, stream = "account-{account}")]
    #[derive(Deserialize)]
    struct Plain {
        account: u32,
    }
    let bus = CommandBus::builder(EventStore::new())
        .function(|_: Plain| async move { vec![Opened { owner: "ann".into() }] })
        .build()
        .unwrap();
    let context = || allframe_cqrs::DispatchContext::new().with("user", "ann").with_idempotency_key("k");
    let first = bus.dispatch_json_with(context(), "Plain", json!({ "account": 7 })).await.unwrap();
    let again = bus.dispatch_json_idempotent("Plain", json!({ "account": 7 }), "k").await.unwrap();
    assert_eq!((first.execution, again.execution), (Execution::First, Execution::Repeated));
    let other = bus.dispatch_json_with(context(), "Plain", json!({ "account": 8 })).await.unwrap_err();
    assert!(matches!(other, CommandError::KeyReused { .. }), "{other}");
}

/// Rules that JSON Schema does not have are told of every field, also where another one cannot be read.
#[cfg(feature = "validation")]
mod with_a_field_that_cannot_be_read {
    use std::str::FromStr;

    use super::*;

    #[command(json, stream = "user-{name}")]
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "it is read from JSON alone")]
    struct SignUp {
        age: u8,
        #[validate(custom(starts_upper))]
        name: String,
        email: Email,
        second_email: Option<Email>,
        #[validate(length(min = 1))]
        password: String,
        #[validate(matches(password))]
        again: String,
        #[serde(default)]
        #[validate(dive)]
        lines: Vec<Line>,
        #[serde(default)]
        default: Option<u8>,
    }

    #[derive(Deserialize, garde::Validate, allframe_cqrs::schemars::JsonSchema)]
    #[schemars(crate = "allframe_cqrs::schemars")]
    #[expect(dead_code, reason = "it is read from JSON alone")]
    struct Line {
        #[garde(custom(starts_upper))]
        text: String,
        #[garde(skip)]
        count: u8,
    }

    /// A text to the schema, of which only some are addresses.
    #[derive(Deserialize, allframe_cqrs::schemars::JsonSchema)]
    #[schemars(crate = "allframe_cqrs::schemars", with = "String")]
    #[serde(try_from = "String")]
    #[expect(dead_code, reason = "it is read from JSON alone")]
    struct Email(String);

    impl TryFrom<String> for Email {
        type Error = &'static str;

        fn try_from(text: String) -> Result<Self, &'static str> {
            // The empty one is what stands in for those that are none.
            if text.is_empty() || text.contains('@') { Ok(Self(text)) } else { Err("an address has an @") }
        }
    }

    fn starts_upper(text: &str, _context: &()) -> garde::Result {
        match text.starts_with(char::is_uppercase) {
            true => Ok(()),
            false => Err(garde::Error::new("starts small")),
        }
    }

    async fn found(changes: Value) -> Vec<(String, String)> {
        let bus = CommandBus::builder(EventStore::new())
            .function(|_: SignUp| async move { vec![Opened { owner: "ann".into() }] })
            .build()
            .unwrap();
        let mut value = json!({
            "age": 30, "name": "Ann", "email": "a@b", "password": "secret", "again": "secret",
        });
        let (Value::Object(fields), Value::Object(changes)) = (&mut value, changes) else { unreachable!() };
        fields.extend(changes);
        fields.retain(|_, value| *value != json!("gone"));
        match bus.dispatch_json("SignUp", value).await {
            Ok(_) => vec![],
            Err(CommandError::Validation(errors)) => {
                errors.into_iter().map(|error| (error.field, error.code)).collect()
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn the_rules_of_the_others_are_told_too() {
        assert_eq!(found(json!({})).await, []);
        let small = ("name", "validation_failed");
        let cases = [
            (json!({ "name": "ann", "age": "thirty" }), pairs(&[("age", "type"), small])),
            (json!({ "name": "ann", "age": "gone" }), pairs(&[("age", "required"), small])),
            (json!({ "name": "ann", "age": 300, "default": 300 }), {
                pairs(&[("age", "maximum"), ("default", "maximum"), small])
            }),
        ];
        for (changes, expected) in cases {
            assert_eq!(found(changes.clone()).await, expected, "{changes}");
        }
    }

    #[tokio::test]
    async fn what_fits_the_schema_and_cannot_be_read_is_told_with_its_field() {
        assert_eq!(
            found(json!({ "name": "ann", "email": "a", "second_email": "b", "age": -1 })).await,
            pairs(&[
                ("age", "minimum"),
                ("email", "unreadable"),
                ("name", "validation_failed"),
                ("second_email", "unreadable")
            ])
        );
    }

    #[tokio::test]
    async fn a_rule_that_looks_at_what_cannot_be_read_says_nothing() {
        assert_eq!(found(json!({ "again": "other" })).await, pairs(&[("again", "matches")]));
        assert_eq!(found(json!({ "password": 7 })).await, pairs(&[("password", "type")]));
    }

    #[tokio::test]
    async fn of_items_those_that_can_be_read_are_told_of() {
        let lines = json!([
            { "text": "tea", "count": 1 },
            { "text": "milk", "count": 300 },
            { "text": 7, "count": 1 },
            { "text": "Bread" },
        ]);
        let expected = [
            ("lines[0].text", "validation_failed"),
            ("lines[1].count", "maximum"),
            ("lines[2].text", "type"),
            ("lines[3].count", "required"),
        ];
        assert_eq!(found(json!({ "lines": lines })).await, pairs(&expected));
    }

    /// Each item is wrong, and in each another one is: nothing is compared with everything.
    #[tokio::test]
    async fn of_very_many_items_it_does_not_take_the_square() {
        let lines: Vec<_> =
            (0..50_000).map(|number| json!({ "text": "tea", "count": number % 2 * 300 })).collect();
        assert_eq!(found(json!({ "lines": lines })).await.len(), 50_000);
    }

    /// What stands in is made by the schema, and the type may have more to say.
    #[tokio::test]
    async fn where_nothing_can_stand_in_what_failed_is_told_all_the_same() {
        #[command(json, stream = "hour-1")]
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "it is read from JSON alone")]
        struct At {
            hour: Hour,
            #[validate(custom(starts_upper))]
            name: String,
        }

        #[derive(Deserialize, allframe_cqrs::schemars::JsonSchema)]
        #[schemars(crate = "allframe_cqrs::schemars", with = "String")]
        #[serde(try_from = "String")]
        #[expect(dead_code, reason = "it is read from JSON alone")]
        struct Hour(u8);

        impl TryFrom<String> for Hour {
            type Error = <u8 as FromStr>::Err;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse().map(Self)
            }
        }

        let bus = CommandBus::builder(EventStore::new())
            .function(|_: At| async move { vec![Opened { owner: "ann".into() }] })
            .build()
            .unwrap();
        for (hour, code) in [(json!("noon"), "unreadable"), (json!(7), "type")] {
            let error = bus.dispatch_json("At", json!({ "hour": hour, "name": "ann" })).await.unwrap_err();
            let CommandError::Validation(errors) = error else { panic!("{error}") };
            let found: Vec<_> = errors.iter().map(|error| (&*error.field, &*error.code)).collect();
            assert_eq!(found, [("hour", code)]);
        }
    }
}
