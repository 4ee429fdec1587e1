//! The suite bites: every backend that breaks a law is caught by the case that names it, which the honest one passes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod broken;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use broken::{BrokenFactory, Fault};
use eventstore_conformance::{Case, cases};

/// One test for each row: what is wrong with a backend, and the case that must catch it.
macro_rules! teeth {
    ($($name:ident: $fault:ident is caught by $group:ident::$case:ident;)*) => {
        $(
            #[test]
            fn $name() {
                assert_caught(Fault::$fault, stringify!($group), stringify!($case));
            }
        )*

        /// The faults and the modules of the cases that catch them.
        const TEETH: &[(Fault, &str)] = &[$((Fault::$fault, stringify!($group)),)*];
    };
}

teeth! {
    atomicity_across_streams:
        AppendsStreamByStream is caught by law_01_all_or_nothing::a_failed_guard_on_one_stream_stores_nothing_in_any;
    a_batch_that_shows_in_parts:
        YieldsInTheMiddleOfAnAppend is caught by law_01_all_or_nothing::readers_never_see_part_of_a_batch;
    a_guard_forgotten:
        IgnoresGuardsOnUnwrittenStreams is caught by law_01_all_or_nothing::a_failed_guard_on_an_unwritten_stream_stores_nothing;
    a_version_repeated:
        RepeatsAVersion is caught by law_02_dense_versions::versions_count_from_one_without_holes;
    an_event_lost_on_conflict:
        LosesAnEventOnConflict is caught by law_03_guard::no_append_is_dropped_in_silence;
    a_wrong_actual_version:
        AnswersAWrongActualVersion is caught by law_03_guard::a_failed_guard_names_the_true_version;
    guards_on_a_stale_view:
        ChecksGuardsOnAStaleView is caught by law_03_guard::of_concurrent_appends_at_one_version_one_wins;
    write_skew:
        ChecksGuardsOnAStaleView is caught by law_03_guard::guards_on_unwritten_streams_exclude_each_other;
    a_batch_reversed:
        ReversesABatch is caught by law_04_one_order::a_batch_keeps_the_order_of_its_events;
    backward_off_by_one:
        ReadsBackwardOffByOne is caught by law_04_one_order::backward_is_the_mirror_of_forward;
    a_filtered_read_that_stops_early:
        StopsBeforeTheEndOfAFilteredRead is caught by law_04_one_order::a_filter_only_leaves_out;
    the_end_of_a_stream_claimed_too_early:
        TakesTheEndOfAPageForThatOfTheStream is caught by law_04_one_order::the_end_of_a_stream_is_told_with_its_last_event;
    the_end_of_a_stream_never_told:
        NeverComesToTheEndOfAStream is caught by law_04_one_order::the_end_of_a_stream_is_told_with_its_last_event;
    a_stream_read_to_the_end_of_its_first_page:
        TakesTheEndOfAPageForThatOfTheStream is caught by law_04_one_order::a_stream_is_whole_in_pages_of_every_size;
    an_event_skipped_behind_a_page_of_a_stream:
        SkipsAnEventBehindAPageOfAStream is caught by law_05_nothing_arrives_late::a_growing_stream_is_read_page_by_page_without_a_gap;
    a_late_event:
        LetsALateEventIn is caught by law_05_nothing_arrives_late::a_polling_reader_misses_nothing;
    a_late_event_for_who_waits:
        LetsALateEventIn is caught by law_05_nothing_arrives_late::what_wait_past_announces_can_be_read;
    a_retry_stored_twice:
        StoresARetryTwice is caught by law_06_retry_is_safe::the_same_append_again_answers_the_same;
    duplicates_at_once:
        StoresARetryTwice is caught by law_06_retry_is_safe::concurrent_duplicates_are_stored_once;
    a_retry_under_guard:
        ChecksTheGuardOfARetry is caught by law_06_retry_is_safe::a_retry_succeeds_whatever_its_guard;
    other_content_accepted:
        AcceptsOtherContentUnderAnId is caught by law_06_retry_is_safe::the_same_id_with_other_content_is_invalid;
    ids_forgotten:
        ForgetsIdsOnReopen is caught by law_06_retry_is_safe::a_retry_after_reopening_answers_the_same;
    the_last_event_lost:
        LosesTheLastEventOnReopen is caught by law_07_acknowledged_is_durable::the_last_acknowledged_append_is_there;
    snapshots_lost:
        ForgetsSnapshotsOnReopen is caught by law_07_acknowledged_is_durable::snapshots_are_there_after_reopening;
    a_stale_read:
        ReadsAStaleView is caught by law_08_read_your_writes::every_way_of_reading_shows_an_append_at_once;
    a_stale_read_in_another_task:
        ReadsAStaleView is caught by law_08_read_your_writes::another_task_sees_what_it_is_told_of;
    an_event_skipped_at_the_seam:
        SkipsAnEventAtThePageSeam is caught by law_09_catch_up_without_seam::history_is_whole_in_pages_of_every_size;
    an_event_repeated_at_the_seam:
        RepeatsAnEventAtThePageSeam is caught by law_09_catch_up_without_seam::a_slow_reader_hears_every_event_once;
    bytes_of_a_page_ignored:
        IgnoresTheBytesOfAPage is caught by law_09_catch_up_without_seam::a_page_is_bounded_by_its_bytes;
    bytes_of_a_page_of_a_stream_ignored:
        IgnoresTheBytesOfAPageOfAStream is caught by law_09_catch_up_without_seam::a_page_is_bounded_by_its_bytes;
    small_events_together_where_each_comes_alone:
        IgnoresTheBytesOfAPage is caught by law_09_catch_up_without_seam::a_page_holds_one_event_however_large;
    an_event_larger_than_a_page_left_out:
        GivesNoEventThatIsLargerThanAPage is caught by law_09_catch_up_without_seam::a_page_holds_one_event_however_large;
    a_wake_up_missed:
        MissesAWakeUp is caught by law_09_catch_up_without_seam::a_waiting_subscription_is_woken_by_every_append;
    an_older_snapshot_kept:
        KeepsTheSnapshotSavedLast is caught by law_10_snapshots::the_latest_by_version_wins;
    a_payload_truncated:
        TruncatesLargePayloads is caught by law_11_bytes_are_bytes::payloads_of_every_size_come_back;
    a_stream_id_trimmed:
        TrimsStreamIds is caught by law_11_bytes_are_bytes::any_legal_stream_id_comes_back;
    a_panic_on_bad_input:
        PanicsOnBadInput is caught by law_12_bad_input_bad_disk::a_batch_without_events_is_refused;
    a_second_opener_let_in:
        LetsASecondOpenerCorrupt is caught by law_12_bad_input_bad_disk::a_second_opener_is_refused_or_shares;
    refused_appends_counted:
        CountsRefusedAppends is caught by law_13_stats_are_exact::refused_appends_do_not_count;
    counts_from_a_cache:
        CountsFromACache is caught by law_13_stats_are_exact::counts_follow_every_append;
    a_condition_ignored:
        IgnoresTheCondition is caught by law_14_condition::a_condition_fails_on_what_it_excludes;
    a_condition_on_a_stale_view:
        ChecksTheConditionOnAStaleView is caught by law_14_condition::of_concurrent_appends_that_exclude_each_other_one_wins;
    a_condition_without_position:
        IgnoresTheConditionsPosition is caught by law_14_condition::a_condition_looks_behind_its_position_only;
    half_an_append_left_by_cancel:
        YieldsInTheMiddleOfAnAppend is caught by law_15_cancel_is_safe::a_dropped_append_is_there_wholly_or_not_at_all;
    a_lock_left_by_cancel:
        StaysLockedWhenCancelled is caught by law_15_cancel_is_safe::the_store_stays_usable;
    a_snapshot_not_listed:
        LeavesASnapshotOutAtThePageSeam is caught by law_10_snapshots::the_streams_that_have_one_are_listed_in_order;
    a_copy_of_another_time:
        RestoresAtTheTimeOfNow is caught by law_16_moves_whole::a_copy_reads_the_same;
    a_copy_that_knows_no_retry:
        RestoresUnderNewIds is caught by law_16_moves_whole::a_retry_is_known_in_the_copy;
    a_copy_with_holes:
        TakesWhatDoesNotFollow is caught by law_16_moves_whole::what_does_not_follow_is_refused;
    a_copy_without_old_times:
        TakesOldTimesForBackwards is caught by law_16_moves_whole::what_is_older_than_computers_moves_in_parts_too;
    a_copy_without_what_was_under_way:
        LosesAnEventOfADroppedRestore is caught by law_16_moves_whole::a_dropped_restore_leaves_a_beginning;
    a_copy_without_conditions:
        ChecksConditionsBehindACopyOnly is caught by law_16_moves_whole::conditions_and_ids_know_what_was_restored;
    a_copy_that_knows_an_id_once:
        KnowsARestoredIdInOneStreamOnly is caught by law_16_moves_whole::conditions_and_ids_know_what_was_restored;
    backward_off_by_one_at_random:
        ReadsBackwardOffByOne is caught by state_machine::random_operations_agree_with_the_model;
    a_retry_under_guard_at_random:
        ChecksTheGuardOfARetry is caught by state_machine::random_operations_agree_with_the_model;
    a_lost_event_at_random:
        LosesTheLastEventOnReopen is caught by state_machine::random_operations_agree_with_the_model;
    a_seam_at_random:
        RepeatsAnEventAtThePageSeam is caught by state_machine::random_operations_agree_with_the_model;
    the_end_of_a_stream_claimed_at_random:
        TakesTheEndOfAPageForThatOfTheStream is caught by state_machine::random_operations_agree_with_the_model;
    bytes_ignored_at_random:
        IgnoresTheBytesOfAPageOfAStream is caught by state_machine::random_operations_agree_with_the_model;
    stale_guards_in_a_history:
        ChecksGuardsOnAStaleView is caught by histories::a_history_of_many_tasks_has_a_legal_order;
    stale_conditions_in_a_history:
        ChecksTheConditionOnAStaleView is caught by histories::a_history_of_many_tasks_has_a_legal_order;
    stale_reads_in_a_history:
        ReadsAStaleView is caught by histories::a_history_of_many_tasks_has_a_legal_order;
    parts_of_batches_in_a_history:
        YieldsInTheMiddleOfAnAppend is caught by histories::a_history_of_many_tasks_has_a_legal_order;
    an_event_lost_in_a_history:
        LosesAnEventOnConflict is caught by histories::a_history_of_two_tasks_has_a_legal_order;
}

#[test]
fn every_law_has_teeth() {
    for case in cases() {
        assert!(
            TEETH.iter().any(|(_, group)| *group == case.group),
            "no broken backend is caught by a case of {}",
            case.group
        );
    }
    assert!(TEETH.iter().all(|(fault, _)| *fault != Fault::Honest), "there is nothing to catch");
}

/// It is not only that the case did not come to its end.
#[test]
fn of_a_copy_that_goes_on_refusing_the_last_answer_is_told() {
    let case = case("law_16_moves_whole", "a_dropped_restore_leaves_a_beginning");
    let refuses = BrokenFactory(Fault::RefusesAfterADroppedRestore);
    let outcome = catch_unwind(AssertUnwindSafe(|| case.run_within(Duration::from_secs(4), refuses)));
    let told = outcome.unwrap_err().downcast::<String>().unwrap();
    assert!(told.contains("refused for good: Err(InvalidInput(StoredElsewhere))"), "{told}");
}

fn assert_caught(fault: Fault, group: &str, name: &str) {
    let case = case(group, name);
    case.run_within(Duration::from_secs(60), BrokenFactory(Fault::Honest));
    // What hangs is caught by the time limit: long after anything that does not.
    let outcome =
        catch_unwind(AssertUnwindSafe(|| case.run_within(Duration::from_secs(10), BrokenFactory(fault))));
    assert!(outcome.is_err(), "{case:?} lets a backend pass that has the fault {fault:?}");
}

fn case(group: &str, name: &str) -> &'static Case {
    cases().iter().find(|case| case.group == group && case.name == name).expect("the case is in the list")
}
