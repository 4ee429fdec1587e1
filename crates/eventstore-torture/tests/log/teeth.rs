//! Each bug that the engine can be told to have is found, and without one nothing is.

#![allow(clippy::panic, reason = "tests say what went wrong by failing")]

use eventstore_torture::{hunt::hunt, tally::Tally};
use eventstore_wal::log::SeededBug;

/// How many seeds a bug may hide from.
const SEEDS: u64 = 20;

fn finds(bug: SeededBug) {
    let mut tally = Tally::default();
    let seed = (0..SEEDS).find(|seed| hunt(*seed, Some(bug), &mut tally).is_err());
    let seed = seed.unwrap_or_else(|| panic!("{bug:?} is not found by {SEEDS} seeds:\n{tally}"));
    hunt(seed, None, &mut tally).unwrap_or_else(|it| panic!("seed {seed} fails without the bug too: {it}"));
}

#[test]
fn a_segment_whose_name_was_not_synced_is_missed() {
    finds(SeededBug::SkipNameSync);
}

#[test]
fn a_sync_that_was_tried_again_is_not_believed() {
    finds(SeededBug::RetryFailedSync);
}

#[test]
fn an_acknowledgement_before_the_sync_is_noticed() {
    finds(SeededBug::AcknowledgeBeforeSync);
}

#[test]
fn a_log_cut_off_at_a_wrong_checksum_is_missed() {
    finds(SeededBug::TruncateAtBadChecksum);
}

#[test]
fn a_length_that_was_believed_too_early_is_noticed() {
    finds(SeededBug::TrustTheLength);
}

#[test]
fn a_watermark_that_was_forgotten_is_missed() {
    finds(SeededBug::ForgetTheWatermark);
}

#[test]
fn a_part_that_was_not_synced_is_missed() {
    finds(SeededBug::SkipPartSync);
}

#[test]
fn a_segment_that_went_before_its_part_was_named_is_missed() {
    finds(SeededBug::RemoveSegmentFirst);
}
