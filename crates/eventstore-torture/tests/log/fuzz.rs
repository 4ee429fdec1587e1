//! What was ever interesting to a fuzzer, and a bounded number of changes to it. `cargo xtask fuzz` looks for more.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests say what went wrong by failing"
)]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use eventstore_torture::{
    chance::Chance,
    fuzz::{Reached, arbitrary_directory, frame, looked_at_directory, mutated_directory},
    violation::Violation,
};

type Target = fn(&[u8]) -> Result<Reached, Violation>;

/// Far more than any input takes on the slowest machine.
const HANGS_AFTER: Duration = Duration::from_secs(60);

#[test]
fn any_frame_is_read_or_refused() {
    let reached = survive("frame", frame, 40_000);
    assert!(reached.opened > 1_000, "hardly any frame was read: {reached:?}");
}

#[test]
fn any_directory_is_recovered_or_refused() {
    let reached = survive("arbitrary_directory", arbitrary_directory, 1_500);
    assert!(reached.reopened > 100, "hardly any directory was recovered: {reached:?}");
}

#[test]
fn any_change_to_a_valid_store_is_recovered_from_or_refused() {
    let reached = survive("mutated_directory", mutated_directory, 1_500);
    assert!(reached.reopened > 100, "hardly any store was recovered: {reached:?}");
}

#[test]
fn any_change_to_a_valid_store_can_be_looked_at_or_is_refused() {
    let reached = survive("looked_at_directory", looked_at_directory, 1_500);
    assert!(reached.reopened > 100, "hardly any store could be read: {reached:?}");
}

#[derive(Debug, Default)]
struct Counts {
    opened: usize,
    reopened: usize,
}

/// Goes through the corpus of a target and so many mutations of it; how many inputs came how far.
fn survive(name: &'static str, target: Target, mutations: usize) -> Counts {
    let (tell, told) = mpsc::channel();
    let mut corpus = corpus(name);
    // `cargo test` is for a few seconds; whoever has more time says so.
    let times = std::env::var("FUZZ_TIMES").ok().and_then(|it| it.parse::<usize>().ok()).unwrap_or(1);
    let worker = thread::spawn(move || {
        let mut chance = Chance::new(2);
        let mut counts = Counts::default();
        for number in 0..corpus.len() + mutations * times {
            let input = match corpus.get(number) {
                Some(input) => input.clone(),
                None => mutated(&corpus, &mut chance),
            };
            // Only here for the message, should nothing ever come after it.
            let _ = tell.send(input.clone());
            let outcome = catch_unwind(AssertUnwindSafe(|| target(&input)));
            match outcome {
                Ok(Ok(Reached::Refused)) => {}
                Ok(Ok(Reached::Opened)) => counts.opened += 1,
                Ok(Ok(Reached::Reopened)) => counts.reopened += 1,
                Ok(Err(violation)) => panic!("{name}, input {}: {violation}", hex(&input)),
                Err(_) => panic!("{name}, input {}: it panics, see above", hex(&input)),
            }
        }
        corpus.clear();
        counts
    });
    let mut last = Vec::new();
    loop {
        match told.recv_timeout(HANGS_AFTER) {
            Ok(input) => last = input,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name}, input {}: it hangs", hex(&last)),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "the corpus of {name} is empty");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// One of the corpus, changed in a few places.
fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = corpus[chance.below(corpus.len())].clone();
    for _ in 0..=chance.below(5) {
        let at = chance.below(input.len() + 1);
        match chance.below(8) {
            0 | 1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            2 | 3 => {
                let noise: Vec<u8> =
                    (0..=chance.below(12)).map(|_| chance.number().to_le_bytes()[0]).collect();
                input.splice(at..at, noise);
            }
            4 => {
                let end = (at + 1 + chance.below(16)).min(input.len());
                input.drain(at.min(end)..end);
            }
            5 => {
                let number =
                    chance.pick(0_u64, &[1, 2, u64::MAX, u64::MAX - 1, u32::MAX.into(), 1 << 63, 1 << 27]);
                let width = chance.pick(1, &[2, 4, 8]);
                for (to, from) in input.iter_mut().skip(at).zip(&number.to_le_bytes()[..width]) {
                    *to = *from;
                }
            }
            6 => {
                let other = &corpus[chance.below(corpus.len())];
                let from = chance.below(other.len() + 1);
                let length = chance.below(64);
                input.splice(at..at, other.iter().skip(from).take(length).copied());
            }
            _ => {
                if chance.one_in(4) {
                    input.truncate(at);
                }
            }
        }
    }
    input
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
