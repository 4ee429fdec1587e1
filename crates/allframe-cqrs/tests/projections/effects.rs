//! What projections ask to be done outside.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    ApplyContext, ApplyError, CheckpointPolicy, Consistency, EventStore, FaultCause, FaultPolicy,
    GlobalPosition, InMemoryBackend, Projection, ProjectionError, ProjectionRegistry, Recorded, Registration,
};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::{Entry, Fragile, SOON, deposit},
    support::Watched,
};

/// What was sent, to whoever it was sent.
#[derive(Clone, Debug)]
struct Post {
    sent: Arc<Mutex<Vec<u64>>>,
    is_closed: Arc<AtomicBool>,
    closes_after: Arc<AtomicUsize>,
}

impl Default for Post {
    fn default() -> Self {
        let closes_after = Arc::new(AtomicUsize::new(usize::MAX));
        Self { sent: Arc::default(), is_closed: Arc::default(), closes_after }
    }
}

impl Post {
    fn sent(&self) -> Vec<u64> {
        self.sent.lock().unwrap().clone()
    }
}

/// Sends a letter for every deposit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Letters {
    written: u64,
    replayed: u64,
}

impl Projection for Letters {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("it has effects");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, context: &mut ApplyContext) -> Result<(), ApplyError> {
        self.written += 1;
        self.replayed += u64::from(context.is_replaying());
        let (post, position) = (post(), event.position().get());
        context.effect(move || {
            let post = post.clone();
            async move {
                let is_full = post.sent().len() >= post.closes_after.load(Ordering::SeqCst);
                if is_full || post.is_closed.load(Ordering::SeqCst) {
                    return Err("the post office is closed".into());
                }
                post.sent.lock().unwrap().push(position);
                Ok(())
            }
        });
        Ok(())
    }
}

thread_local! {
    /// Of the test on this thread, and all its tasks.
    static POST: RefCell<Post> = RefCell::default();
}

fn post() -> Post {
    POST.with_borrow(Post::clone)
}

fn letters(version: u32) -> Registration<Letters> {
    Registration::stored("letters", version, Letters::default)
        .with_faults(FaultPolicy::stop().with_attempts(1))
}

async fn registry_of(backend: &InMemoryBackend) -> (EventStore<Entry>, ProjectionRegistry<Entry>) {
    let store = EventStore::with_backend(backend.clone());
    (store.clone(), ProjectionRegistry::new(store))
}

#[tokio::test]
async fn what_an_event_asks_for_is_done_once_and_not_again_by_a_rebuild_or_a_new_version() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    registry.add(letters(1)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    deposit(&store, "account-1", 2).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(post.sent(), [1, 2]);

    registry.rebuild("letters").await.unwrap();
    let view = registry.get::<Letters>().await.unwrap();
    assert_eq!((view.written, view.replayed), (2, 2));
    drop(view);
    registry.close().await.unwrap();

    let (store, registry) = registry_of(&backend).await;
    registry.add(letters(2)).await.unwrap();
    deposit(&store, "account-1", 3).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(post.sent(), [1, 2, 3]);
    assert_eq!(registry.get::<Letters>().await.unwrap().written, 3);
}

#[tokio::test]
async fn events_that_were_there_before_the_projection_have_no_effects() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    deposit(&store, "account-1", 1).await;
    registry.add(letters(1)).await.unwrap();
    deposit(&store, "account-1", 2).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(post.sent(), [2]);
}

#[tokio::test]
async fn events_that_came_while_the_program_was_away_have_theirs_also_under_a_new_version() {
    for next_version in [1, 2] {
        let (backend, post) = (InMemoryBackend::new(), post());
        let (store, registry) = registry_of(&backend).await;
        registry.add(letters(1)).await.unwrap();
        deposit(&store, "account-1", 1).await;
        registry.wait_until_caught_up(SOON).await.unwrap();
        registry.close().await.unwrap();
        deposit(&store, "account-1", 2).await;

        let (_, registry) = registry_of(&backend).await;
        registry.add(letters(next_version)).await.unwrap();
        registry.wait_until_caught_up(SOON).await.unwrap();
        assert_eq!(registry.get::<Letters>().await.unwrap().written, 2);
        assert_eq!(post.sent(), [1, 2], "version {next_version}");
        post.sent.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn after_a_crash_what_was_done_is_not_done_again_though_its_events_are_applied_again() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    let never = CheckpointPolicy::default().with_events(u64::MAX).with_interval(Duration::MAX / 4);
    registry.add(letters(1).with_checkpoints(never)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    deposit(&store, "account-1", 2).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    // Nothing of its state was stored but the beginning; the first registry is as good as dead.

    let (_, second) = registry_of(&backend).await;
    second.add(letters(1)).await.unwrap();
    second.wait_until_caught_up(SOON).await.unwrap();
    let view = second.get::<Letters>().await.unwrap();
    assert_eq!((view.written, view.replayed), (2, 2));
    assert_eq!(post.sent(), [1, 2]);
}

#[tokio::test]
async fn an_effect_that_fails_stops_the_projection_and_is_done_when_it_is_resumed() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    registry.add(letters(1)).await.unwrap();
    post.is_closed.store(true, Ordering::SeqCst);
    deposit(&store, "account-1", 1).await;
    deposit(&store, "account-1", 2).await;
    // Its events are applied by then; it goes no further.
    let error = registry.wait_until(GlobalPosition::new(3), SOON).await.unwrap_err();
    let ProjectionError::Stopped { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.position, GlobalPosition::new(1));
    assert!(matches!(source.cause, FaultCause::Effect(_)), "{source:?}");

    post.is_closed.store(false, Ordering::SeqCst);
    registry.resume("letters").await.unwrap();
    let third = deposit(&store, "account-1", 3).await;
    registry.wait_until(third, SOON).await.unwrap();
    assert_eq!(post.sent(), [1, 2, 3]);
    assert_eq!(registry.get::<Letters>().await.unwrap().written, 3);
}

#[tokio::test]
async fn an_effect_that_is_not_done_yet_outlives_a_restart() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    registry.add(letters(1)).await.unwrap();
    post.is_closed.store(true, Ordering::SeqCst);
    let position = deposit(&store, "account-1", 1).await;
    registry.wait_until(GlobalPosition::new(position.get() + 1), SOON).await.unwrap_err();
    registry.save().await.unwrap();
    registry.close().await.unwrap();

    post.is_closed.store(false, Ordering::SeqCst);
    let (_, registry) = registry_of(&backend).await;
    registry.add(letters(1)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(post.sent(), [1]);
    assert_eq!(registry.get::<Letters>().await.unwrap().written, 1);
}

#[tokio::test]
async fn effects_done_before_one_that_failed_are_not_done_again_after_a_restart() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    registry.add(letters(1)).await.unwrap();
    registry.pause("letters").await.unwrap();
    post.closes_after.store(2, Ordering::SeqCst);
    for amount in 1..=3 {
        deposit(&store, "account-1", amount).await;
    }
    registry.resume("letters").await.unwrap();
    registry.wait_until(GlobalPosition::new(4), SOON).await.unwrap_err();
    assert_eq!(post.sent(), [1, 2]);
    registry.close().await.unwrap();

    post.closes_after.store(usize::MAX, Ordering::SeqCst);
    let (_, registry) = registry_of(&backend).await;
    registry.add(letters(1)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(post.sent(), [1, 2, 3]);
}

#[tokio::test]
async fn an_effect_that_is_not_done_yet_outlives_a_rebuild_and_a_restart() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    registry.add(letters(1)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    post.is_closed.store(true, Ordering::SeqCst);
    deposit(&store, "account-1", 2).await;
    registry.wait_until(GlobalPosition::new(3), SOON).await.unwrap_err();
    registry.rebuild("letters").await.unwrap();
    assert_eq!(registry.get::<Letters>().await.unwrap().written, 2);
    registry.close().await.unwrap();

    post.is_closed.store(false, Ordering::SeqCst);
    let (_, registry) = registry_of(&backend).await;
    registry.add(letters(1)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(post.sent(), [1, 2]);
    assert_eq!(registry.get::<Letters>().await.unwrap().written, 2);
}

/// Sends a letter for every large deposit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct LargeDeposits {
    count: u64,
}

impl Projection for LargeDeposits {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("it has effects");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, context: &mut ApplyContext) -> Result<(), ApplyError> {
        if matches!(event.event, Entry::Deposited { amount: 1_000.. }) {
            self.count += 1;
            let (post, position) = (post(), event.position().get());
            context.effect(move || {
                post.sent.lock().unwrap().push(position);
                async { Ok(()) }
            });
        }
        Ok(())
    }
}

/// The same projection, of which the state has another form.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct LargeDepositsAgain {
    again: LargeDeposits,
}

impl Projection for LargeDepositsAgain {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("it has effects");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, context: &mut ApplyContext) -> Result<(), ApplyError> {
        self.again.try_apply(event, context)
    }
}

#[tokio::test]
async fn a_new_version_does_what_came_while_the_program_was_away_also_where_none_before_had_anything_to_do() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    deposit(&store, "account-1", 1_000).await;
    registry.add(Registration::stored("large", 1, LargeDeposits::default)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();
    deposit(&store, "account-1", 1_000).await;

    let (_, registry) = registry_of(&backend).await;
    registry.add(Registration::stored("large", 2, LargeDepositsAgain::default)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<LargeDepositsAgain>().await.unwrap().again.count, 2);
    assert_eq!(post.sent(), [3]);
}

#[tokio::test]
async fn a_new_version_does_nothing_for_events_that_one_before_it_has_taken_in() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    registry.add(Registration::stored("letters", 1, Fragile::default)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();

    let (store, registry) = registry_of(&backend).await;
    registry.add(letters(2)).await.unwrap();
    deposit(&store, "account-1", 2).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Letters>().await.unwrap().written, 2);
    assert_eq!(post.sent(), [2]);
}

#[tokio::test]
async fn an_effect_that_panics_stops_the_projection_as_one_that_fails() {
    #[derive(Clone, Default)]
    struct Careless;
    impl Projection for Careless {
        type Event = Entry;
        fn apply(&mut self, _event: &Entry) {}
        fn try_apply(&mut self, _: &Recorded<Entry>, context: &mut ApplyContext) -> Result<(), ApplyError> {
            context.effect(|| async { panic!("careless") });
            Ok(())
        }
    }
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    let once = FaultPolicy::stop().with_attempts(1);
    registry.add(Registration::in_memory("careless", Careless::default).with_faults(once)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    let error = registry.wait_until(GlobalPosition::new(2), SOON).await.unwrap_err();
    assert!(String::from(error).ends_with("has failed: it panicked: careless"));
}

#[tokio::test]
async fn a_state_that_may_not_be_stored_yet_keeps_the_projection_from_nothing_else() {
    let (backend, post) = (InMemoryBackend::new(), post());
    let (store, registry) = registry_of(&backend).await;
    let at_once = CheckpointPolicy::default().with_events(1).with_interval(Duration::ZERO);
    registry.add(letters(1).with_checkpoints(at_once)).await.unwrap();
    post.is_closed.store(true, Ordering::SeqCst);
    deposit(&store, "account-1", 1).await;
    registry.wait_until(GlobalPosition::new(2), SOON).await.unwrap_err();
    crate::support::soon(registry.pause("letters")).await.unwrap();
}

#[tokio::test]
async fn where_the_store_fails_no_event_is_parked_for_it() {
    let (backend, post) = (Arc::new(Watched::new()), post());
    let store = EventStore::<Entry, _>::with_backend(Arc::clone(&backend));
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(letters(1).with_faults(FaultPolicy::park().with_attempts(1))).await.unwrap();
    backend.let_snapshots_fail();
    let first = deposit(&store, "account-1", 1).await;
    // That its effect has been done cannot be noted.
    let next = GlobalPosition::new(first.get() + 1);
    let error = registry.wait_until(next, SOON).await.unwrap_err();
    let ProjectionError::Stopped { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(source.cause, FaultCause::Store(_)), "{source:?}");
    assert_eq!((registry.get::<Letters>().await.unwrap().parked().len(), post.sent()), (0, vec![1]));
}

#[tokio::test]
async fn an_effect_may_append_to_the_store_whose_appends_wait_for_its_projection() {
    #[derive(Clone)]
    struct Echo(EventStore<Entry>);
    impl Projection for Echo {
        type Event = Entry;
        fn apply(&mut self, _event: &Entry) {}
        fn try_apply(
            &mut self,
            event: &Recorded<Entry>,
            context: &mut ApplyContext,
        ) -> Result<(), ApplyError> {
            if let Entry::Deposited { amount } = event.event {
                let store = self.0.clone();
                context.effect(move || {
                    let store = store.clone();
                    async move {
                        store.append("echo-1", vec![Entry::Withdrawn { amount }]).await?;
                        Ok(())
                    }
                });
            }
            Ok(())
        }
    }
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    let echo = Echo(store.clone());
    let inline = Registration::in_memory("echo", move || echo.clone()).with_consistency(Consistency::Inline);
    registry.add(inline).await.unwrap();
    deposit(&store, "account-1", 7).await;
    assert_eq!(store.get_events("echo-1").await.unwrap(), [Entry::Withdrawn { amount: 7 }]);
}
