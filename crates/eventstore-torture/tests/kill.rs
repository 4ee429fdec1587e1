//! A few rounds of `cargo xtask kill`.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::process::Command;

#[test]
fn a_store_whose_process_is_killed_keeps_what_it_acknowledged() {
    let mut kill = Command::new(env!("CARGO_BIN_EXE_kill"));
    let ended = kill
        .args(["rounds", "--rounds=15", "--directory"])
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(told.contains("15 rounds") && !told.contains(" 0 acknowledged"), "{told}");
}
