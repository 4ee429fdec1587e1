use std::{future::ready, sync::Arc};

use eventstore_api::EventStoreBackend;
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{Migration, MigrationReport};
use tokio::sync::oneshot;

use crate::{
    faulty::Faulty,
    stores::{append, assert_same, fill, save},
};

#[tokio::test]
async fn what_is_appended_meanwhile_is_copied_until_the_end_is_called() {
    let (old, new) = (Arc::new(InMemoryBackend::new()), Arc::new(InMemoryBackend::new()));
    fill(&*old).await;
    let (enough, until) = oneshot::channel::<()>();
    let following = {
        let (old, new) = (Arc::clone(&old), Arc::clone(&new));
        tokio::spawn(async move {
            let until = async { drop(until.await) };
            Migration::new(&*old, &*new).page_events(4).follow(until).await.unwrap()
        })
    };
    for round in 1..=30 {
        append(&*old, "a", 1).await;
        append(&*old, &format!("later-{round}"), 3).await;
        save(&*old, "a", 5 + round).await;
        // It has arrived before the next one comes.
        let head = old.head().await.unwrap();
        let mut seen = eventstore_api::GlobalPosition::START;
        while seen < head {
            seen = new.wait_past(seen).await.unwrap();
        }
    }
    enough.send(()).unwrap();
    let report = following.await.unwrap();
    assert_same(&*old, &*new).await;
    assert_eq!(report.caught_up.events, old.stats().await.unwrap().total_events);
    assert!(report.verified.is_complete());
}

/// Follows to the end that is there, as often as a store was away.
async fn follow_patiently(migration: &Migration<'_>) -> MigrationReport {
    loop {
        match migration.follow(ready(())).await {
            Ok(report) => return report,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_call_after_a_store_was_away_goes_on_counting_and_comparing_where_the_last_one_ended() {
    let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    let new = Faulty::that_loses_answers(&inner);
    let migration = Migration::new(&old, &new).page_events(5);
    for _ in 0..5 {
        assert!(migration.follow(ready(())).await.unwrap_err().is_retryable());
    }
    let report = follow_patiently(&migration).await;
    assert_same(&old, &inner).await;
    assert_eq!((report.caught_up.events, report.caught_up.snapshots), (new.acknowledged(), 3));
    let (walked_over, all) = (new.walked_over(), report.verified.events);
    assert!(walked_over < 2 * all, "of {all} events {walked_over} were compared");
    assert_eq!(report.verified, Migration::new(&old, &inner).verify().await.unwrap());

    // What is done is done: the next one is a run of its own.
    let again = follow_patiently(&migration).await;
    assert_eq!((again.caught_up.events, again.verified), (0, report.verified));
}

#[tokio::test]
async fn what_the_new_store_has_lost_meanwhile_is_compared_again() {
    let old = InMemoryBackend::new();
    fill(&old).await;
    let new = Faulty::that_loses_answers(&InMemoryBackend::new());
    let migration = Migration::new(&old, &new).page_events(5);
    for _ in 0..20 {
        assert!(migration.follow(ready(())).await.unwrap_err().is_retryable());
    }
    new.lose_everything();
    let before = new.walked_over();
    let report = follow_patiently(&migration).await;
    let (walked_over, all) = (new.walked_over() - before, report.verified.events);
    assert!(
        before > all / 2 && walked_over >= all,
        "of {all} events {before} were compared, and {walked_over} again"
    );
    assert_eq!(report.verified, Migration::new(&old, &new).verify().await.unwrap());
}
