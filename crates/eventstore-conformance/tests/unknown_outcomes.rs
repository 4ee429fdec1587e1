//! An append of which nobody was told the outcome happened wholly or not at all, and not before it was asked for: the
//! check of histories passes every such history and refuses all others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod story;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use eventstore_api::{
    AppendBatch, Appended, EventStoreBackend, ExpectedVersion, Result, StoreError, Version,
};
use eventstore_conformance::{
    async_trait,
    history::{Action, Outcome, ViolationKind, Write, check, record},
    intercept::{Intercepted, Interceptor},
    model::ReferenceBackend,
};
use story::{ANY, Story, attempt, exact, id, stream};

/// An event of `a` is stored, then two more are appended to it and nobody is told what became of them.
fn doubtful() -> Story {
    Story::default().stored((0, 1), "a", ANY, (1, 10)).unknown((2, 3), "a", exact(1), &[20, 21])
}

#[test]
fn one_that_did_not_happen_passes() {
    doubtful().legal();
    doubtful().read_version((4, 5), "a", 1).stored((6, 7), "a", exact(1), (2, 30)).legal();
}

#[test]
fn one_that_happened_passes() {
    let happened = || doubtful().holding("a", 2, 20).holding("a", 3, 21);
    happened().legal();
    happened().read_version((4, 5), "a", 3).stored((6, 7), "a", exact(3), (4, 30)).legal();
    let summary = check(&happened().history).unwrap();
    assert_eq!((summary.stored, summary.unknown), (2, 1));
}

#[test]
fn one_that_happened_long_after_it_was_given_up_passes() {
    doubtful()
        .read_version((4, 5), "a", 1)
        .stored((6, 7), "b", ANY, (1, 15))
        .read_head((8, 9), 15)
        .refused((10, 11), "a", exact(7), 1)
        .holding("a", 2, 20)
        .holding("a", 3, 21)
        .read_head((12, 13), 21)
        .legal();
}

#[test]
fn one_that_is_never_answered_passes() {
    let never =
        || Story::default().unknown((0, u64::MAX), "a", ANY, &[10]).unknown((1, u64::MAX), "b", ANY, &[20]);
    never().legal();
    never().read_head((2, 3), 0).holding("b", 1, 20).legal();
}

#[test]
fn one_that_happened_in_half_is_refused() {
    doubtful()
        .holding("a", 2, 20)
        .illegal(|kind| matches!(kind, ViolationKind::StoredInPart { stored: 1, missing: 1 }));
}

#[test]
fn one_that_happened_to_one_of_its_streams_alone_is_refused() {
    let over_two_streams = || {
        Story::default()
            .unknown((0, 1), "a", ANY, &[10])
            .with(|attempt| attempt.writes.push(Write::new(stream("b"), ANY, vec![id(20)])))
    };
    over_two_streams().legal();
    over_two_streams().holding("a", 1, 10).holding("b", 1, 20).legal();
    over_two_streams()
        .holding("b", 1, 20)
        .illegal(|kind| matches!(kind, ViolationKind::StoredInPart { stored: 1, missing: 1 }));
}

#[test]
fn one_whose_events_are_torn_apart_is_refused() {
    Story::default()
        .stored((0, 1), "a", ANY, (2, 15))
        .unknown((2, 3), "a", ANY, &[10, 20])
        .holding("a", 1, 10)
        .holding("a", 3, 20)
        .illegal(|kind| matches!(kind, ViolationKind::NotInTheStore { .. }));
}

#[test]
fn one_that_was_seen_before_it_was_asked_for_is_refused() {
    Story::default()
        .read_head((0, 1), 10)
        .unknown((2, 3), "a", ANY, &[10])
        .holding("a", 1, 10)
        .illegal(|kind| matches!(kind, ViolationKind::BeforeItsTime { .. }));
    Story::default()
        .read_version((0, 1), "a", 1)
        .unknown((2, 3), "a", ANY, &[10])
        .holding("a", 1, 10)
        .illegal(|kind| matches!(kind, ViolationKind::BeforeItsTime { .. }));
}

#[test]
fn one_that_lies_before_what_was_acknowledged_when_it_was_asked_for_is_refused() {
    Story::default()
        .stored((0, 1), "b", ANY, (1, 20))
        .unknown((2, 3), "a", ANY, &[10])
        .holding("a", 1, 10)
        .illegal(|kind| matches!(kind, ViolationKind::BeforeItsTime { .. }));
}

#[test]
fn one_whose_guard_did_not_hold_where_it_happened_is_refused() {
    Story::default()
        .stored((0, 1), "a", ANY, (1, 10))
        .unknown((2, 3), "a", exact(0), &[20])
        .holding("a", 2, 20)
        .illegal(|kind| matches!(kind, ViolationKind::GuardDidNotHold { .. }));
}

#[test]
fn one_that_readers_saw_come_and_go_is_refused() {
    doubtful()
        .holding("a", 2, 20)
        .holding("a", 3, 21)
        .read_version((4, 5), "a", 3)
        .read_version((6, 7), "a", 1)
        .illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn one_that_was_appended_again_and_answered_passes() {
    let place = (Version::new(1), story::at(10));
    let stored = || Outcome::Stored(vec![Appended::new(stream("a"), place, place)]);
    let again = |times: (u64, u64)| {
        Story::default().unknown((0, 1), "a", ExpectedVersion::NoStream, &[10]).holding("a", 1, 10).then(
            times.0,
            times.1,
            Action::Append(attempt("a", ExpectedVersion::NoStream, id(10), stored())),
        )
    };
    // Either of the two may have been the one that stored it.
    again((2, 5)).read_head((3, 4), 0).legal();
    again((4, 5)).read_head((2, 3), 10).legal();
    again((2, 3)).read_head((4, 5), 0).illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn one_that_was_refused_later_may_still_happen_but_not_have_happened() {
    let refused = || Outcome::WrongExpectedVersion { stream: stream("a"), actual: Version::new(1) };
    let again = |story: Story| story.then(4, 5, Action::Append(attempt("a", exact(0), id(20), refused())));
    let unknown = || Story::default().unknown((0, 1), "a", exact(0), &[20]);
    again(unknown().stored((2, 3), "a", exact(0), (1, 10))).legal();
    again(unknown().holding("a", 1, 20)).illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

/// A store whose answers are lost now and then, sometimes before an append was stored and sometimes after; from some append
/// on, it does nothing more.
struct Failing {
    inner: ReferenceBackend,
    appends: AtomicUsize,
    gives_up_at: usize,
    /// What it stores of a batch whose answer is lost.
    keeps: fn(AppendBatch) -> AppendBatch,
}

impl Failing {
    fn new(keeps: fn(AppendBatch) -> AppendBatch) -> Arc<Intercepted<Self>> {
        let (inner, appends) = (ReferenceBackend::new(), AtomicUsize::new(0));
        Arc::new(Intercepted(Self { inner, appends, gives_up_at: 1_500, keeps }))
    }
}

#[async_trait]
impl Interceptor for Failing {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let number = self.appends.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let lost = || Err(StoreError::outcome_unknown("the answer was lost"));
        match number % 20 {
            _ if number > self.gives_up_at => Err(StoreError::unavailable("the disk is gone")),
            3 => lost(),
            7 => {
                self.inner.append_all((self.keeps)(batch)).await?;
                lost()
            }
            _ => match self.inner.append_all(batch).await {
                // A torn batch, appended again: this store does not know what to say.
                Err(StoreError::InvalidInput(_)) => lost(),
                answer => answer,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recorded_history_of_a_store_that_fails_in_the_middle_has_a_legal_order() {
    let history = record(Failing::new(|batch| batch), 8, 4_000, 1).await;
    let summary = check(&history).unwrap_or_else(|violation| panic!("it is legal: {violation}"));
    assert!(summary.unknown > 50 && summary.stored > 100, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recorded_history_of_a_store_that_fails_in_the_middle_of_a_batch_is_refused() {
    let store = Failing::new(|mut batch| {
        batch.appends.truncate(1);
        batch
    });
    let violation = check(&record(store, 8, 4_000, 1).await).expect_err("batches were torn");
    assert!(matches!(violation.kind, ViolationKind::StoredInPart { .. }), "{violation}");
}
