//! The registry itself: what it keeps, where, and what it answers.

use std::sync::Arc;

use allframe_cqrs::{
    EventFilter, EventStore, EventStoreBackend as _, InMemoryBackend, ReadAll, StreamId,
    schema::{
        CompatibilityMode::{self, *},
        EventSchema, SchemaCheck, SchemaError,
    },
};
use serde_json::json;

use crate::programs::{new, programs, registry, start};

programs! {
    first { #[event(schema)] pub struct Deposited { pub amount: u64 } }
    second {
        #[event(schema, version = 2)]
        pub struct Deposited { pub amount: u64, #[added(version = 2, default = "EUR")] pub currency: String }
    }
}

fn text(name: &'static str, version: u32) -> EventSchema {
    EventSchema::of::<String>(name, version)
}

#[tokio::test]
async fn schemas_are_found_by_name_and_version() {
    let backend = InMemoryBackend::new();
    start::<second::Deposited>(&backend, Full).await.unwrap();
    let registry = registry(&backend);
    let fetched = registry.fetch("Deposited", 1).await.unwrap().unwrap();
    assert_eq!(fetched.schema.schema["required"], json!(["amount"]));
    assert_eq!(fetched.mode, Full);
    assert_eq!(registry.latest("Deposited").await.unwrap().unwrap().schema.schema_version, 2);
    assert_eq!(registry.fetch("Deposited", 3).await.unwrap(), Option::None);
    assert_eq!(registry.latest("Nobody").await.unwrap(), Option::None);
    let names: Vec<_> = registry.list().await.unwrap().into_iter().map(|it| it.event_type).collect();
    assert_eq!(names, ["Deposited"]);
}

#[tokio::test]
async fn what_is_read_back_is_what_was_registered() {
    let backend = InMemoryBackend::new();
    start::<second::Deposited>(&backend, Full).await.unwrap();
    let history = registry(&backend).history("Deposited").await.unwrap();
    let derived = <second::Deposited as allframe_cqrs::schema::EventSchemas>::schemas();
    assert_eq!(history.schemas.into_iter().map(|it| it.schema).collect::<Vec<_>>(), derived);
}

/// The form in the store, which other programs read too.
#[tokio::test]
async fn a_schema_is_an_event_in_a_stream_of_its_name() {
    let backend = InMemoryBackend::new();
    let schema = json!({ "type": "string" });
    let text = EventSchema::new("Noted", 1, schema.clone(), schema);
    registry(&backend).register([text], Backward).await.unwrap();
    registry(&backend).set_compatibility("Noted", FullTransitive).await.unwrap();
    let stored = backend.get_events(&StreamId::new("$schema-Noted").unwrap()).await.unwrap();
    let found: Vec<_> =
        stored.iter().map(|it| (it.event_type.as_str(), std::str::from_utf8(&it.payload).unwrap())).collect();
    assert_eq!(
        found,
        [
            (
                "$schema.registered",
                r#"{"version":1,"fingerprint":"27bf52ff05d7e525-37","mode":"backward","schema":{"type":"string"}}"#
            ),
            ("$schema.compatibility", r#"{"mode":"full_transitive"}"#)
        ]
    );
}

#[tokio::test]
async fn readers_of_events_meet_no_schemas() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<first::Deposited, _>::with_backend(backend.clone());
    let store = store.with_schemas(SchemaCheck::default()).await.unwrap();
    store.append("account-1", vec![first::Deposited { amount: 1 }]).await.unwrap();
    assert_eq!(store.get_all_events().await.unwrap().len(), 1);
    assert_eq!(store.get_matching(&EventFilter::all()).await.unwrap().events.len(), 1);
    assert_eq!(backend.read_all(&ReadAll::forward()).await.unwrap().events.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_start_at_once_agree() {
    let backend = Arc::new(InMemoryBackend::new());
    let starts = (0..16).map(|_| {
        let backend = Arc::clone(&backend);
        tokio::spawn(async move {
            let store = EventStore::<second::Deposited, _>::with_backend(backend);
            store.check_schemas(SchemaCheck::new(Full)).await.unwrap().registered
        })
    });
    let mut registered = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        registered.extend(start.await.unwrap());
    }
    assert_eq!(registered, new(&[("Deposited", 1), ("Deposited", 2)]));
    assert_eq!(backend.read_all(&ReadAll::forward()).await.unwrap().events.len(), 2);
}

/// All or none, so that a program which is refused leaves nothing behind.
#[tokio::test]
async fn schemas_are_registered_together_or_not_at_all() {
    let backend = InMemoryBackend::new();
    let registry = registry(&backend);
    registry.register([text("Noted", 1)], Backward).await.unwrap();
    let number = EventSchema::of::<u8>("Noted", 2);
    let refused = registry.register([text("Other", 1), number], Backward).await.unwrap_err();
    assert!(matches!(refused, SchemaError::Incompatible(_)));
    assert_eq!(registry.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_schema_may_be_registered_without_a_type() {
    let backend = InMemoryBackend::new();
    let registry = registry(&backend);
    let report = registry.register([text("Noted", 1), text("Noted", 2)], Full).await.unwrap();
    assert_eq!(report.registered, new(&[("Noted", 1), ("Noted", 2)]));
    let again = registry.register([text("Noted", 2)], Full).await.unwrap();
    assert_eq!((again.registered, again.known), (vec![], 1));
}

#[tokio::test]
async fn schemas_that_come_together_have_to_fit_each_other() {
    let backend = InMemoryBackend::new();
    let both = [text("Noted", 1), EventSchema::of::<u8>("Noted", 2)];
    let refused = registry(&backend).register(both.clone(), Backward).await.unwrap_err();
    assert!(refused.to_string().contains("`Noted` version 2 does not read version 1"), "{refused}");
    registry(&backend).register(both, CompatibilityMode::None).await.unwrap();
}

#[tokio::test]
async fn the_mode_of_a_name_is_what_was_set_or_else_that_of_its_latest_schema() {
    let backend = InMemoryBackend::new();
    let registry = registry(&backend);
    assert_eq!(registry.compatibility("Noted").await.unwrap(), Option::None);
    registry.register([text("Noted", 1)], Forward).await.unwrap();
    assert_eq!(registry.compatibility("Noted").await.unwrap(), Some(Forward));
    registry.set_compatibility("Noted", CompatibilityMode::None).await.unwrap();
    registry.register([text("Noted", 2)], Full).await.unwrap();
    assert_eq!(registry.compatibility("Noted").await.unwrap(), Some(CompatibilityMode::None));
}

#[tokio::test]
async fn versions_of_a_name_are_compared_in_words() {
    let backend = InMemoryBackend::new();
    start::<second::Deposited>(&backend, Full).await.unwrap();
    let registry = registry(&backend);
    let found = registry.diff("Deposited", 1, 2).await.unwrap();
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["`/currency` was added: string"]);
    let unknown = registry.diff("Deposited", 1, 9).await.unwrap_err();
    assert_eq!(unknown.to_string(), "no schema of `Deposited` version 9 is registered");
}

/// Stores what is no schema as one of this name.
async fn register_nonsense(backend: &InMemoryBackend, name: &str) {
    use allframe_cqrs::{
        ExpectedVersion,
        api::{AppendBatch, EventType, NewEvent},
    };
    let event = NewEvent::new(EventType::new("$schema.registered").unwrap(), "nonsense");
    let stream = StreamId::new(format!("$schema-{name}")).unwrap();
    backend.append_all(AppendBatch::single(stream, ExpectedVersion::Any, vec![event])).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_hides_no_name() {
    let backend = InMemoryBackend::new();
    let registry = registry(&backend);
    assert!(registry.names().await.unwrap().is_empty());
    registry.register([text("Noted", 1), text("Noted", 2), text("Filed", 1)], Full).await.unwrap();
    register_nonsense(&backend, "Odd").await;
    assert_eq!(registry.names().await.unwrap(), ["Filed", "Noted", "Odd"]);
    assert!(matches!(registry.list().await, Err(SchemaError::Unreadable { .. })));
}

#[tokio::test]
async fn what_is_no_schema_of_ours_is_said_where_it_is() {
    let backend = InMemoryBackend::new();
    register_nonsense(&backend, "Noted").await;
    let unreadable = registry(&backend).history("Noted").await.unwrap_err();
    assert!(unreadable.to_string().starts_with("event 1 of stream `$schema-Noted` is no registered schema"));
}

#[tokio::test]
async fn the_mode_of_a_name_is_that_of_its_highest_version_though_an_earlier_one_was_registered_later() {
    let backend = InMemoryBackend::new();
    let registry = registry(&backend);
    registry.register([text("Noted", 2)], Backward).await.unwrap();
    registry.register([text("Noted", 1), text("Noted", 2)], Full).await.unwrap();
    assert_eq!(registry.history("Noted").await.unwrap().schemas[1].schema.schema_version, 1);
    assert_eq!(registry.compatibility("Noted").await.unwrap(), Some(Backward));
}
