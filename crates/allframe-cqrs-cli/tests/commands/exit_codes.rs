use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::{FEW, Place};

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
    for arguments in
        ["inspect nobody", "snapshots nobody", "projections nobody", "sagas show trip ann", "schemas show T"]
    {
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
        let mut run = place.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        drop(run.stdout.take());
        assert_eq!(run.wait().unwrap().code(), Some(0), "{arguments}");
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
