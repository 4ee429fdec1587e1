//! The flights example as a newcomer meets it: the program itself, on the data in the repository.

#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::process::{Command, Output};

fn flights(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "allframe-cqrs", "--example", "flights", "--"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_first_week_of_january_2013_as_a_person_sees_it() {
    let output = flights(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn the_first_week_of_january_2013_as_a_program_sees_it() {
    let output = flights(&["--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    insta::assert_snapshot!(
        text(&output.stdout),
        @r#"{"scheduled":6099,"cancelled":35,"departed":6064,"arrived":6043,"diverted":21,"events":18262,"streams":6099,"rejected_rows":0}"#
    );
}

#[test]
fn rejected_rows_are_reported_with_their_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let week = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/flights/data/flights-2013-01-week-1.csv"
    ))
    .unwrap();
    let mut lines: Vec<&str> = week.lines().take(4).collect();
    lines.insert(
        2,
        "2013,1,1,517,515,2,830,819,eleven,UA,1546,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z",
    );
    std::fs::write(file.path(), lines.join("\n")).unwrap();

    let output = flights(&[file.path().to_str().unwrap(), "--json"]);
    assert!(output.status.success());
    let errors = text(&output.stderr);
    assert!(errors.contains(":3: row rejected: `eleven`: invalid digit"), "{errors}");
    assert!(text(&output.stdout).contains(r#""scheduled":3"#));
}

#[test]
fn an_unknown_store_and_a_missing_file_are_errors() {
    for (arguments, expected) in [
        (["--store", "sqlite:x"], "`sqlite:x` is no store that this program knows; it knows `memory`"),
        (["no-such-file.csv", "--json"], "cannot open no-such-file.csv"),
    ] {
        let output = flights(&arguments);
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}
