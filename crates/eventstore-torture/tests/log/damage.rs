//! What is at rest on the disk changes.

#![allow(clippy::panic, reason = "tests say what went wrong by failing")]

use eventstore_torture::{
    damage::{AtRest, Ending},
    tally::Tally,
};

/// Two segments of 4 KiB and a part of a third.
fn at_rest(ending: Ending) -> AtRest {
    AtRest::new(3, (9_000, 4_096), ending, None).unwrap_or_else(|it| panic!("{it}"))
}

#[test]
fn a_flipped_bit_never_loses_an_event_in_silence() {
    for ending in Ending::ALL {
        let (store, mut tally) = (at_rest(ending), Tally::default());
        store.flip_every(5, 41, &mut tally).unwrap_or_else(|it| panic!("{it}"));
        assert!(tally.flips >= (store.bits() / 41) as u64, "too little was tried:\n{tally}");
        assert!(tally.corruptions > 0, "nothing was noticed:\n{tally}");
    }
}

#[test]
fn a_file_that_was_cut_off_never_loses_an_event_in_silence() {
    for ending in [Ending::Closed, Ending::Marked] {
        let mut tally = Tally::default();
        at_rest(ending).cut_every(13, &mut tally).unwrap_or_else(|it| panic!("{it}"));
        assert!(tally.corruptions > 100, "too little was noticed:\n{tally}");
    }
}

#[test]
fn a_file_that_is_gone_never_loses_an_event_in_silence() {
    for ending in [Ending::Closed, Ending::Marked] {
        let mut tally = Tally::default();
        at_rest(ending).remove_each(&mut tally).unwrap_or_else(|it| panic!("{it}"));
        assert!(tally.corruptions >= 4, "three segments and the manifest should be missed:\n{tally}");
    }
}
