//! A few rounds of `cargo xtask kill`.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::process::{Command, Output};

#[test]
fn a_store_whose_process_is_killed_keeps_what_it_acknowledged() {
    let told = kill(&["--rounds=15"]);
    assert!(told.contains("15 rounds") && !told.contains(" 0 acknowledged"), "{told}");
}

/// Every other process archives, and with this seed there is enough to archive.
#[test]
fn a_store_whose_process_is_killed_while_it_archives_keeps_what_it_acknowledged() {
    let told = kill(&["--rounds=10", "--seed=4"]);
    assert!(told.contains("10 rounds") && !told.contains(" 0 acknowledged"), "{told}");
    assert!(!told.contains(" 0 parts"), "nothing was archived: {told}");
}

/// Every other process has it copied.
#[cfg(feature = "rocksdb")]
#[test]
fn a_store_on_rocksdb_whose_process_is_killed_keeps_what_it_acknowledged() {
    let told = kill(&["--store=rocksdb", "--rounds=10"]);
    assert!(told.contains("10 rounds") && !told.contains(" 0 acknowledged"), "{told}");
    assert!(!told.contains(" 0 copies"), "nothing was copied: {told}");
}

#[cfg(not(feature = "rocksdb"))]
#[test]
fn without_rocksdb_it_says_how_it_is_built_with() {
    let ended = rounds(&["--store=rocksdb", "--rounds=1"]);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("cargo xtask kill --store rocksdb"), "{said}");
}

/// What it says when all is well.
fn kill(arguments: &[&str]) -> String {
    let ended = rounds(arguments);
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
    told
}

fn rounds(arguments: &[&str]) -> Output {
    let mut kill = Command::new(env!("CARGO_BIN_EXE_kill"));
    let rounds = kill.arg("rounds").args(arguments).arg("--directory").arg(env!("CARGO_TARGET_TMPDIR"));
    rounds.output().unwrap()
}
