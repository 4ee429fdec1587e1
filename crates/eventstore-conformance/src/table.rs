//! The list of cases, which stands here and nowhere else.

/// Calls a macro with every case: `[its name] [what to hand on]`, then per group its law and the names of its cases.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_cases {
    ([$($callback:tt)+] [$($handed_on:tt)*]) => {
        $($callback)+! {
            [$($handed_on)*]
            law_01_all_or_nothing (Some(1)) {
                a_batch_over_several_streams_is_stored_whole,
                a_failed_guard_on_one_stream_stores_nothing_in_any,
                a_failed_guard_on_an_unwritten_stream_stores_nothing,
                a_failed_condition_stores_nothing_in_any_stream,
                one_invalid_event_keeps_the_whole_batch_out,
                one_reused_id_keeps_the_whole_batch_out,
                readers_never_see_part_of_a_batch,
                batches_are_whole_or_absent_after_reopening,
            }
            law_02_dense_versions (Some(2)) {
                versions_count_from_one_without_holes,
                every_stream_counts_for_itself,
                outcomes_name_the_versions_that_are_read,
                a_refused_append_leaves_no_hole,
                a_retry_leaves_no_hole,
                concurrent_appends_leave_no_hole_and_no_repeat,
                versions_go_on_after_reopening,
            }
            law_03_guard (Some(3)) {
                any_holds_whatever_is_there,
                no_stream_holds_only_without_events,
                stream_exists_holds_only_with_events,
                exact_holds_only_at_that_version,
                exact_none_means_no_stream,
                a_failed_guard_names_the_true_version,
                the_first_guard_that_fails_is_named,
                of_concurrent_appends_at_one_version_one_wins,
                guards_on_unwritten_streams_exclude_each_other,
                no_append_is_dropped_in_silence,
            }
            law_04_one_order (Some(4)) {
                a_later_append_lies_behind_an_earlier_one,
                a_batch_keeps_the_order_of_its_events,
                the_order_agrees_with_every_streams_own,
                every_reader_finds_the_same_order,
                backward_is_the_mirror_of_forward,
                a_position_is_exclusive,
                a_stream_reads_in_parts_and_both_ways,
                a_stream_is_whole_in_pages_of_every_size,
                the_end_of_a_stream_is_told_with_its_last_event,
                a_filter_only_leaves_out,
                recorded_at_never_runs_backwards,
            }
            law_05_nothing_arrives_late (Some(5)) {
                a_polling_reader_misses_nothing,
                a_reader_of_single_events_misses_nothing,
                a_filtered_reader_misses_nothing,
                what_wait_past_announces_can_be_read,
                a_checkpoint_leaves_nothing_behind,
                a_growing_stream_is_read_page_by_page_without_a_gap,
                a_stream_grows_only_at_its_end,
                nothing_appears_before_a_head_that_was_told,
            }
            law_06_retry_is_safe (Some(6)) {
                the_same_append_again_answers_the_same,
                a_retry_succeeds_whatever_its_guard,
                a_retry_succeeds_whatever_its_condition,
                a_batch_over_several_streams_can_be_retried,
                part_of_an_earlier_append_is_answered_with_its_own_place,
                a_batch_known_in_part_is_invalid,
                the_same_id_with_other_content_is_invalid,
                the_same_events_in_another_order_are_invalid,
                the_same_id_in_another_stream_is_another_event,
                a_refused_append_can_be_made_again,
                a_retry_after_reopening_answers_the_same,
                concurrent_duplicates_are_stored_once,
            }
            law_07_acknowledged_is_durable (Some(7)) {
                events_are_there_after_reopening,
                the_last_acknowledged_append_is_there,
                concurrent_appends_are_there_after_reopening,
                snapshots_are_there_after_reopening,
                checkpoints_outlive_reopening,
                a_reopened_store_goes_on_as_before,
                reopening_again_and_again_changes_nothing,
                flush_changes_nothing_that_is_read,
            }
            law_08_read_your_writes (Some(8)) {
                every_way_of_reading_shows_an_append_at_once,
                counts_and_head_show_an_append_at_once,
                guards_see_an_append_at_once,
                another_task_sees_what_it_is_told_of,
                writers_read_their_own_writes_under_load,
                a_snapshot_is_there_at_once,
                a_dyn_handle_is_the_same_store,
            }
            law_09_catch_up_without_seam (Some(9)) {
                a_slow_reader_hears_every_event_once,
                from_the_middle_the_rest_is_heard,
                a_filtered_subscription_hears_what_passes,
                a_resumed_subscription_goes_on_where_it_stood,
                a_waiting_subscription_is_woken_by_every_append,
                every_waiter_is_woken,
                waiting_ends_when_an_event_lies_behind,
                stored_events_end_at_the_head,
                history_is_whole_in_pages_of_every_size,
                history_that_grows_is_heard_to_its_end,
                a_filter_that_nothing_passes_still_moves_on,
                a_page_never_holds_more_than_asked,
                a_page_is_bounded_by_its_bytes,
                a_page_holds_one_event_however_large,
            }
            law_10_snapshots (Some(10)) {
                no_snapshot_reads_as_none,
                the_latest_by_version_wins,
                one_of_the_same_version_replaces,
                a_missing_stream_may_have_one,
                any_version_is_allowed,
                each_stream_has_its_own,
                every_field_comes_back,
                one_beyond_the_limit_is_refused,
                of_concurrent_snapshots_the_latest_is_kept,
                the_streams_that_have_one_are_listed_in_order,
            }
            law_11_bytes_are_bytes (Some(11)) {
                payloads_of_every_size_come_back,
                every_byte_value_comes_back,
                a_payload_may_be_as_large_as_the_limit,
                a_batch_may_be_as_large_as_the_limits,
                any_legal_stream_id_comes_back,
                any_legal_type_and_tag_comes_back,
                tags_may_be_as_many_and_as_long_as_the_limits,
                metadata_comes_back_up_to_its_limits,
                numbers_and_ids_of_any_value_come_back,
                a_payload_declared_json_keeps_its_bytes,
            }
            law_12_bad_input_bad_disk (Some(12)) {
                a_bad_name_does_not_reach_a_store,
                a_batch_without_events_is_refused,
                a_stream_named_twice_is_refused,
                an_id_twice_in_one_append_is_refused,
                a_missing_stream_is_no_error_to_read,
                reads_at_the_ends_of_their_ranges_answer,
                bad_input_leaves_the_store_usable,
                a_second_opener_is_refused_or_shares,
            }
            law_13_stats_are_exact (Some(13)) {
                an_empty_store_counts_nothing,
                counts_follow_every_append,
                refused_appends_do_not_count,
                retries_do_not_count,
                looking_at_a_stream_does_not_count,
                snapshots_count_one_a_stream,
                counts_are_of_one_moment,
                counts_are_the_same_after_reopening,
            }
            law_14_condition (Some(14)) {
                a_condition_fails_on_what_it_excludes,
                a_condition_passes_over_everything_else,
                a_condition_looks_behind_its_position_only,
                a_condition_does_not_look_at_its_own_events,
                a_condition_holds_beside_guards,
                of_concurrent_appends_that_exclude_each_other_one_wins,
                conditions_exclude_each_other_across,
                what_was_read_is_still_true_when_it_is_stored,
                a_condition_sees_what_was_stored_before_reopening,
            }
            law_15_cancel_is_safe (Some(15)) {
                a_dropped_append_is_there_wholly_or_not_at_all,
                the_store_stays_usable,
                aborted_tasks_leave_whole_batches,
                a_dropped_retry_stores_nothing,
                a_dropped_wait_loses_nothing,
                a_dropped_next_loses_no_event,
            }
            law_16_moves_whole (Some(16)) {
                a_copy_reads_the_same,
                a_copy_is_made_in_parts_of_any_size,
                a_copy_goes_on_where_the_store_ended,
                a_retry_is_known_in_the_copy,
                what_does_not_follow_is_refused,
                a_store_without_its_beginning_is_refused,
                nothing_can_be_restored,
                several_who_restore_at_once_double_nothing,
                restoring_wakes_who_waits,
                a_copy_is_there_after_reopening,
                what_is_older_than_computers_moves_in_parts_too,
                a_dropped_restore_leaves_a_beginning,
                conditions_and_ids_know_what_was_restored,
            }
            state_machine (None) {
                random_operations_agree_with_the_model,
            }
            histories (None) {
                a_history_of_many_tasks_has_a_legal_order,
                a_history_of_two_tasks_has_a_legal_order,
            }
        }
    };
}

pub(crate) use __with_cases as with_cases;

/// Makes one `#[test]` of every case, for the backend that this factory makes, in one module for each law.
///
/// The argument is an expression that makes a [`BackendFactory`](crate::BackendFactory); every test evaluates it anew.
/// To test more than one backend in a file, put each call into a module of its own.
///
/// ```
/// use eventstore_conformance::{Volatile, conformance_tests, model::ReferenceBackend};
///
/// conformance_tests!(Volatile(ReferenceBackend::new));
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($factory:expr $(,)?) => {
        $crate::__with_cases!([$crate::__test_cases][$factory]);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test_cases {
    ([$factory:expr] $($group:ident ($law:expr) { $($name:ident,)* })*) => {
        $(
            mod $group {
                // The factory's expression is written where the macro is called.
                #[allow(unused_imports)]
                use super::*;

                $(
                    #[test]
                    fn $name() {
                        $crate::run_case_of_suite(stringify!($group), stringify!($name), $factory);
                    }
                )*
            }
        )*
    };
}
