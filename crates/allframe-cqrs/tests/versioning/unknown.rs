//! An older program meets events of a newer one.

use allframe_cqrs::{
    EventStore, GlobalPosition, InMemoryBackend, Projection, UnknownEvent, UnknownEvents, VersionRegistry,
    event,
};
use serde::{Deserialize, Serialize};

use crate::reading::{append_json, read, read_with, stored_json, told};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Known {
    Opened {
        owner: String,
    },
    #[event(unknown)]
    Other(UnknownEvent),
}

async fn from_the_future() -> InMemoryBackend {
    let backend = stored_json("Opened", 1, r#"{"owner":"ann"}"#).await;
    append_json(&backend, "Opened", 2, r#"{"owners":["bob"]}"#).await;
    append_json(&backend, "Frozen", 1, r#"{"by":"eve"}"#).await;
    append_json(&backend, "Opened", 1, r#"{"owner":"joe"}"#).await;
    backend
}

fn opened(owner: &str) -> Known {
    Known::Opened { owner: owner.into() }
}

#[tokio::test]
async fn without_a_word_it_is_an_error_that_says_what_is_newer() {
    let newer = stored_json("Opened", 2, "{}").await;
    let error = told(read::<Known>(&newer).await.unwrap_err());
    assert!(error.contains("schema version 1 is the newest that this program knows"), "{error}");
    let other = stored_json("Frozen", 1, "{}").await;
    let error = told(read::<Known>(&other).await.unwrap_err());
    assert!(error.contains("`Frozen`") && error.contains("Opened"), "{error}");
}

#[tokio::test]
async fn it_is_skipped_where_that_was_said() {
    let versions = VersionRegistry::<Known>::new().on_unknown(UnknownEvents::Skip);
    assert_eq!(read_with(&from_the_future().await, versions).await.unwrap(), [opened("ann"), opened("joe")]);
}

#[tokio::test]
async fn it_is_passed_through_with_its_bytes_and_can_be_stored_again_as_it_was() {
    let versions = VersionRegistry::new().on_unknown(UnknownEvents::PassThrough);
    let store = EventStore::with_backend(from_the_future().await).with_versions(versions).unwrap();
    let events = store.get_events("s").await.unwrap();
    let [first, Known::Other(newer), Known::Other(frozen), last] = &events[..] else { panic!("{events:?}") };
    assert_eq!((first, last), (&opened("ann"), &opened("joe")));
    assert_eq!((newer.schema_version, &newer.payload[..]), (2, &br#"{"owners":["bob"]}"#[..]));
    assert_eq!((frozen.event_type.as_str(), frozen.schema_version), ("Frozen", 1));

    store.append("copy", events.clone()).await.unwrap();
    assert_eq!(store.get_events("copy").await.unwrap(), events);
    let records = |stream: &str| {
        let stream = allframe_cqrs::StreamId::new(stream.to_owned()).unwrap();
        let store = store.clone();
        async move {
            let records =
                allframe_cqrs::EventStoreBackend::get_events(store.backend(), &stream).await.unwrap();
            let all = records.into_iter();
            all.map(|r| (r.event_type, r.schema_version, r.encoding, r.payload)).collect::<Vec<_>>()
        }
    };
    assert_eq!(records("copy").await, records("s").await);
}

/// The whole store is read by the names that are known: of those, newer versions are met.
#[tokio::test]
async fn projections_meet_newer_versions_and_no_names_that_they_do_not_know() {
    #[derive(Default)]
    struct Seen(Vec<Known>);

    impl Projection for Seen {
        type Event = Known;

        fn apply(&mut self, event: &Known) {
            self.0.push(event.clone());
        }
    }
    let project = async |how| {
        let versions = VersionRegistry::new().on_unknown(how);
        let store = EventStore::with_backend(from_the_future().await).with_versions(versions).unwrap();
        let (mut seen, mut position) = (Seen::default(), GlobalPosition::START);
        store.project(&mut seen, &mut position).await.map(|()| seen.0)
    };
    assert!(project(UnknownEvents::Fail).await.is_err());
    assert_eq!(project(UnknownEvents::Skip).await.unwrap(), [opened("ann"), opened("joe")]);
    let passed = project(UnknownEvents::PassThrough).await.unwrap();
    assert!(matches!(&passed[..], [_, Known::Other(newer), _] if newer.schema_version == 2), "{passed:?}");
}

#[tokio::test]
async fn what_is_older_than_any_version_is_no_event_of_a_newer_program_and_is_never_passed_over() {
    let before_the_first = stored_json("Opened", 0, r#"{"owner":"ann"}"#).await;
    for unknown in [UnknownEvents::Fail, UnknownEvents::Skip, UnknownEvents::PassThrough] {
        let versions = VersionRegistry::<Known>::new().on_unknown(unknown);
        let error = told(read_with(&before_the_first, versions).await.unwrap_err());
        assert!(error.contains("nothing reads this version"), "{unknown:?}: {error}");
    }
}
