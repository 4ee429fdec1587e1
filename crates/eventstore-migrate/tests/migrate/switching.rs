use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use eventstore_api::{
    EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition, Subscription, Version,
};
use eventstore_conformance::intercept::Intercepted;
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{MigrationError, SwitchingBackend};
use eventstore_wal::WalBackend;
use futures_util::future::{join, poll_immediate};
use tokio::sync::Notify;

use crate::{
    faulty::{Faulty, Flush},
    mid_switch::MidSwitch,
    stores::{append, assert_same, event, fill, save, stream},
};

#[tokio::test]
async fn after_a_switch_the_new_store_is_used_and_the_old_one_is_not() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let store = SwitchingBackend::new(old.clone());
    fill(&store).await;
    let switched = store.switch_to(new.clone()).await.unwrap();
    assert_same(&old, &new).await;
    assert_eq!(switched.events, old.stats().await.unwrap().total_events);
    assert_eq!(switched.head, old.head().await.unwrap());
    append(&store, "a", 1).await;
    save(&store, "a", 50).await;
    assert_eq!(new.stats().await.unwrap().total_events, old.stats().await.unwrap().total_events + 1);
    assert_same(&store, &new).await;
    assert_eq!(switched.left.head().await.unwrap(), switched.head);
}

/// The whole of it: writers under guards, readers and a subscription go on, while a store moves twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_application_changes_over_without_noticing() {
    let directory = tempfile::tempdir().unwrap();
    let store = SwitchingBackend::new(InMemoryBackend::new());
    fill(&store).await;
    let (over, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = store.stats().await.unwrap().total_events;

    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, over, acknowledged) = (store.clone(), Arc::clone(&over), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let name = stream(&format!("writer-{writer}"));
                let mut version = 0;
                while !over.load(Ordering::Relaxed) {
                    let guard = ExpectedVersion::Exact(Version::new(version));
                    let appended = store.append(&name, guard, vec![event("on its way")]).await.unwrap();
                    version += 1;
                    assert_eq!(appended.last_version, Version::new(version));
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    if version % 10 == 0 {
                        save(&store, &format!("writer-{writer}"), version).await;
                    }
                }
                version
            })
        })
        .collect();
    let subscriber = {
        let (store, over) = (Arc::new(store.clone()), Arc::clone(&over));
        tokio::spawn(async move {
            let mut subscription = Subscription::new(store, GlobalPosition::START, EventFilter::all());
            let mut seen = Vec::new();
            loop {
                let event = subscription.next().await.unwrap();
                seen.push(event.position.get());
                if event.stream.as_str() == "the end" {
                    assert!(over.load(Ordering::Relaxed));
                    return seen;
                }
            }
        })
    };

    let enough = |least: u64| {
        let acknowledged = Arc::clone(&acknowledged);
        let are_at_work = writers.iter().all(|writer| !writer.is_finished());
        async move {
            assert!(are_at_work, "a writer has failed");
            while acknowledged.load(Ordering::Relaxed) < least {
                tokio::task::yield_now().await;
            }
        }
    };
    enough(200).await;
    let wal = WalBackend::production(directory.path()).unwrap();
    let first = store.switch_to(wal).await.unwrap();
    enough(acknowledged.load(Ordering::Relaxed) + 200).await;
    let last = InMemoryBackend::new();
    let second = store.switch_to(last.clone()).await.unwrap();
    second.left.close().await.unwrap();
    enough(acknowledged.load(Ordering::Relaxed) + 200).await;
    over.store(true, Ordering::Relaxed);
    let mut versions = Vec::new();
    for writer in writers {
        versions.push(writer.await.unwrap());
    }
    append(&store, "the end", 1).await;

    assert!(first.head < second.head);
    let all = store.get_all_events().await.unwrap();
    assert_eq!(all.len() as u64, began + versions.iter().sum::<u64>() + 1);
    let seen = subscriber.await.unwrap();
    assert_eq!(seen, (1..=all.len() as u64).collect::<Vec<_>>());
    let ids: BTreeSet<_> = all.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), all.len());
    for (writer, version) in versions.into_iter().enumerate() {
        let name = stream(&format!("writer-{writer}"));
        assert_eq!(store.get_events(&name).await.unwrap().len() as u64, version);
        let snapshot = store.get_latest_snapshot(&name).await.unwrap();
        assert_eq!(
            snapshot.map(|snapshot| snapshot.version.get()),
            Some(version / 10 * 10).filter(|it| *it > 0)
        );
    }
    assert_same(&store, &last).await;
}

#[tokio::test]
async fn whoever_waits_goes_on_waiting_in_the_new_store() {
    let store = SwitchingBackend::new(InMemoryBackend::new());
    fill(&store).await;
    let head = store.head().await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.wait_past(head).await.unwrap() }
    });
    tokio::task::yield_now().await;
    let switched = store.switch_to(InMemoryBackend::new()).await.unwrap();
    switched.left.close().await.unwrap();
    append(&store, "a", 1).await;
    assert!(waiting.await.unwrap() > head);
}

#[tokio::test]
async fn an_append_whose_caller_went_away_is_not_left_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = SwitchingBackend::new(WalBackend::production(directory.path()).unwrap());
    fill(&store).await;
    let before = store.stats().await.unwrap().total_events;
    let (name, once) = (stream("a"), event("gone"));
    {
        let mut append = std::pin::pin!(store.append(&name, ExpectedVersion::Any, vec![once.clone()]));
        assert!(poll_immediate(append.as_mut()).await.is_none());
    }
    store.switch_to(InMemoryBackend::new()).await.unwrap();
    // Whoever asks again is told what became of it, and it is there once.
    store.append(&name, ExpectedVersion::Any, vec![once]).await.unwrap();
    assert_eq!(store.stats().await.unwrap().total_events, before + 1);
}

#[tokio::test]
async fn a_switch_that_fails_leaves_everything_as_it_was() {
    let (old, other) = (InMemoryBackend::new(), InMemoryBackend::new());
    let store = SwitchingBackend::new(old.clone());
    fill(&store).await;
    append(&other, "something else", 2).await;
    let refused = store.switch_to(other).await.unwrap_err();
    assert!(matches!(refused, MigrationError::NotACopy(_)), "{refused:?}");
    append(&store, "a", 1).await;
    assert_same(&store, &old).await;
    store.switch_to(InMemoryBackend::new()).await.unwrap();
}

/// Where it is not, the next call of any kind goes round in a circle until the stack is full, which ends the process.
#[tokio::test]
async fn a_switch_to_itself_is_refused_whatever_is_wrapped_around() {
    let store = SwitchingBackend::new(InMemoryBackend::new());
    fill(&store).await;
    let behind_a_pointer: Arc<dyn EventStoreBackend> = Arc::new(store.clone());
    for refused in [
        store.switch_to(store.clone()).await,
        store.switch_to(Arc::new(store.clone())).await,
        store.switch_to(behind_a_pointer).await,
        store.switch_to(SwitchingBackend::new(Arc::new(store.clone()))).await,
        // It looks for its head in a way of its own.
        store.switch_to(Intercepted(MidSwitch::new(store.clone()))).await,
    ] {
        assert!(matches!(refused, Err(MigrationError::ToItself)), "{refused:?}");
    }
    append(&store, "a", 1).await;
    // Around another one, it is another one.
    store.switch_to(SwitchingBackend::new(InMemoryBackend::new())).await.unwrap();
    append(&store, "a", 1).await;
}

#[tokio::test]
async fn a_switch_that_is_dropped_leaves_everything_as_it_was_and_can_be_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (InMemoryBackend::new(), Arc::new(WalBackend::production(directory.path()).unwrap()));
    let store = SwitchingBackend::new(old.clone());
    fill(&store).await;
    for polls in 1..12 {
        let mut switch = Box::pin(store.switch_to(Arc::clone(&new)));
        for _ in 0..polls {
            if poll_immediate(switch.as_mut()).await.is_some() {
                panic!("it did not wait for the disk");
            }
        }
        drop(switch);
        append(&store, "a", 1).await;
        save(&store, "a", 60 + polls).await;
        assert_eq!(store.head().await.unwrap(), old.head().await.unwrap());
        // What was under way is over by then.
        new.flush().await.unwrap();
    }
    store.switch_to(Arc::clone(&new)).await.unwrap();
    assert_same(&old, &new).await;
}

#[tokio::test]
async fn there_is_one_switch_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let wal = WalBackend::production(directory.path()).unwrap();
    let store = SwitchingBackend::new(InMemoryBackend::new());
    fill(&store).await;
    let (one, other) = join(store.switch_to(wal), store.switch_to(InMemoryBackend::new())).await;
    one.unwrap();
    assert!(matches!(other, Err(MigrationError::SwitchUnderWay)), "{other:?}");
    store.switch_to(InMemoryBackend::new()).await.unwrap();
}

/// Whoever began then would still see the store that is left, and lose what the other takes.
#[tokio::test]
async fn in_the_last_moment_of_a_switch_no_other_begins() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (first, second) = (InMemoryBackend::new(), InMemoryBackend::new());
    let store = SwitchingBackend::new(InMemoryBackend::new());
    fill(&store).await;
    let switching = tokio::spawn({
        let target = Faulty::that_waits_in(Flush::OfTheLastMoment, &first, &begun, &go_on);
        let store = store.clone();
        async move { store.switch_to(target).await }
    });
    begun.notified().await;
    let other = store.switch_to(second.clone()).await;
    assert!(matches!(other, Err(MigrationError::SwitchUnderWay)), "{other:?}");
    go_on.notify_one();
    switching.await.unwrap().unwrap();
    append(&store, "a", 1).await;
    store.switch_to(second.clone()).await.unwrap();
    assert_same(&first, &second).await;
}
