//! The power goes at every boundary of a run.

#![allow(clippy::panic, reason = "tests say what went wrong by failing")]

use eventstore_torture::{
    crash::Crashes, exhaustive::every_workload, hunt::hunt, run::Run, tally::Tally, workload::Workload,
};

#[test]
fn what_was_durable_survives_a_crash_at_every_boundary() {
    let mut tally = Tally::default();
    for seed in 1_000..1_006 {
        crash_everywhere(seed, &mut tally);
    }
    assert!(tally.crash_points > 2_000 && tally.torn_tails > 0, "too little was tried:\n{tally}");
    assert!(tally.interrupted_openings > 0, "no recovery was interrupted:\n{tally}");
}

fn crash_everywhere(seed: u64, tally: &mut Tally) {
    let workload = Workload::by_seed(seed, None);
    let (recording, history) = Run::record(&workload, seed).unwrap_or_else(|it| panic!("seed {seed}: {it}"));
    let (options, choices) = (&workload.options, 6);
    Crashes { recording: &recording, history: &history, options, choices, seed }
        .everywhere(tally)
        .unwrap_or_else(|it| panic!("seed {seed}: {it}"));
}

/// Of each four seeds, one archives what it can.
#[test]
fn a_crash_anywhere_in_archiving_leaves_every_event_readable_once() {
    let mut tally = Tally::default();
    for seed in (3..60).step_by(4) {
        crash_everywhere(seed, &mut tally);
    }
    assert!(tally.archives > 2_000, "hardly anything was archived:\n{tally}");
}

#[test]
fn every_workload_of_two_operations_survives_every_crash() {
    let mut tally = Tally::default();
    for operations in 1..=2 {
        every_workload(operations, 4, (0, 1), &mut tally).unwrap_or_else(|it| panic!("{it}"));
    }
    assert_eq!(tally.workloads, 7 + 7 * 7);
    assert!(tally.crash_points > 2_000, "too little was tried:\n{tally}");
}

#[test]
fn a_seed_does_the_same_each_time() {
    let run = || {
        let mut tally = Tally::default();
        hunt(4, None, &mut tally).unwrap_or_else(|it| panic!("{it}"));
        tally
    };
    assert_eq!(run(), run());
}
