//! What is shown and changed of a store on a real server, as of one in a directory.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use allframe_cqrs::{
    EventStore,
    saga::{OnFailure, SagaDefinition, SagaEvent, SagaOrchestrator, SagaStep, StepContext, StepError},
};
use eventstore_api::EventStoreBackend;
use eventstore_postgres::{PostgresBackend, PostgresConfig, SchemaName};

use crate::{
    postgres_support::{Schema, server},
    support::{FEW, Place, same_each_time},
};

#[test]
fn what_is_shown_is_what_is_shown_of_a_directory() {
    let (schema, place) = (Schema::new(), Place::new());
    schema.import(FEW);
    place.import(FEW);
    for arguments in [
        "streams",
        "streams --json --prefix account-7",
        "streams --category --json",
        "tail --type Opened --json",
        "tail --prefix account-8",
        "tail --tag till:3 --after 1",
        "inspect account-7",
        "snapshots",
        "projections",
        "sagas",
        "processes",
        "schemas list",
    ] {
        let shown = same_each_time(&schema.succeed(arguments));
        assert_eq!(shown, same_each_time(&place.succeed(arguments)), "{arguments}");
    }
}

#[test]
fn an_event_is_appended_once_and_a_conflict_is_told() {
    let schema = Schema::new();
    let event = "append account-7 Deposited --expected none --id 00000000-0000-7000-8000-00000000000a";
    let first = schema.succeed(event);
    assert_eq!(first, "appended account-7 1, position 1, id 00000000-0000-7000-8000-00000000000a\n");
    assert_eq!(schema.succeed(event), first);
    let conflict = schema.run("append account-7 Deposited --expected 7");
    assert_eq!(conflict.code, Some(3), "{conflict}");
    assert!(conflict.stderr.contains("is at version 1, but the append expected version 7"), "{conflict}");
    schema.succeed("bench --events 20 --writers 2 --yes");
    assert!(schema.succeed("verify --json").starts_with(r#"{"sound":true,"events":21,"streams":3,"#));
}

#[test]
fn a_store_is_not_migrated_to_itself_by_another_name() {
    let (schema, other) = (Schema::new(), Schema::new());
    schema.import(FEW);
    let also = if server().contains('?') { '&' } else { '?' };
    let by_another_name = format!("{}{also}application_name=another#{}", server(), schema.name);
    for (from, to) in [(schema.url(), by_another_name.clone()), (by_another_name.clone(), schema.url())] {
        let outcome = schema.place.run(&format!("migrate --from {from} --to {to}"));
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome}");
        assert!(outcome.stderr.contains("is the store to migrate from"), "{outcome}");
    }
    // Another one in the same database is one of its own.
    let copied = schema.place.succeed(&format!("migrate --from {by_another_name} --to {}", other.url()));
    assert!(copied.starts_with("copied 4 events"), "{copied}");
}

/// A saga that waits for a person at once, and whose second attempt goes well.
fn waiting() -> SagaDefinition<u32> {
    let attempts = Arc::new(AtomicU32::new(0));
    let pay = SagaStep::new("pay", move |_: StepContext<u32>| {
        let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            match is_first {
                true => Err(StepError::rejected("the card was declined")),
                false => Ok("paid".to_owned()),
            }
        }
    });
    SagaDefinition::new("trip").then(pay.on_failure(OnFailure::Park))
}

#[test]
fn a_program_that_runs_notices_what_a_person_has_decided() {
    let schema = Schema::new();
    schema.import(FEW);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config =
            PostgresConfig { schema: SchemaName::new(&schema.name).unwrap(), ..PostgresConfig::default() };
        let backend = PostgresBackend::with_config(&server(), config).await.unwrap();
        let store = EventStore::<SagaEvent, _>::with_backend(backend);
        let sagas = SagaOrchestrator::builder(&store).saga(waiting()).open().await.unwrap();
        let saga = sagas.start("trip", "bob", &7).await.unwrap();
        let parked = sagas.wait_for_end(&saga).await.unwrap();
        assert!(!parked.is_completed(), "{parked:?}");

        let url = schema.url();
        let mut command = schema.place.command("sagas retry trip bob");
        let told =
            tokio::task::spawn_blocking(move || command.env("EVENTSTORE_STORE", url).output().unwrap());
        assert_eq!(String::from_utf8(told.await.unwrap().stdout).unwrap(), "trip-bob is tried again\n");
        while !sagas.wait_for_end(&saga).await.unwrap().is_completed() {
            tokio::task::yield_now().await;
        }
        sagas.close().await;
        store.backend().close().await.unwrap();
    });
}
