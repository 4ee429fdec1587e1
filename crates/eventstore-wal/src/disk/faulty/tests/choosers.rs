use super::*;
use crate::disk::faulty::{Chooser, Replay};

fn count(options: &[usize], limit: usize) -> (usize, bool) {
    let mut every = Exhaustive::new(limit);
    let mut seen = BTreeSet::new();
    while every.advance() {
        let choices: Vec<usize> = options.iter().map(|options| every.choose(*options)).collect();
        assert!(seen.insert(choices));
    }
    (seen.len(), every.has_skipped())
}

#[test]
fn every_combination_comes_once() {
    assert_eq!(count(&[], 8), (1, false));
    assert_eq!(count(&[1, 1], 8), (1, false));
    assert_eq!(count(&[2, 3, 4], 8), (24, false));
    assert_eq!(count(&[2; 10], 10), (1024, false));
}

#[test]
fn beyond_the_limit_it_says_that_it_skips() {
    assert_eq!(count(&[2; 10], 9), (512, true));
}

#[test]
fn choices_that_depend_on_choices_are_followed() {
    let mut every = Exhaustive::new(8);
    let mut seen = Vec::new();
    while every.advance() {
        seen.push(if every.choose(2) == 0 { vec![0] } else { vec![1, every.choose(2), every.choose(2)] });
    }
    assert_eq!(seen, [vec![0], vec![1, 0, 0], vec![1, 0, 1], vec![1, 1, 0], vec![1, 1, 1]]);
}

#[test]
fn what_was_found_by_search_can_be_replayed() {
    let (disk, file) = disk_with_file(3);
    file.write_at(&[b'b'; 4 * SECTOR], 0).unwrap();
    let mut every = Exhaustive::new(8);
    while every.advance() {
        let first = disk.fork().crash(&mut every).contents();
        let again = disk.fork().crash(&mut Replay::new(every.choices())).contents();
        assert_eq!(first, again);
    }
}

#[test]
fn a_seed_stays_within_the_options_and_reaches_all_of_them() {
    let mut seen = BTreeSet::new();
    for seed in SEEDS {
        let mut chooser = Seeded::new(seed);
        assert_eq!(chooser.choose(1), 0);
        assert_eq!(chooser.choose(0), 0);
        for _ in 0..20 {
            seen.insert(chooser.choose(4));
        }
    }
    assert_eq!(seen, [0, 1, 2, 3].into());
}

#[test]
fn seeds_tear_long_writes_in_few_places_too() {
    let (disk, file) = disk_with_file(24);
    file.write_at(&[b'b'; 24 * SECTOR], 0).unwrap();
    let torn_once = |seed: &u64| {
        let left = after_seed(&disk, *seed);
        left.starts_with('b') && left.ends_with('a') && left.matches("ba").count() == 1
    };
    assert!((0..1000).filter(torn_once).count() > 5);
}
