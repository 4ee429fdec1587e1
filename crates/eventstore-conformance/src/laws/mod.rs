//! The cases: one file for each law, one function for each case.

pub mod law_01_all_or_nothing;
pub mod law_02_dense_versions;
pub mod law_03_guard;
pub mod law_04_one_order;
pub mod law_05_nothing_arrives_late;
pub mod law_06_retry_is_safe;
pub mod law_07_acknowledged_is_durable;
pub mod law_08_read_your_writes;
pub mod law_09_catch_up_without_seam;
pub mod law_10_snapshots;
pub mod law_11_bytes_are_bytes;
pub mod law_12_bad_input_bad_disk;
pub mod law_13_stats_are_exact;
pub mod law_14_condition;
pub mod law_15_cancel_is_safe;
pub mod law_16_moves_whole;
