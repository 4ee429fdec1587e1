//! What becomes of the new store in the last moment of a switch, when nothing is left to be copied.

use std::sync::Arc;

use eventstore_api::{EventStoreBackend, GlobalPosition};
use eventstore_conformance::intercept::Intercepted;
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{Difference, MigrationError, Switched, SwitchingBackend};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    faulty::{Faulty, Flush},
    stores::{append, assert_same, fill},
};

/// A switch that is in its last moment, and waits for the new store.
struct LastMoment {
    old: InMemoryBackend,
    store: SwitchingBackend,
    target: Arc<Intercepted<Faulty>>,
    go_on: Arc<Notify>,
    switch: JoinHandle<Result<Switched, MigrationError>>,
}

impl LastMoment {
    async fn reached() -> Self {
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let old = InMemoryBackend::new();
        let store = SwitchingBackend::new(old.clone());
        fill(&store).await;
        let target =
            Arc::new(Faulty::that_waits_in(Flush::OfTheLastMoment, &InMemoryBackend::new(), &begun, &go_on));
        let switch = tokio::spawn({
            let (store, target) = (store.clone(), Arc::clone(&target));
            async move { store.switch_to(target).await }
        });
        begun.notified().await;
        assert_same(&old, &*target).await;
        Self { old, store, target, go_on, switch }
    }

    /// Why the switch is refused. Appends go to the old store as before.
    async fn refused(self) -> (MigrationError, SwitchingBackend, Arc<Intercepted<Faulty>>) {
        let Self { old, store, target, go_on, switch } = self;
        go_on.notify_one();
        let refused = switch.await.unwrap().unwrap_err();
        append(&store, "a", 1).await;
        assert_same(&store, &old).await;
        (refused, store, target)
    }
}

/// Another server may have taken its place that had not got all of it yet.
#[tokio::test]
async fn a_new_store_that_has_lost_its_last_events_is_not_switched_to() {
    let all = LastMoment::reached().await.old.head().await.unwrap();
    for lost in [1, 3, all.get()] {
        let moment = LastMoment::reached().await;
        moment.target.forget(usize::try_from(lost).unwrap()).await;
        let (refused, store, target) = moment.refused().await;
        let MigrationError::Behind { head, source_head, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!((head.get(), *source_head), (all.get() - lost, all));
        // The same call brings it again.
        let left = store.switch_to(Arc::clone(&target)).await.unwrap().left;
        assert_same(&left, &*target).await;
    }
}

#[tokio::test]
async fn a_new_store_to_which_somebody_has_appended_is_not_switched_to() {
    let moment = LastMoment::reached().await;
    let head = moment.old.head().await.unwrap();
    append(&*moment.target, "hasty", 2).await;
    let (refused, ..) = moment.refused().await;
    let MigrationError::NotACopy(Difference::NotInSource { position }) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(*position, GlobalPosition::new(head.get() + 1));
}

#[tokio::test]
async fn nor_one_that_ends_where_it_should_with_the_event_of_another() {
    let moment = LastMoment::reached().await;
    let head = moment.old.head().await.unwrap();
    moment.target.forget(1).await;
    append(&*moment.target, "hasty", 1).await;
    let (refused, ..) = moment.refused().await;
    let MigrationError::NotACopy(Difference::Changed { position, .. }) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(*position, head);
}

/// Each would be the other from then on.
#[tokio::test]
async fn of_two_stores_that_are_switched_to_each_other_at_once_one_is_refused() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let one = SwitchingBackend::new(InMemoryBackend::new());
    let waits = Faulty::that_waits_in(Flush::OfTheLastMoment, &InMemoryBackend::new(), &begun, &go_on);
    let other = SwitchingBackend::new(waits);
    fill(&one).await;
    let switch = tokio::spawn({
        let (one, other) = (one.clone(), other.clone());
        async move { one.switch_to(other).await }
    });
    begun.notified().await;
    other.switch_to(one.clone()).await.unwrap();
    go_on.notify_one();
    let refused = switch.await.unwrap();
    assert!(matches!(refused, Err(MigrationError::ToItself)), "{refused:?}");
    append(&other, "a", 1).await;
    assert_same(&one, &other).await;
}
