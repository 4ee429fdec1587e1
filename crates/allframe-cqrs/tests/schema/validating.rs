//! Payloads against their schemas, as they are appended and when somebody asks.

use allframe_cqrs::{
    Error, EventStore, InMemoryBackend,
    schema::{CompatibilityMode::Backward, InvalidPayload, SchemaCheck, SchemaError},
};
use serde_json::json;

use crate::programs::{programs, registry, start};

programs! {
    rules {
        #[event(schema)]
        pub enum Account {
            Opened {
                #[schemars(length(min = 1))]
                owner: String,
                #[schemars(range(max = 1000))]
                limit: u64,
            },
            Closed,
        }
    }
    second {
        #[event(schema, version = 2)]
        pub struct Limited {
            #[added(version = 2)]
            #[schemars(range(max = 9))]
            pub limit: u64,
        }
    }
}
use rules::Account;

fn opened(owner: &str, limit: u64) -> Account {
    Account::Opened { owner: owner.to_owned(), limit }
}

async fn checked(check: SchemaCheck) -> EventStore<Account> {
    EventStore::new().with_schemas(check).await.unwrap()
}

fn invalid(error: SchemaError) -> InvalidPayload {
    match error {
        SchemaError::InvalidPayload(invalid) => invalid,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_payload_that_does_not_fit_is_not_stored_and_each_field_that_fails_is_told() {
    let store = checked(SchemaCheck::default().validate_on_append()).await;
    store.append("account-1", vec![opened("ann", 7), Account::Closed]).await.unwrap();
    let refused = store.append("account-1", vec![Account::Closed, opened("", 5000)]).await.unwrap_err();
    let Error::Schema(refused) = refused else { panic!("{refused}") };
    insta::assert_snapshot!(refused, @r#"
    a payload of `Opened` version 1 does not fit its schema
    - `/limit`: 5000 is greater than the maximum of 1000
    - `/owner`: "" is shorter than 1 character
    "#);
    assert_eq!(store.get_events("account-1").await.unwrap().len(), 2);
}

#[tokio::test]
async fn of_several_versions_it_is_todays_that_a_payload_has_to_fit() {
    let store = EventStore::<second::Limited>::new();
    let store = store.with_schemas(SchemaCheck::default().validate_on_append()).await.unwrap();
    store.append("account-1", vec![second::Limited { limit: 9 }]).await.unwrap();
    let refused = store.append("account-1", vec![second::Limited { limit: 10 }]).await.unwrap_err();
    let Error::Schema(refused) = refused else { panic!("{refused}") };
    let refused = invalid(*refused);
    assert_eq!((refused.schema_version, &*refused.fields[0].path), (2, "/limit"));
}

#[tokio::test]
async fn every_way_to_append_is_checked() {
    let store = checked(SchemaCheck::default().validate_on_append()).await;
    let batch = store.batch().append("account-1", allframe_cqrs::ExpectedVersion::Any, [opened("", 1)]);
    assert!(matches!(batch.commit().await, Err(Error::Schema(_))));
    let behind_dyn = store.to_dyn().clone().append("account-1", vec![opened("", 1)]).await;
    assert!(matches!(behind_dyn, Err(Error::Schema(_))));
}

#[tokio::test]
async fn nothing_is_checked_unless_it_was_asked_for() {
    let store = checked(SchemaCheck::default()).await;
    store.append("account-1", vec![opened("", 5000)]).await.unwrap();
}

#[cfg(feature = "bincode")]
#[tokio::test]
async fn what_is_not_json_is_not_checked() {
    use allframe_cqrs::PayloadCodec::Bincode;
    let store = checked(SchemaCheck::default().validate_on_append()).await.with_codec(Bincode);
    store.append("account-1", vec![opened("", 5000)]).await.unwrap();
}

#[tokio::test]
async fn a_payload_is_checked_for_whoever_asks_the_registry() {
    let backend = InMemoryBackend::new();
    start::<Account>(&backend, Backward).await.unwrap();
    let registry = registry(&backend);
    registry.validate("Opened", 1, &json!({ "owner": "ann", "limit": 7 })).await.unwrap();
    let found = invalid(registry.validate("Opened", 1, &json!({ "owner": 7 })).await.unwrap_err());
    let paths: Vec<_> = found.fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["", "/owner"]);
    let unknown = registry.validate("Opened", 2, &json!({})).await.unwrap_err();
    assert!(matches!(unknown, SchemaError::NotRegistered { schema_version: 2, .. }));
}
