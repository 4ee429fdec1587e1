//! What was ever interesting to a fuzzer, and a bounded number of changes to it. `cargo xtask fuzz` looks for more.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests say what went wrong by failing"
)]

mod watch;

use std::{
    cell::Cell,
    fs,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process,
    sync::Once,
    time::Duration,
};

use allframe_cqrs_fuzz::{Outcome, TARGETS, Target, seeds};
use watch::Watch;

/// No input takes so long, on whatever machine: most take milliseconds.
const TOO_LONG: Duration = Duration::from_secs(120);

#[test]
fn what_is_in_the_binary_form_is_read_or_refused() {
    survive("codec", 20_000, 1_000);
}

#[test]
fn names_and_tags_come_back_as_they_were() {
    survive("texts", 20_000, 1_000);
}

#[test]
fn any_file_is_read_as_parquet_or_refused() {
    survive("parquet", 600, 0);
}

#[test]
fn any_events_are_read_from_parquet_as_they_were_written() {
    survive("parquet_events", 400, 100);
}

#[test]
fn any_command_in_json_is_dispatched_or_refused() {
    survive("json_command", 1_000, 5);
}

#[test]
fn any_line_is_an_event_or_refused() {
    survive("jsonl", 20_000, 1_000);
}

#[test]
fn any_row_of_postgres_is_read_or_refused() {
    survive("postgres_rows", 20_000, 1_000);
}

#[test]
fn any_value_of_rocksdb_is_read_or_refused() {
    survive("rocksdb_layout", 20_000, 1_000);
}

#[test]
fn any_event_of_an_earlier_version_is_read_as_one_of_today_or_refused() {
    survive("earlier_events", 20_000, 500);
}

#[test]
fn any_table_is_whole_with_its_indexes_or_refused() {
    survive("tables", 20_000, 300);
}

#[test]
fn any_two_schemas_are_compared() {
    survive("schemas", 3_000, 200);
}

#[test]
fn whatever_stands_where_the_toolkit_keeps_its_records_is_answered() {
    survive("records", 150, 50);
}

#[test]
fn whatever_others_have_left_is_gone_on_with_or_refused() {
    survive("workers", 60, 20);
}

#[test]
fn every_target_has_seeds_and_they_are_read() {
    for (name, target) in TARGETS {
        let watch = watch_over(name);
        let is_read = |(path, input): &(PathBuf, Vec<u8>)| {
            watch.over((path.clone(), input.clone()), || target(input)) == Ok(Outcome::Read)
        };
        assert!(corpus(name).iter().any(is_read), "no input of {name} is read");
    }
}

#[test]
fn every_seed_is_in_the_corpus_of_its_target() {
    for (target, name, input) in seeds() {
        let path = folder(target).join(name);
        assert!(
            path.is_file(),
            "{} is not there: `cargo run -p allframe-cqrs-fuzz` writes it",
            path.display()
        );
        assert!(!input.is_empty(), "{target}/{name} says nothing");
    }
}

thread_local! {
    /// Those of this thread, also where a runtime keeps the panic of a task to itself.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

static COUNTING: Once = Once::new();

/// Goes through the corpus of a target and so many changes of it, of which so many are to be read at least.
fn survive(name: &str, changes: usize, at_least: usize) {
    let (_, target): &(_, Target) = TARGETS.iter().find(|(it, _)| *it == name).unwrap();
    let corpus = corpus(name);
    COUNTING.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            told(panic);
        }));
    });
    // `cargo test` is for a few seconds; whoever has more time says so.
    let times = std::env::var("FUZZ_TIMES").ok().and_then(|it| it.parse::<usize>().ok()).unwrap_or(1);
    let mut chance = fastrand::Rng::with_seed(3);
    let mut read = 0;
    let changed = (0..changes * times).map(|_| (PathBuf::new(), mutated(&corpus, &mut chance)));
    let watch = watch_over(name);
    for (path, input) in corpus.iter().cloned().chain(changed) {
        let of = || told(name, &path, &input);
        PANICS.set(0);
        let outcome =
            watch.over((path.clone(), input.clone()), || catch_unwind(AssertUnwindSafe(|| target(&input))));
        match outcome {
            Ok(Ok(_)) if PANICS.get() > 0 => panic!("{}: a task of it panics, see above", of()),
            Ok(Ok(outcome)) => read += usize::from(outcome == Outcome::Read),
            Ok(Err(finding)) => panic!("{}: {finding}", of()),
            Err(_) => panic!("{}: it panics, see above", of()),
        }
    }
    assert!(read >= at_least, "of {name}, only {read} inputs were read");
}

/// Ends the program where an input of this target comes to no end, since nothing else can end a loop, and says which it is.
fn watch_over(name: &str) -> Watch<(PathBuf, Vec<u8>)> {
    let name = name.to_owned();
    Watch::new(TOO_LONG, move |(path, input): (PathBuf, Vec<u8>)| {
        // Not by a macro: what those print is kept until the test ends, which this one does not.
        let _ = writeln!(io::stderr(), "{}: after {TOO_LONG:?} it goes on", told(&name, &path, &input));
        process::abort();
    })
}

fn told(name: &str, path: &Path, input: &[u8]) -> String {
    format!("{name}, input {} {}", path.display(), hex(input))
}

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<_> = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "the corpus of {name} is empty");
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)
}

/// One of the corpus, changed in a few places.
fn mutated(corpus: &[(PathBuf, Vec<u8>)], chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut input = corpus[chance.usize(..corpus.len())].1.clone();
    for _ in 0..chance.usize(1..5) {
        let at = chance.usize(..=input.len());
        match chance.u8(..8) {
            0..=2 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << chance.u8(..8);
                }
            }
            3 => {
                input.splice(at..at, (0..chance.usize(1..6)).map(|_| chance.u8(..)).collect::<Vec<_>>());
            }
            4 => {
                let end = (at + chance.usize(1..16)).min(input.len());
                input.drain(at.min(end)..end);
            }
            5 => {
                let numbers: [&[u8]; 6] = [b"0", b"-1", b"null", b"18446744073709551616", b"1e400", b"{}"];
                input.splice(at..at, numbers[chance.usize(..6)].iter().copied());
            }
            6 => {
                let other = &corpus[chance.usize(..corpus.len())].1;
                let from = chance.usize(..=other.len());
                let part: Vec<u8> = other.iter().skip(from).take(chance.usize(..64)).copied().collect();
                input.splice(at..at, part);
            }
            _ => {
                for byte in input.iter_mut().skip(at).take(chance.usize(1..9)) {
                    *byte = 0xFF;
                }
            }
        }
    }
    input
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
