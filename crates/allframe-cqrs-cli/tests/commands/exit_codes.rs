use std::process::{Command, Stdio};

use insta::assert_snapshot;

use crate::support::{FEW, Place, many};

#[test]
fn nothing_is_wrong() {
    let place = Place::new();
    place.import(FEW);
    for arguments in ["stats", "verify", "tail", "streams", "export -", "--help", "--version"] {
        assert_eq!(place.run(arguments).code, Some(0), "{arguments}");
    }
}

#[test]
fn one_is_a_failure_on_the_way() {
    let place = Place::new();
    place.import(FEW);
    for arguments in [
        "inspect nobody",
        "snapshots nobody",
        "projections nobody",
        "sagas nobody",
        "sagas show trip ann",
        "processes nobody",
        "schemas show T",
    ] {
        assert_eq!(place.run(arguments).code, Some(1), "{arguments}");
    }
}

#[test]
fn two_is_what_was_not_begun() {
    let place = Place::new();
    place.write("file", "");
    for arguments in
        ["stats", "statistics", "--store nowhere: stats", "sagas show not-a-type ann", "man file/man1"]
    {
        assert_eq!(place.run(arguments).code, Some(2), "{arguments}");
    }
}

#[test]
fn two_is_a_name_that_can_be_none_whatever_it_would_be_of() {
    let place = Place::new();
    place.import(FEW);
    let long = "a".repeat(600);
    for (arguments, name) in [
        ("inspect", long.as_str()),
        ("sagas show a-b", "c"),
        ("processes show a-b", "c"),
        ("processes show payment", "a\u{1}"),
        ("projections", "a\u{1}"),
        ("schemas show", "a\u{1}"),
        ("schemas show", long.as_str()),
    ] {
        let outcome = place.run_with(arguments, name);
        assert_eq!(outcome.code, Some(2), "{arguments} {name}: {outcome}");
    }
}

#[test]
fn three_is_a_store_that_is_not_as_expected() {
    let place = Place::new();
    place.import(FEW);
    for arguments in ["append account-7 T --expected 9", "bench --events 1"] {
        assert_eq!(place.run(arguments).code, Some(3), "{arguments}");
    }
}

#[test]
fn output_that_nobody_reads_is_no_failure() {
    let place = Place::new();
    place.import(FEW);
    for arguments in ["stats", "streams", "tail", "completions bash", "man"] {
        assert_eq!(unread(place.command(arguments)), Some(0), "{arguments}");
    }
}

/// How it ends where nobody reads what it prints.
fn unread(mut command: Command) -> Option<i32> {
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(run.stdout.take());
    run.wait().unwrap().code()
}

#[test]
fn a_verdict_counts_though_nobody_reads_it() {
    let place = Place::new();
    place.import(&many(2_000, 3));
    assert_eq!(unread(place.command("verify")), Some(0));
    place.flip_a_bit();
    for arguments in ["verify", "verify --json", "export --salvage --json out.jsonl", "export --salvage -"] {
        assert_eq!(unread(place.command(arguments)), Some(1), "{arguments}");
    }
}

#[test]
fn an_error_is_text_for_people_and_an_object_for_programs() {
    let place = Place::new();
    place.import(FEW);
    assert_snapshot!(place.run("inspect nobody"));
    assert_snapshot!(place.run("inspect nobody --json"));
    assert_snapshot!(place.run("--store nowhere: streams --json"));
    for arguments in
        ["inspect nobody --json", "snapshots nobody --json", "append account-7 T --expected 9 --json"]
    {
        let outcome = place.run(arguments);
        let told: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(told["exit_code"].as_i64().map(|code| i32::try_from(code).unwrap()), outcome.code);
    }
}

#[test]
fn a_file_in_the_place_of_a_directory_is_told_with_what_to_name() {
    let place = Place::new();
    place.write("a-file", "not a store");
    let outcome = place.run("--store wal:a-file stats");
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert!(
        outcome.stderr.contains("hint: a part of the path is a file; name the directory of a store"),
        "{outcome}"
    );
}
