//! Steps from one form to another.

use allframe_cqrs::{
    AutoUpcaster, EventStore, Metadata, UnknownEvents, UpcastContext, Upcaster, VersionRegistry, event,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[cfg(feature = "bincode")]
use crate::reading::stored_with;
use crate::reading::{append_json, read, read_with, stored, stored_json, told};
#[cfg(feature = "bincode")]
use allframe_cqrs::PayloadCodec;

#[event(rename = "UserCreated")]
#[derive(Clone, Serialize, Deserialize)]
struct UserCreatedV1 {
    name: String,
}

#[event(rename = "UserCreated", version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct UserCreatedV2 {
    name: String,
    email: String,
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum UserEvent {
    #[event(rename = "UserCreated", version = 3)]
    Created {
        first: String,
        last: String,
        email: Option<String>,
    },
    Renamed {
        to: String,
    },
}

impl From<UserCreatedV1> for UserCreatedV2 {
    fn from(v1: UserCreatedV1) -> Self {
        Self { name: v1.name, email: String::new() }
    }
}

impl From<UserCreatedV2> for UserEvent {
    fn from(v2: UserCreatedV2) -> Self {
        let (first, last) = v2.name.split_once(' ').unwrap_or((&v2.name, ""));
        let email = Some(v2.email).filter(|email| !email.is_empty());
        Self::Created { first: first.to_owned(), last: last.to_owned(), email }
    }
}

fn versions() -> VersionRegistry<UserEvent> {
    VersionRegistry::new()
        .upcaster(AutoUpcaster::<UserCreatedV1, UserCreatedV2>::new())
        .upcaster(AutoUpcaster::<UserCreatedV2, UserEvent>::new())
}

fn ann(email: Option<&str>) -> UserEvent {
    UserEvent::Created { first: "Ann".into(), last: "Lee".into(), email: email.map(str::to_owned) }
}

#[tokio::test]
async fn typed_upcasters_chain_by_themselves() {
    let v1 = stored(vec![UserCreatedV1 { name: "Ann Lee".into() }]).await;
    assert_eq!(read_with(&v1, versions()).await.unwrap(), [ann(None)]);
    let v2 = stored_json("UserCreated", 2, r#"{"name":"Ann Lee","email":"a@b"}"#).await;
    assert_eq!(read_with(&v2, versions()).await.unwrap(), [ann(Some("a@b"))]);
    let paths = versions().migration_paths().unwrap();
    let paths: Vec<_> =
        paths.iter().map(|path| (&*path.event_type, path.from_version, path.to_version)).collect();
    assert_eq!(paths, [("UserCreated", 1, 3), ("UserCreated", 2, 3)]);
}

#[cfg(feature = "bincode")]
#[tokio::test]
async fn typed_upcasters_take_what_any_codec_has_written() {
    let v1 = stored_with(PayloadCodec::Bincode, vec![UserCreatedV1 { name: "Ann Lee".into() }]).await;
    assert_eq!(read_with(&v1, versions()).await.unwrap(), [ann(None)]);
}

#[tokio::test]
async fn a_type_carries_its_upcasters_to_every_store() {
    #[event(version = 2, upcasters = upcasters, rename = "UserCreated")]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Created {
        first: String,
    }
    fn upcasters() -> VersionRegistry<Created> {
        VersionRegistry::new().upcast(|old: UserCreatedV1, _: &UpcastContext<'_>| Created { first: old.name })
    }
    let backend = stored(vec![UserCreatedV1 { name: "Ann".into() }]).await;
    let created = EventStore::<Created, _>::with_backend(backend).get_events("s").await.unwrap();
    assert_eq!(created, [Created { first: "Ann".into() }]);
}

/// An event that went by another name, as old as its first version.
#[event(version = 2, aliases("PaidIn"))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Deposited {
    cents: u64,
}

fn in_cents(euros: &Value) -> Value {
    json!({ "cents": euros["euros"].as_u64().unwrap() * 100 })
}

#[tokio::test]
async fn what_reads_a_version_reads_it_under_every_alias() {
    #[event(rename = "Deposited")]
    #[derive(Clone, Serialize, Deserialize)]
    struct DepositedV1 {
        euros: u64,
    }
    let typed = VersionRegistry::<Deposited>::new()
        .upcast(|old: DepositedV1, _: &UpcastContext<'_>| Deposited { cents: old.euros * 100 });
    let json = VersionRegistry::<Deposited>::new().upcast_json(
        ("Deposited", 1),
        ("Deposited", 2),
        |old: Value, _: &_| in_cents(&old),
    );
    let backend = stored_json("PaidIn", 1, r#"{"euros":3}"#).await;
    for versions in [typed, json] {
        assert_eq!(read_with(&backend, versions).await.unwrap(), [Deposited { cents: 300 }]);
    }
}

#[tokio::test]
async fn an_alias_may_have_an_upcaster_of_its_own() {
    let versions = VersionRegistry::<Deposited>::new()
        .upcast_json(("Deposited", 1), ("Deposited", 2), |old: Value, _: &_| in_cents(&old))
        .upcast_json(("PaidIn", 1), ("Deposited", 2), |old: Value, _: &_| json!({ "cents": old["amount"] }));
    let backend = stored_json("PaidIn", 1, r#"{"amount":3}"#).await;
    assert_eq!(read_with(&backend, versions).await.unwrap(), [Deposited { cents: 3 }]);
}

#[tokio::test]
async fn json_is_upcast_without_a_type_and_goes_on_as_whatever_comes_next() {
    // From a form of another name, to version 1, and from there through both types.
    let versions = versions().upcast_json(("PersonAdded", 7), ("UserCreated", 1), |old: Value, _: &_| {
        json!({ "name": format!("{} {}", old["first"].as_str().unwrap(), old["last"].as_str().unwrap()) })
    });
    let backend = stored_json("PersonAdded", 7, r#"{"first":"Ann","last":"Lee"}"#).await;
    assert_eq!(read_with(&backend, versions.clone()).await.unwrap(), [ann(None)]);
    // A name that only an upcaster knows is found in the whole store too.
    let store = EventStore::with_backend(backend).with_versions(versions).unwrap();
    assert_eq!(store.get_all_events().await.unwrap(), [ann(None)]);
}

#[tokio::test]
async fn a_typed_step_may_be_followed_by_one_of_json_and_by_what_the_fields_say() {
    #[event(version = 4)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct UserCreated {
        login: String,
        #[added(version = 4, default = 1)]
        visits: u32,
    }
    let versions = VersionRegistry::<UserCreated>::new()
        .upcaster(AutoUpcaster::<UserCreatedV1, UserCreatedV2>::new())
        .upcast_json(
            ("UserCreated", 2),
            ("UserCreated", 3),
            |old: Value, _: &_| json!({ "login": old["name"] }),
        );
    let backend = stored(vec![UserCreatedV1 { name: "ann".into() }]).await;
    append_json(&backend, "UserCreated", 3, r#"{"login":"bob"}"#).await;
    let read = read_with(&backend, versions).await.unwrap();
    assert_eq!(read, ["ann", "bob"].map(|login| UserCreated { login: login.into(), visits: 1 }));
}

#[tokio::test]
async fn one_event_becomes_several_or_none() {
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    struct Both {
        name: String,
        email: String,
    }
    let versions = versions()
        .upcast(|old: Both, _: &UpcastContext<'_>| {
            let renamed = UserEvent::Renamed { to: old.name.clone() };
            let created = UserCreatedV2 { name: old.name, email: old.email };
            if created.email.is_empty() { vec![] } else { vec![created.into(), renamed] }
        })
        .retire("Pinged");
    let with = |email: &str| Both { name: "Ann Lee".into(), email: email.into() };
    let backend = stored(vec![with("a@b"), with("")]).await;
    append_json(&backend, "Pinged", 1, "{}").await;
    append_json(&backend, "Pinged", 9, "no JSON at all").await;
    let expected = [ann(Some("a@b")), UserEvent::Renamed { to: "Ann Lee".into() }];
    assert_eq!(read_with(&backend, versions).await.unwrap(), expected);
}

#[tokio::test]
async fn an_upcaster_sees_what_the_store_keeps_beside() {
    let backend = allframe_cqrs::InMemoryBackend::new();
    let store = EventStore::<UserCreatedV1, _>::with_backend(backend.clone());
    let event = allframe_cqrs::Draft::new(UserCreatedV1 { name: "ann".into() })
        .with_metadata(Metadata::new().with("tenant", "acme"));
    store.batch().append("user-7", allframe_cqrs::ExpectedVersion::Any, [event]).commit().await.unwrap();
    let versions =
        VersionRegistry::<UserEvent>::new().upcast(|old: UserCreatedV1, context: &UpcastContext<'_>| {
            assert_eq!((context.version().get(), context.record().schema_version), (1, 1));
            let tenant = context.metadata().get("tenant").unwrap_or_default();
            UserEvent::Renamed { to: format!("{}@{tenant} of {}", old.name, context.stream()) }
        });
    // Two of three versions are not read here, which is said when the store is made.
    let gap = EventStore::with_backend(backend.clone()).with_versions(versions.clone()).unwrap_err();
    assert!(gap.to_string().contains("`UserCreated` version 2"), "{gap}");
    let store = EventStore::with_backend(backend)
        .with_versions(versions.upcaster(AutoUpcaster::<UserCreatedV2, UserEvent>::new()))
        .unwrap();
    assert_eq!(
        store.get_events("user-7").await.unwrap(),
        [UserEvent::Renamed { to: "ann@acme of user-7".into() }]
    );
}

#[tokio::test]
async fn an_upcaster_that_fails_or_panics_is_an_error_with_the_event_and_the_step() {
    let failing = |panics: bool| {
        VersionRegistry::<UserEvent>::new()
            .upcast(move |_: UserCreatedV1, _: &UpcastContext<'_>| {
                assert!(!panics, "it panicked on purpose");
                Err::<UserEvent, _>("no such user")
            })
            .upcaster(AutoUpcaster::<UserCreatedV2, UserEvent>::new())
    };
    let backend = stored(vec![UserCreatedV1 { name: "ann".into() }]).await;
    let refused = told(read_with(&backend, failing(false)).await.unwrap_err());
    assert!(refused.contains("stream `s`") && refused.contains("UserCreatedV1"), "{refused}");
    assert!(refused.ends_with("no such user"), "{refused}");
    let panicked = told(read_with(&backend, failing(true)).await.unwrap_err());
    assert!(panicked.contains("it panicked on purpose"), "{panicked}");
}

#[cfg(feature = "bincode")]
#[tokio::test]
async fn an_upcaster_of_json_refuses_what_is_none() {
    let versions = VersionRegistry::<UserEvent>::new()
        .upcast_json(("UserCreated", 1), ("UserCreated", 2), |old: Value, _: &_| old)
        .upcaster(AutoUpcaster::<UserCreatedV2, UserEvent>::new());
    let backend = stored_with(PayloadCodec::Bincode, vec![UserCreatedV1 { name: "ann".into() }]).await;
    let error = told(read_with(&backend, versions).await.unwrap_err());
    assert!(error.contains("write one that takes its earlier type"), "{error}");
}

/// AllFrame's own words, and they do what they say.
#[tokio::test]
async fn what_was_written_for_allframe_compiles_and_works() {
    struct SplitName;
    impl Upcaster<UserCreatedV2, UserEvent> for SplitName {
        fn upcast(&self, from: UserCreatedV2) -> UserEvent {
            from.into()
        }
    }
    let registry: VersionRegistry<UserEvent> = VersionRegistry::new();
    registry.register_upcaster(SplitName).await;
    registry.register_migration(allframe_cqrs::MigrationPath::new(2, 3, "UserCreated")).await;
    assert!(registry.has_upcaster::<UserCreatedV2, UserEvent>().await);
    assert_eq!((registry.upcaster_count().await, registry.migration_count().await), (1, 1));
    assert_eq!(registry.get_migrations_for("UserCreated").await.len(), 1);
    let registry = registry.upcaster(AutoUpcaster::<UserCreatedV1, UserCreatedV2>::new());
    let backend = stored(vec![UserCreatedV1 { name: "Ann Lee".into() }]).await;
    assert_eq!(read_with(&backend, registry).await.unwrap(), [ann(None)]);
}

#[tokio::test]
async fn what_a_store_is_given_comes_on_top_of_what_its_type_carries() {
    #[event(upcasters = upcasters)]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Moved {
        to: String,
    }
    fn upcasters() -> VersionRegistry<Moved> {
        VersionRegistry::new().retire("Pinged").on_unknown(UnknownEvents::Skip)
    }
    let backend = stored_json("Pinged", 1, "{}").await;
    append_json(&backend, "Ponged", 1, "{}").await;
    append_json(&backend, "Moved", 1, r#"{"to":"Bonn"}"#).await;
    let given = VersionRegistry::<Moved>::new().retire("Ponged").on_unknown(UnknownEvents::Fail);
    assert_eq!(read_with(&backend, given.clone()).await.unwrap(), [Moved { to: "Bonn".into() }]);

    // Of the two words about what nobody knows, that of the store counts.
    append_json(&backend, "Frozen", 1, "{}").await;
    assert_eq!(read::<Moved>(&stored_json("Frozen", 1, "{}").await).await.unwrap(), []);
    assert!(read_with(&backend, given).await.is_err());
}
