//! Events that are written as a typed store would write them today.

use allframe_cqrs::{
    AutoUpcaster, EventStore, EventStoreBackend, ExpectedVersion, InMemoryBackend, Metadata, PayloadCodec,
    Tags, UnknownEvents, UpcastContext, VersionRegistry,
    api::Encoding,
    copy::{CopyError, Reencode, StoreCopy},
    event,
};
use serde::{Deserialize, Serialize};

use crate::stores::{self, records, stream};

#[event(rename = "UserCreated")]
#[derive(Clone, Serialize, Deserialize)]
struct UserCreatedV1 {
    name: String,
}

#[event(rename = "NamesChanged")]
#[derive(Clone, Serialize, Deserialize)]
struct NamesChanged {
    names: Vec<String>,
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum UserEvent {
    #[event(rename = "UserCreated", version = 2)]
    Created {
        first: String,
        #[tag]
        last: String,
    },
    #[event(rename = "UserRenamed", aliases("NameChanged"))]
    Renamed { to: String },
}

impl From<UserCreatedV1> for UserEvent {
    fn from(v1: UserCreatedV1) -> Self {
        let (first, last) = v1.name.split_once(' ').unwrap_or((&v1.name, ""));
        Self::Created { first: first.to_owned(), last: last.to_owned() }
    }
}

fn versions() -> VersionRegistry<UserEvent> {
    VersionRegistry::new()
        .upcaster(AutoUpcaster::<UserCreatedV1, UserEvent>::new())
        .upcast(|old: NamesChanged, _: &UpcastContext<'_>| {
            old.names.into_iter().map(|to| UserEvent::Renamed { to }).collect::<Vec<_>>()
        })
        .retire("Ping")
}

/// One event of every form.
async fn old_store() -> InMemoryBackend {
    let store = InMemoryBackend::new();
    let created = stores::event("UserCreated", r#"{"name":"Ann Lee"}"#)
        .with_metadata(Metadata::new().with_correlation_id("request-9"))
        .with_tags(Tags::parse(["branch:berlin"]).unwrap());
    store.append(&stream("user-1"), ExpectedVersion::Any, vec![created]).await.unwrap();
    for (event_type, payload) in [
        ("NameChanged", r#"{"to":"Bea"}"#),
        ("Ping", "1"),
        ("NamesChanged", r#"{"names":["Cem","Dee"]}"#),
        ("Invoiced", r#"{"cents":5}"#),
        ("UserRenamed", r#"{"to":"Eve"}"#),
    ] {
        stores::append(&store, "user-1", event_type, payload).await;
    }
    store
}

fn renamed(to: &str) -> UserEvent {
    UserEvent::Renamed { to: to.to_owned() }
}

async fn is_as_of_today(codec: PayloadCodec) {
    let old =
        EventStore::with_backend(old_store().await).with_versions(versions()).unwrap().with_codec(codec);
    let new = InMemoryBackend::new();
    let report = StoreCopy::new("today").from(old.backend()).to(&new).reencode(&old).run().await.unwrap();
    assert_eq!((report.copied.read, report.copied.written, report.copied.discarded), (6, 6, 1));

    let written = records(&new).await;
    let forms: Vec<_> =
        written.iter().map(|record| (record.event_type.as_str(), record.schema_version)).collect();
    let today = ("UserRenamed", 1);
    assert_eq!(forms, [("UserCreated", 2), today, today, today, ("Invoiced", 1), today]);
    // What the store does not know is as it was.
    let (known, unknown): (Vec<_>, Vec<_>) =
        written.iter().partition(|record| record.event_type.as_str() != "Invoiced");
    assert!(known.iter().all(|record| record.encoding == codec.encoding()));
    assert_eq!((unknown[0].encoding, &unknown[0].payload[..]), (Encoding::JSON, &br#"{"cents":5}"#[..]));
    let created = known[0];
    assert_eq!(created.id, records(old.backend()).await[0].id);
    assert_eq!(created.metadata.correlation_id(), Some("request-9"));
    assert!(created.tags.contains("branch:berlin") && created.tags.contains("last:Lee"));

    // A type that has no upcasters any more reads it all.
    #[event]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Plain {
        #[event(rename = "UserCreated", version = 2)]
        Created {
            #[added(version = 2, default = String::new())]
            first: String,
            last: String,
        },
        #[event(rename = "UserRenamed")]
        Renamed { to: String },
    }
    let plain = EventStore::<Plain, _>::with_backend(new).get_all_events().await.unwrap();
    assert_eq!(plain[0], Plain::Created { first: "Ann".into(), last: "Lee".into() });
    let names = plain[1..].iter().map(|event| match event {
        Plain::Renamed { to } => to.as_str(),
        Plain::Created { .. } => "",
    });
    assert_eq!(names.collect::<Vec<_>>(), ["Bea", "Cem", "Dee", "Eve"]);
}

#[tokio::test]
async fn events_of_every_form_are_written_as_those_of_today() {
    is_as_of_today(PayloadCodec::Json).await;
}

#[cfg(feature = "bincode")]
#[tokio::test]
async fn json_becomes_bincode_through_upcasters() {
    is_as_of_today(PayloadCodec::Bincode).await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_named_and_not_lost() {
    let backend = old_store().await;
    stores::append(&backend, "user-1", "UserRenamed", r#"{"wrong":1}"#).await;
    let old = EventStore::with_backend(backend).with_versions(versions()).unwrap();
    let new = InMemoryBackend::new();
    let failed = StoreCopy::new("today").from(old.backend()).to(&new).reencode(&old).run().await.unwrap_err();
    assert!(matches!(&failed, CopyError::Transform { place, .. } if place.version.get() == 7), "{failed:?}");
}

#[tokio::test]
async fn events_that_are_newer_than_the_store_knows_are_kept_where_it_would_pass_over_them() {
    let backend = old_store().await;
    let newer = stores::event("UserRenamed", r#"{"x":1}"#).with_schema_version(9);
    backend.append(&stream("user-1"), ExpectedVersion::Any, vec![newer]).await.unwrap();
    let skipping = versions().on_unknown(UnknownEvents::Skip);
    let old = EventStore::with_backend(backend.clone()).with_versions(skipping).unwrap();
    let new = InMemoryBackend::new();
    StoreCopy::new("today").from(old.backend()).to(&new).reencode(&old).run().await.unwrap();
    let last = records(&new).await.pop().unwrap();
    assert_eq!((last.schema_version, &last.payload[..]), (9, &br#"{"x":1}"#[..]));

    let failing = EventStore::with_backend(backend).with_versions(versions()).unwrap();
    let new = InMemoryBackend::new();
    let copy = StoreCopy::new("today").from(failing.backend()).to(&new).reencode(&failing);
    assert!(matches!(copy.run().await, Err(CopyError::Transform { .. })));
}

#[tokio::test]
async fn a_transform_of_ones_own_reads_and_writes_typed_events() {
    let old = EventStore::with_backend(old_store().await).with_versions(versions()).unwrap();
    let new = InMemoryBackend::new();
    let today = Reencode::of(&old);
    let copy = StoreCopy::new("names").from(old.backend()).to(&new).transform(|record, output| {
        for event in today.read(record)?.unwrap_or_default() {
            match &event {
                UserEvent::Created { .. } => {}
                UserEvent::Renamed { to } => {
                    let louder = UserEvent::Renamed { to: to.to_uppercase() };
                    output.write(format!("names-{to}"), today.write(record, &louder)?);
                }
            }
        }
        output.discard();
        Ok::<(), allframe_cqrs::Error>(())
    });
    copy.run().await.unwrap();
    let new = EventStore::with_backend(new.clone()).with_versions(versions()).unwrap();
    assert_eq!(new.get_events("names-Dee").await.unwrap(), [renamed("DEE")]);
    assert_eq!(new.get_all_events().await.unwrap().len(), 4);
}
