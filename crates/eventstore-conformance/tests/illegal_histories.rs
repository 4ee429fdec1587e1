//! The check of histories refuses what no order explains, each kind of it, and passes what one does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod story;

use eventstore_api::{Appended, ExpectedVersion, Version};
use eventstore_conformance::history::{Action, Outcome, TagCondition, ViolationKind};
use story::{ANY, Story, at, attempt, exact, id, stream, tag};

/// Two appends to one stream, one to another, overlapping in time.
fn legal_story() -> Story {
    Story::default()
        .stored((0, 3), "a", exact(0), (1, 10))
        .stored((1, 4), "b", ExpectedVersion::NoStream, (1, 20))
        .stored((5, 8), "a", exact(1), (2, 30))
}

#[test]
fn a_legal_history_passes() {
    legal_story()
        .refused((2, 6), "a", exact(5), 1)
        .refused((7, 9), "a", exact(1), 2)
        .read_version((10, 11), "b", 1)
        .read_head((12, 13), 30)
        .legal();
    Story::default().legal();
}

#[test]
fn concurrent_operations_may_take_effect_in_either_order() {
    Story::default()
        .stored((0, 9), "a", ANY, (1, 20))
        .stored((1, 8), "b", ANY, (1, 10))
        .read_head((2, 7), 10)
        .read_head((3, 6), 0)
        .legal();
}

#[test]
fn an_append_before_one_that_was_answered_is_refused() {
    Story::default()
        .stored((0, 1), "a", ANY, (1, 20))
        .stored((2, 3), "b", ANY, (1, 10))
        .illegal(|kind| matches!(kind, ViolationKind::BeforeItsTime { .. }));
}

#[test]
fn an_append_before_what_a_reader_saw_is_refused() {
    Story::default()
        .stored((0, 9), "a", ANY, (1, 20))
        .read_head((1, 2), 20)
        .stored((3, 4), "b", ANY, (1, 10))
        .illegal(|kind| matches!(kind, ViolationKind::BeforeItsTime { .. } | ViolationKind::Unexplained(_)));
}

#[test]
fn a_version_given_twice_is_refused() {
    Story::default()
        .stored((0, 1), "a", ANY, (1, 10))
        .stored((2, 3), "a", ANY, (1, 20))
        .illegal(|kind| matches!(kind, ViolationKind::VersionsDoNotFollow { .. }));
}

#[test]
fn a_version_left_out_is_refused() {
    Story::default()
        .stored((0, 1), "a", ANY, (1, 10))
        .stored((2, 3), "a", ANY, (3, 20))
        .illegal(|kind| matches!(kind, ViolationKind::VersionsDoNotFollow { .. }));
}

#[test]
fn a_position_given_twice_is_refused() {
    Story::default()
        .stored((0, 1), "a", ANY, (1, 10))
        .stored((2, 3), "b", ANY, (1, 10))
        .with(|attempt| attempt.writes[0].ids = vec![id(11)])
        .illegal(|kind| matches!(kind, ViolationKind::PositionTwice(_)));
}

#[test]
fn a_guard_that_did_not_hold_is_refused() {
    Story::default()
        .stored((0, 5), "a", exact(0), (1, 10))
        .stored((1, 4), "a", exact(0), (2, 20))
        .illegal(|kind| matches!(kind, ViolationKind::GuardDidNotHold { .. }));
}

#[test]
fn a_guard_on_an_unwritten_stream_that_did_not_hold_is_refused() {
    legal_story()
        .stored((9, 10), "c", ANY, (1, 40))
        .with(|attempt| attempt.guards.push((stream("b"), ExpectedVersion::NoStream)))
        .illegal(|kind| matches!(kind, ViolationKind::GuardDidNotHold { .. }));
}

#[test]
fn a_condition_that_did_not_hold_is_refused() {
    let condition = |after| Some(TagCondition::new(tag(), at(after)));
    let tagged = || {
        Story::default()
            .stored((0, 1), "a", ANY, (1, 10))
            .with(|attempt| attempt.writes[0].tag = Some(tag()))
            .stored((2, 3), "b", ANY, (1, 20))
    };
    tagged().with(|attempt| attempt.condition = condition(10)).legal();
    tagged()
        .with(|attempt| attempt.condition = condition(9))
        .illegal(|kind| matches!(kind, ViolationKind::ConditionDidNotHold { .. }));
}

#[test]
fn a_refusal_with_a_version_that_never_was_is_refused() {
    legal_story()
        .refused((9, 10), "a", exact(7), 5)
        .illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn a_refusal_with_a_version_of_the_past_is_refused() {
    legal_story()
        .refused((9, 10), "a", exact(0), 1)
        .illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn a_refusal_with_a_version_of_the_future_is_refused() {
    Story::default()
        .refused((0, 1), "a", exact(0), 1)
        .stored((2, 3), "a", exact(0), (1, 10))
        .illegal(|kind| matches!(kind, ViolationKind::BeforeItsTime { .. }));
}

#[test]
fn a_refusal_by_a_guard_that_holds_is_refused() {
    legal_story()
        .refused((9, 10), "a", exact(2), 2)
        .illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn a_failed_condition_must_name_a_tagged_event_behind_its_position() {
    let failed = |named: u64, after: u64| {
        Story::default()
            .stored((0, 1), "a", ANY, (1, 10))
            .with(|attempt| attempt.writes[0].tag = Some(tag()))
            .stored((2, 3), "b", ANY, (1, 20))
            .refused((4, 5), "c", ANY, 0)
            .with(|attempt| {
                attempt.condition = Some(TagCondition::new(tag(), at(after)));
                attempt.outcome = Outcome::ConditionFailed { at: at(named) };
            })
    };
    failed(10, 9).legal();
    for (named, after) in [(10, 10), (20, 0), (15, 0)] {
        failed(named, after).illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
    }
}

#[test]
fn a_stale_read_is_refused() {
    legal_story().read_version((9, 10), "a", 1).illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
    legal_story().read_head((9, 10), 20).illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn reads_that_run_backwards_are_refused() {
    // Each of the two is possible alone: the append was under way all the time.
    Story::default()
        .stored((0, 9), "a", ANY, (1, 10))
        .read_version((1, 2), "a", 1)
        .read_version((3, 4), "a", 0)
        .illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn part_of_a_batch_that_was_seen_is_refused() {
    let mut story = Story::default().stored((0, 9), "a", ANY, (1, 10)).with(|attempt| {
        attempt.writes[0].ids.push(id(20));
        let (first, last) = ((Version::new(1), at(10)), (Version::new(2), at(20)));
        attempt.outcome = Outcome::Stored(vec![Appended::new(stream("a"), first, last)]);
    });
    story.log("a", 2, 20);
    story.read_version((1, 2), "a", 1).illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn a_retry_answers_the_same_or_is_refused() {
    let retried = |position: u64| {
        Story::default().stored((0, 1), "a", ANY, (1, 10)).stored((2, 3), "b", ANY, (1, 20)).then(
            4,
            5,
            Action::Append(attempt("a", exact(9), id(10), {
                let place = (Version::new(1), at(position));
                Outcome::Stored(vec![Appended::new(stream("a"), place, place)])
            })),
        )
    };
    retried(10).legal();
    retried(30).illegal(|kind| matches!(kind, ViolationKind::AnsweredInTwoWays));
}

#[test]
fn a_retry_that_is_refused_after_it_was_stored_is_refused() {
    let refused = Outcome::WrongExpectedVersion { stream: stream("a"), actual: Version::new(1) };
    Story::default()
        .stored((0, 1), "a", ANY, (1, 10))
        .then(2, 3, Action::Append(attempt("a", exact(9), id(10), refused)))
        .illegal(|kind| matches!(kind, ViolationKind::Unexplained(_)));
}

#[test]
fn an_acknowledged_event_that_is_gone_is_refused() {
    let mut story = legal_story();
    story.history.log.pop();
    story.illegal(|kind| matches!(kind, ViolationKind::NotInTheStore { .. }));
}

#[test]
fn an_event_that_nobody_appended_is_refused() {
    let mut story = legal_story();
    story.log("z", 1, 99);
    story.illegal(|kind| matches!(kind, ViolationKind::NotAcknowledged { .. }));
}

#[test]
fn an_answer_before_its_question_is_refused() {
    Story::default().read_head((4, 3), 0).illegal(|kind| matches!(kind, ViolationKind::Malformed(_)));
}
