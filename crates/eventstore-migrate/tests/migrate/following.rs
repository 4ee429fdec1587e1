use std::sync::Arc;

use eventstore_api::EventStoreBackend;
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::Migration;
use tokio::sync::oneshot;

use crate::stores::{append, assert_same, fill, save};

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
