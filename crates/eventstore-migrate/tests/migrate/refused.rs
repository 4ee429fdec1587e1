use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, GlobalPosition, InvalidInput, RecordedEvent, Result, StoreError};
use eventstore_conformance::intercept::{Intercepted, Interceptor};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{Difference, Migration, MigrationError};
use eventstore_wal::WalBackend;

use crate::{
    faulty::Faulty,
    stores::{append, fill, save, stream},
};

#[tokio::test]
async fn a_store_that_holds_something_else_is_refused() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    append(&new, "other", 1).await;
    let before = new.stats().await.unwrap();
    let refused = Migration::new(&old, &new).run().await.unwrap_err();
    let MigrationError::NotACopy(Difference::Changed { position, fields }) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(*position, GlobalPosition::new(1));
    assert!(fields.contains(&"id") && fields.contains(&"stream"), "{fields:?}");
    assert_eq!(new.stats().await.unwrap(), before);
}

#[tokio::test]
async fn a_store_that_has_more_than_the_old_one_is_refused() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    Migration::new(&old, &new).run().await.unwrap();
    append(&new, "a", 1).await;
    let refused = Migration::new(&old, &new).run().await.unwrap_err();
    assert!(matches!(refused, MigrationError::NotACopy(Difference::NotInSource { .. })), "{refused:?}");
}

#[tokio::test]
async fn whoever_appends_to_the_new_store_too_early_ends_the_migration() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    let hasty = std::sync::Once::new();
    let migration = Migration::new(&old, &new).page_events(3).on_progress(|_| {
        hasty.call_once(|| futures_util::future::FutureExt::now_or_never(append(&new, "hasty", 1)).unwrap());
    });
    let refused = migration.run().await.unwrap_err();
    assert!(matches!(refused, MigrationError::NotACopy(_)), "{refused:?}");
}

#[tokio::test]
async fn a_store_without_its_beginning_is_refused() {
    let (inner, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&inner).await;
    let refused = Migration::new(&Faulty::with_holes(&inner, 1..=4), &new).run().await.unwrap_err();
    let MigrationError::Incomplete { missing, next } = &refused else { panic!("{refused:?}") };
    assert_eq!((missing.get(), next.get()), (1, 5));
    assert_eq!(new.stats().await.unwrap().total_events, 0);
    let text = eventstore_api::message_with_causes(&refused);
    insta::assert_snapshot!(text, @"the store to migrate from has no event at position 1, and one at 5: parts of it were moved away, and what is left can be copied only under other positions");
}

#[tokio::test]
async fn a_hole_in_the_middle_is_refused_where_it_is() {
    let (inner, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&inner).await;
    for name in 0..10 {
        append(&inner, &format!("alone-{name}"), 1).await;
    }
    let gone = inner.head().await.unwrap().get() - 2;
    let holes = Faulty::with_holes(&inner, gone..=gone);
    let refused = Migration::new(&holes, &new).page_events(1_000).run().await.unwrap_err();
    let MigrationError::Incomplete { missing, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(missing.get(), gone);
}

/// A store that takes all of what is restored or nothing of it, as one does that restores in a transaction.
struct AllOrNothing(InMemoryBackend);

#[async_trait]
impl Interceptor for AllOrNothing {
    fn store(&self) -> impl EventStoreBackend {
        self.0.clone()
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        let head = self.0.head().await?;
        for (next, event) in (head.get() + 1..).map(GlobalPosition::new).zip(&events) {
            let position = event.position;
            if position != next {
                return Err(InvalidInput::PositionNotNext { position, next }.into());
            }
        }
        self.0.restore(events).await
    }
}

#[tokio::test]
async fn a_hole_is_found_also_where_the_new_store_takes_all_of_a_page_or_nothing() {
    // In the middle of the first page, and of the third.
    for (page_events, arrives) in [(1_000, 0), (16, 32)] {
        let (inner, new) = (InMemoryBackend::new(), InMemoryBackend::new());
        fill(&inner).await;
        let (holes, target) = (Faulty::with_holes(&inner, 40..=41), Intercepted(AllOrNothing(new.clone())));
        let refused = Migration::new(&holes, &target).page_events(page_events).run().await.unwrap_err();
        let MigrationError::Incomplete { missing, next } = &refused else { panic!("{refused:?}") };
        assert_eq!((missing.get(), next.get()), (40, 42));
        assert_eq!(new.head().await.unwrap().get(), arrives);
    }
}

/// All that can be read of it is copied and the same. That is not all.
#[tokio::test]
async fn a_store_that_is_damaged_is_not_taken_for_one_that_ends_there() {
    let directory = tempfile::tempdir().unwrap();
    let wal = WalBackend::production(directory.path()).unwrap();
    fill(&wal).await;
    let written = wal.head().await.unwrap();
    wal.close().await.unwrap();
    drop(wal);
    let log = directory.path().join("00000000000000000001.wal");
    let mut bytes = std::fs::read(&log).unwrap();
    // Behind the end there is room for more.
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end / 2] ^= 1;
    std::fs::write(&log, bytes).unwrap();

    let (old, new) = (WalBackend::open_read_only(directory.path()).unwrap(), InMemoryBackend::new());
    // Not the second time either, when nothing is left to be copied.
    for _ in 0..2 {
        let refused = Migration::new(&old, &new).run().await.unwrap_err();
        assert!(matches!(refused, MigrationError::Source(StoreError::Corrupted { .. })), "{refused:?}");
        let arrived = new.head().await.unwrap();
        assert!(arrived > GlobalPosition::START && arrived < written, "{arrived} of {written}");
    }
}

#[tokio::test]
async fn what_is_not_the_same_is_found_and_named() {
    let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    Migration::new(&old, &inner).run().await.unwrap();
    let changed = Faulty::changed_at(&inner, 17);
    let differs = Migration::new(&old, &changed).page_events(5).verify().await.unwrap_err();
    let MigrationError::Differs(Difference::Changed { position, fields }) = &differs else {
        panic!("{differs:?}")
    };
    assert_eq!((position.get(), &fields[..]), (17, &["payload"][..]));
    insta::assert_snapshot!(differs, @"the stores are not the same: the events of position 17 are not the same: payload; do not change over: look whether one of them is damaged, and migrate again into an empty store");
}

#[tokio::test]
async fn a_hole_at_the_end_of_the_new_store_is_found() {
    let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    Migration::new(&old, &inner).run().await.unwrap();
    let head = inner.head().await.unwrap();
    let holes = Faulty::with_holes(&inner, head.get() - 1..=head.get());
    for differs in [
        Migration::new(&old, &holes).page_events(5).verify().await.unwrap_err(),
        Migration::new(&old, &holes).page_events(5).run().await.unwrap_err(),
    ] {
        let MigrationError::Differs(Difference::NotInTarget { position }) = &differs else {
            panic!("{differs:?}")
        };
        assert_eq!(position.get(), head.get() - 1);
    }
}

#[tokio::test]
async fn what_did_not_arrive_as_it_was_ends_the_copy() {
    let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    let changed = Faulty::changed_at(&inner, 3);
    let differs = Migration::new(&old, &changed).page_events(2).run().await.unwrap_err();
    assert!(matches!(differs, MigrationError::Differs(Difference::Changed { .. })), "{differs:?}");
    let (copied, all) = (inner.head().await.unwrap(), old.head().await.unwrap());
    assert!(copied.get() >= 4 && copied < all, "the copy went on to {copied} of {all}");
}

#[tokio::test]
async fn a_snapshot_that_is_not_the_same_is_found() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    Migration::new(&old, &new).run().await.unwrap();
    save(&new, "a", 9).await;
    let differs = Migration::new(&old, &new).verify().await.unwrap_err();
    assert!(matches!(differs, MigrationError::Differs(Difference::ChangedSnapshot { .. })), "{differs:?}");
}

#[tokio::test]
async fn a_later_snapshot_of_a_store_in_use_is_no_difference() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    Migration::new(&old, &new).run().await.unwrap();
    save(&old, "a", 9).await;
    save(&old, "new", 1).await;
    // One of the same version replaces: two processes that build one read model save it both.
    let name = stream("b-0");
    let mut again = old.get_latest_snapshot(&name).await.unwrap().unwrap();
    again.payload = "built by another".into();
    old.save_snapshot(again).await.unwrap();
    let verified = Migration::new(&old, &new).verify().await.unwrap();
    assert_eq!((verified.snapshots, verified.snapshots_behind), (1, 3));
    assert!(!verified.is_complete());
    let told = verified.to_string();
    assert!(told.contains(" and 1 snapshot, sha256 "), "{told}");
    assert!(told.ends_with("; the source has gone on by 3 snapshots"), "{told}");
    append(&old, "a", 1).await;
    let (told, head) =
        (Migration::new(&old, &new).verify().await.unwrap().to_string(), old.head().await.unwrap());
    let gone_on = format!("; the source has gone on to position {head} and by 3 snapshots");
    assert!(told.ends_with(&gone_on), "{told}");

    let next = Migration::new(&old, &new).run().await.unwrap();
    assert_eq!((next.caught_up.events, next.caught_up.snapshots), (1, 3));
    assert_eq!((next.verified.snapshots, next.verified.snapshots_behind), (4, 0));
    assert!(next.verified.is_complete());
}
