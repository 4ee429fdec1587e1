use allframe_cqrs::{EventStore, consumer_group::GroupError, saga::SagaEvent};
use eventstore_api::{Encoding, EventStoreBackend, EventType, Snapshot, StreamId, Version};
use eventstore_wal::WalBackend;
use insta::assert_snapshot;

use crate::support::{FEW, Outcome, Place};

/// As members of a group write: two partitions, one of them with a holder and a parked event behind which another waits.
const GROUP: &str = r#"
{"stream":"$group-shipping/definition","type":"$group.defined","data":{"partitions":2,"start":0}}
{"stream":"$group-shipping/members","type":"$group.member","data":{"note":"alive","member":"m1"}}
{"stream":"$group-shipping/members","type":"$group.member","data":{"note":"alive","member":"m2"}}
{"stream":"$group-shipping/members","type":"$group.member","data":{"note":"left","member":"m1"}}
{"stream":"$group-shipping/partition-0","type":"$group.partition","data":{"holder":"m2","checkpoint":3}}
{"stream":"$group-shipping/partition-1","type":"$group.partition","data":{"holder":"m2","checkpoint":2}}
{"stream":"$group-shipping/parked-1","type":"$group.parked","data":{"change":"parked","position":2,"stream":"account-8","version":1,"key":"account-8","cause":"failed","attempts":3,"reason":"no","since":0}}
"#;

fn with_readers() -> Place {
    let place = Place::new();
    place.import(FEW);
    let state = EventType::new("$projection-state").unwrap();
    let snapshot = |version: u32, position: u64| {
        let stream = StreamId::new(format!("$projection-turnover-v{version}")).unwrap();
        Snapshot::new(stream, Version::new(position), state.clone(), "{\"total\":7}")
            .with_encoding(Encoding::JSON)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = WalBackend::production(place.path("data")).unwrap();
        store.save_snapshot(snapshot(1, 1)).await.unwrap();
        store.save_snapshot(snapshot(2, 4)).await.unwrap();
        store.close().await.unwrap();
    });
    place.import(GROUP);
    place
}

#[test]
fn all_that_the_store_keeps_is_listed_with_its_lag_and_members() {
    let place = with_readers();
    assert_snapshot!(place.run("projections"));
    assert_snapshot!(place.run("projections --json"));
    assert_snapshot!(Place::with("memory:").run("projections"));
}

#[test]
fn a_projection_is_found_by_its_name_in_all_its_versions() {
    let place = with_readers();
    assert_snapshot!(place.run("projections turnover"));
    assert_snapshot!(place.run("projections turnover shipping --json"));
    assert_snapshot!(place.run("projections nobody"));
}

#[test]
fn a_group_that_cannot_be_read_hides_no_other() {
    const ODD: &str =
        r#"{"stream":"$group-odd/definition","type":"$group.defined","data":{"partitions":"many"}}"#;
    let place = with_readers();
    let before = ["projections", "projections --json"].map(|command| (command, place.run(command).stdout));
    place.import(ODD);
    for (command, shown) in before {
        let outcome = place.run(command);
        assert_eq!(outcome.stdout, shown, "{command}");
        assert!(outcome.code == Some(1) && outcome.stderr.contains("$group-odd/definition"), "{outcome}");
    }
    // Of the one alone nothing is shown, nor is it said that there is nothing.
    for command in ["projections odd", "projections odd --json"] {
        let outcome = place.run(command);
        assert!(outcome.code == Some(1) && outcome.stderr.contains("$group-odd/definition"), "{outcome}");
        assert_eq!(outcome.stdout, "", "{command}");
    }
}

#[test]
fn of_several_groups_that_cannot_be_read_each_is_told() {
    const ODD: &str = r#"
{"stream":"$group-odd/definition","type":"$group.defined","data":{"partitions":"many"}}
{"stream":"$group-old/definition","type":"$group.defined","data":{"partitions":"few"}}
"#;
    let place = with_readers();
    place.import(ODD);
    for command in ["projections", "projections --json", "projections odd old"] {
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(1), "{command}: {outcome}");
        let told: Vec<&str> = outcome.stderr.lines().collect();
        let [note, error] = told[..] else { panic!("{command}: {outcome}") };
        assert!(note.starts_with("note: ") && !error.starts_with("note: "), "{command}: {outcome}");
        for group in ["$group-odd/definition", "$group-old/definition"] {
            let lines = told.iter().filter(|line| line.contains(group));
            assert_eq!(lines.count(), 1, "{command}: {outcome}");
        }
    }
}

#[test]
fn a_group_that_the_toolkit_has_made_is_known() -> Result<(), GroupError> {
    let place = Place::new();
    place.import(FEW);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let backend = WalBackend::production(place.path("data")).unwrap();
        let store = EventStore::<SagaEvent, _>::with_backend(backend);
        store.consumer_group("mailer").with_partitions(3).open().await?;
        store.backend().close().await.unwrap();
        Ok::<_, GroupError>(())
    })?;
    let listed: Outcome = place.run("projections --json");
    let group: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((group["kind"].as_str(), group["name"].as_str()), (Some("consumer_group"), Some("mailer")));
    assert_eq!((group["partitions"].as_array().unwrap().len(), group["lag"].as_u64()), (3, Some(4)));
    Ok(())
}
