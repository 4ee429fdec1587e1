//! The disk fails while it is used.

#![allow(clippy::panic, reason = "tests say what went wrong by failing")]

use eventstore_torture::{
    faults::{Kind, run_with_fault},
    tally::Tally,
};

fn survives(kind: Kind) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..6 {
        run_with_fault(seed, kind, None, 2, &mut tally)
            .unwrap_or_else(|it| panic!("seed {seed}, {kind:?}: {it}"));
    }
    assert!(tally.faults.values().sum::<u64>() > 0, "no fault was made:\n{tally}");
    tally
}

#[test]
fn short_and_interrupted_calls_are_no_failures() {
    survives(Kind::Noise);
}

#[test]
fn a_write_that_finds_no_room_is_a_clear_error() {
    survives(Kind::FullOnce);
}

#[test]
fn a_full_disk_takes_appends_again_when_there_is_room() {
    survives(Kind::Small);
}

#[test]
fn after_a_failed_write_or_sync_nothing_is_believed_before_the_store_is_opened_again() {
    survives(Kind::Broken);
    survives(Kind::SyncInterrupted);
}

#[test]
fn a_read_that_fails_is_an_error_and_never_the_end_of_the_log() {
    survives(Kind::ReadBroken);
}

#[test]
fn a_write_that_was_lost_or_misplaced_is_never_missed_in_silence() {
    let mut tally = survives(Kind::Lost);
    tally.add(&survives(Kind::Misplaced));
    assert!(tally.corruptions > 0, "nothing was noticed:\n{tally}");
}

#[test]
fn a_sync_that_fails_while_room_is_made_takes_no_buffered_append_with_it() {
    // Buffered appends, and the failure meets the sync of an extent behind them.
    run_with_fault(464, Kind::Broken, None, 3, &mut Tally::default()).unwrap_or_else(|it| panic!("{it}"));
}

#[test]
fn a_seal_whose_sync_failed_is_written_again() {
    for seed in [14, 15] {
        run_with_fault(seed, Kind::Broken, None, 2, &mut Tally::default())
            .unwrap_or_else(|it| panic!("seed {seed}: {it}"));
    }
}
