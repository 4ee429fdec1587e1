use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
};

use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, Result, Snapshot, StoreError};
use eventstore_conformance::intercept::{Intercepted, Interceptor};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{CaughtUp, Difference, Migration, MigrationError, MigrationReport};
use eventstore_wal::WalBackend;
use futures_util::future::poll_fn;
use proptest::prelude::*;

use crate::{
    faulty::Faulty,
    stores::{append, assert_same, fill, save},
};

/// Goes on with a future until it has been asked so often, and drops it then. Whether it came to its end.
async fn drop_after(polls: usize, work: impl Future) -> bool {
    let mut work = pin!(work);
    let mut polled = 0;
    poll_fn(|context| {
        while polled < polls {
            polled += 1;
            if work.as_mut().poll(context).is_ready() {
                return Poll::Ready(true);
            }
        }
        Poll::Ready(false)
    })
    .await
}

#[tokio::test]
async fn a_migration_that_is_dropped_anywhere_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (InMemoryBackend::new(), WalBackend::production(directory.path()).unwrap());
    fill(&old).await;
    let mut runs = 0;
    for polls in 1.. {
        runs += 1;
        if drop_after(polls, async { Migration::new(&old, &new).page_events(3).run().await.unwrap() }).await {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(runs > 2, "it came to its end in {runs} runs");
    // What was taken by the store before its future was dropped may still be on its way.
    new.flush().await.unwrap();
    Migration::new(&old, &new).run().await.unwrap();
    assert_same(&old, &new).await;
}

#[tokio::test]
async fn of_two_that_migrate_at_once_none_doubles_anything() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (InMemoryBackend::new(), WalBackend::production(directory.path()).unwrap());
    fill(&old).await;
    let one = Migration::new(&old, &new).page_events(3);
    let other = Migration::new(&old, &new).page_events(5);
    let (one, other) = futures_util::future::join(one.run(), other.run()).await;
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.verified, other.verified);
    assert!(one.caught_up.events + other.caught_up.events <= old.stats().await.unwrap().total_events);
    assert_same(&old, &new).await;
}

#[tokio::test]
async fn a_lost_answer_costs_a_run_and_nothing_else() {
    let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    let new = Faulty::that_loses_answers(&inner);
    let mut failures = 0;
    let report = loop {
        match Migration::new(&old, &new).page_events(5).run().await {
            Ok(report) => break report,
            Err(error) => {
                assert!(error.is_retryable(), "{error:?}");
                failures += 1;
            }
        }
    };
    assert!(failures > 5, "{failures} failures");
    assert!(report.verified.is_complete());
    assert_same(&old, &inner).await;
}

/// Runs the same migration as often as a store was away.
async fn run_patiently(migration: &Migration<'_>) -> MigrationReport {
    loop {
        match migration.run().await {
            Ok(report) => return report,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_run_after_a_store_was_away_goes_on_counting_and_comparing_where_the_last_one_ended() {
    let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    let new = Faulty::that_loses_answers(&inner);
    let migration = Migration::new(&old, &new).page_events(5);
    for _ in 0..5 {
        assert!(migration.run().await.unwrap_err().is_retryable());
    }
    let report = run_patiently(&migration).await;
    assert_same(&old, &inner).await;
    assert_eq!((report.caught_up.events, report.caught_up.snapshots), (new.acknowledged(), 3));
    let (walked_over, all) = (new.walked_over(), report.verified.events);
    assert!(walked_over < 2 * all, "of {all} events {walked_over} were compared");
    assert_eq!(report.verified, Migration::new(&old, &inner).verify().await.unwrap());

    // What is done is done: the next one is a run of its own.
    let again = run_patiently(&migration).await;
    assert_eq!((again.caught_up.events, again.verified), (0, report.verified));
}

/// The store in memory, which is away when so many snapshots were saved, and back for the next.
struct AwayBehind {
    inner: InMemoryBackend,
    snapshots: u64,
    saves: AtomicU64,
}

#[async_trait]
impl Interceptor for AwayBehind {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        if self.saves.fetch_add(1, Ordering::Relaxed) == self.snapshots {
            return Err(StoreError::unavailable("the server restarts"));
        }
        self.inner.save_snapshot(snapshot).await
    }
}

#[tokio::test]
async fn snapshots_that_were_saved_before_the_store_was_away_are_counted_too() {
    for snapshots in 0..3 {
        let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
        fill(&old).await;
        let new = Intercepted(AwayBehind { inner: inner.clone(), snapshots, saves: AtomicU64::new(0) });
        let migration = Migration::new(&old, &new);
        assert!(migration.run().await.unwrap_err().is_retryable());
        assert_eq!(inner.stats().await.unwrap().total_snapshots, snapshots);
        let report = migration.run().await.unwrap();
        let total = old.stats().await.unwrap().total_events;
        assert_eq!((report.caught_up.events, report.caught_up.snapshots), (total, 3));
        assert_same(&old, &inner).await;
    }
}

#[tokio::test]
async fn a_run_compares_again_what_the_new_store_has_lost_since_the_last_one() {
    let old = InMemoryBackend::new();
    fill(&old).await;
    let new = Faulty::that_loses_answers(&InMemoryBackend::new());
    let migration = Migration::new(&old, &new).page_events(5);
    for _ in 0..20 {
        assert!(migration.run().await.unwrap_err().is_retryable());
    }
    new.lose_everything();
    let before = new.walked_over();
    let report = run_patiently(&migration).await;
    let (walked_over, all) = (new.walked_over() - before, report.verified.events);
    assert!(
        before > all / 2 && walked_over >= all,
        "of {all} events {before} were compared, and {walked_over} again"
    );
    assert_eq!(report.verified, Migration::new(&old, &new).verify().await.unwrap());
}

/// A server that takes the place of another may not have all that the other has acknowledged.
#[tokio::test]
async fn what_the_new_store_has_lost_meanwhile_it_gets_again() {
    let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    let new = Faulty::that_forgets(&inner, 7);
    let report = Migration::new(&old, &new).page_events(5).run().await.unwrap();
    let (total, lost) = (old.stats().await.unwrap().total_events, 7);
    assert_eq!((report.caught_up.events, report.verified.events), (total + lost, total));
    assert!(report.verified.is_complete());
    assert_same(&old, &new).await;
    assert_eq!(report.verified, Migration::new(&old, &new).verify().await.unwrap());
}

/// Whoever keeps reports, and compares them, sees all that is compared.
#[tokio::test]
async fn what_was_copied_is_told_by_what_can_be_read_of_it() {
    let old = InMemoryBackend::new();
    fill(&old).await;
    let new = Faulty::that_forgets(&InMemoryBackend::new(), 7);
    let caught_up = Migration::new(&old, &new).page_events(5).run().await.unwrap().caught_up;
    let mut same = CaughtUp::default();
    (same.events, same.snapshots, same.head) = (caught_up.events, caught_up.snapshots, caught_up.head);
    assert_eq!(caught_up, same);
}

#[tokio::test]
async fn what_the_new_store_got_again_is_compared_again() {
    let (old, inner) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    // Of 15 that were there, and of which 10 were compared, 8 are left.
    let new = Faulty::that_forgets_and_changes(&inner, 7, 9);
    let differs = Migration::new(&old, &new).page_events(5).run().await.unwrap_err();
    let MigrationError::Differs(Difference::Changed { position, .. }) = &differs else {
        panic!("{differs:?}")
    };
    assert_eq!(position.get(), 9);
}

#[tokio::test]
async fn whoever_only_copies_gives_a_store_again_what_it_has_lost() {
    let old = InMemoryBackend::new();
    fill(&old).await;
    // Less than a page, one, more, and everything.
    for lost in [1, 5, 6, 15] {
        let new = Faulty::that_forgets(&InMemoryBackend::new(), lost);
        let caught_up = Migration::new(&old, &new).page_events(5).catch_up().await.unwrap();
        assert_eq!(caught_up.head, old.head().await.unwrap());
        assert_same(&old, &new).await;
    }
}

/// What happens to a store while it is moved.
#[derive(Clone, Debug)]
enum Step {
    Append { stream: u8, count: usize },
    Save { stream: u8, version: u64 },
    Run { polls: usize, page: usize },
    CatchUp,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..4_u8, 1..5_usize).prop_map(|(stream, count)| Step::Append { stream, count }),
        (0..4_u8, 0..30_u64).prop_map(|(stream, version)| Step::Save { stream, version }),
        (1..12_usize, 1..9_usize).prop_map(|(polls, page)| Step::Run { polls, page }),
        Just(Step::CatchUp),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #[test]
    fn whatever_happens_meanwhile_the_copy_is_a_beginning_and_at_the_end_the_same(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
            for step in steps {
                match step {
                    Step::Append { stream, count } => append(&old, &format!("s-{stream}"), count).await,
                    Step::Save { stream, version } => save(&old, &format!("s-{stream}"), version).await,
                    Step::Run { polls, page } => {
                        let run = async { Migration::new(&old, &new).page_events(page).run().await.unwrap() };
                        drop_after(polls, run).await;
                    }
                    Step::CatchUp => drop(Migration::new(&old, &new).catch_up().await.unwrap()),
                }
                let (all, copied) = (old.get_all_events().await.unwrap(), new.get_all_events().await.unwrap());
                assert_eq!(copied, all[..copied.len()]);
            }
            Migration::new(&old, &new).run().await.unwrap();
            assert_same(&old, &new).await;
        });
    }
}
