//! Everything that can be asked of a registry, by many at once, some of whom give up.

use std::{sync::Mutex, time::Duration};

use allframe_cqrs::{
    ApplyContext, ApplyError, CheckpointPolicy, EventStore, InMemoryBackend, Projection, ProjectionRegistry,
    Recorded, Registration,
};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::{
    ledger::{Entry, SOON, deposit},
    support::soon,
};

/// Of the only test that has these effects.
static SENT: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Which events it was built of, each of which has an effect.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seen {
    positions: Vec<u64>,
}

impl Projection for Seen {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("it has effects");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, context: &mut ApplyContext) -> Result<(), ApplyError> {
        let position = event.position().get();
        self.positions.push(position);
        context.effect(move || async move {
            tokio::task::yield_now().await;
            SENT.lock().unwrap().push(position);
            Ok(())
        });
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Pause,
    Resume,
    Rebuild,
    Save,
    Status,
    Look,
    Wait,
}

const ASKED: [Asked; 7] =
    [Asked::Pause, Asked::Resume, Asked::Rebuild, Asked::Save, Asked::Status, Asked::Look, Asked::Wait];

async fn ask(registry: ProjectionRegistry<Entry>, asked: Asked) {
    match asked {
        Asked::Pause => registry.pause("seen").await.unwrap(),
        Asked::Resume => registry.resume("seen").await.unwrap(),
        Asked::Rebuild => drop(registry.rebuild("seen").await.unwrap()),
        Asked::Save => registry.save().await.unwrap(),
        Asked::Status => drop(registry.status().await.unwrap()),
        Asked::Look => {
            let view = registry.get::<Seen>().await.unwrap();
            let expected: Vec<u64> = (1..=view.position().get()).collect();
            assert_eq!(view.positions, expected);
        }
        // It may be paused.
        Asked::Wait => drop(registry.wait_until_caught_up(SOON).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_asked_at_once_and_given_up_every_event_is_applied_once_and_has_its_effect_once() {
    const ROUNDS: u64 = 12;
    const APPENDS: u64 = 60;
    let backend = InMemoryBackend::new();
    let often = CheckpointPolicy::default().with_events(7).with_interval(Duration::from_millis(2));
    for round in 0..ROUNDS {
        let store = EventStore::<Entry>::with_backend(backend.clone());
        let registry = ProjectionRegistry::new(store.clone());
        registry.add(Registration::stored("seen", 1, Seen::default).with_checkpoints(often)).await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            for amount in 0..APPENDS {
                deposit(&store, "account-1", amount).await;
                tokio::task::yield_now().await;
            }
        });
        for asker in 0..6_usize {
            let registry = registry.clone();
            tasks.spawn(async move {
                for turn in 0..30_usize {
                    let asked = ASKED[(asker * 5 + turn * (asker + 1)) % ASKED.len()];
                    let asking = ask(registry.clone(), asked);
                    if (asker + turn) % 3 == 0 {
                        // Gives up after it has been asked, and before there is an answer, mostly.
                        let _ = asking.now_or_never();
                    } else {
                        let _ = tokio::time::timeout(Duration::from_millis(20), asking).await;
                    }
                }
            });
        }
        while let Some(done) = soon(tasks.join_next()).await {
            done.unwrap();
        }
        // Every second time without the effects that were still due.
        if round % 2 == 0 {
            soon(registry.resume("seen")).await.unwrap();
            registry.wait_until_caught_up(SOON).await.unwrap();
        }
        let _under_way = registry.begin_rebuild("seen").unwrap();
        soon(registry.close()).await.unwrap();
    }
    let store = EventStore::<Entry>::with_backend(backend.clone());
    let registry = ProjectionRegistry::new(store);
    registry.add(Registration::stored("seen", 1, Seen::default)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    let expected: Vec<u64> = (1..=ROUNDS * APPENDS).collect();
    assert_eq!(registry.get::<Seen>().await.unwrap().positions, expected);
    assert_eq!(*SENT.lock().unwrap(), expected);
}
