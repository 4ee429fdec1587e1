use std::process::Stdio;

use crate::support::{FEW, Outcome, Place, Running, many};

#[test]
fn a_file_is_imported_once_however_often() {
    let place = Place::new();
    place.write("events.jsonl", FEW);
    insta::assert_snapshot!(place.run("import events.jsonl"), @r"
    exit code 0
    --- stdout
    imported 4, already there 0
    --- stderr
    ");
    let first = place.succeed("export -");
    insta::assert_snapshot!(place.run("import events.jsonl"), @r"
    exit code 0
    --- stdout
    imported 0, already there 4
    --- stderr
    ");
    assert_eq!(place.succeed("export -"), first);
}

#[test]
fn each_durable_batch_is_acknowledged() {
    let place = Place::new();
    place.write("events.jsonl", many(2_500, 10));
    insta::assert_snapshot!(place.run("import events.jsonl --ack"), @r"
    exit code 0
    --- stdout
    acked 1000
    acked 2000
    acked 2500
    --- stderr
    imported 2500, already there 0
    ");
}

#[test]
fn what_comes_slowly_is_acknowledged_as_it_comes() {
    let place = Place::new();
    let mut command = place.command("import - --ack");
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut import = Running::start(command);
    for (number, line) in many(3, 2).lines().enumerate() {
        import.write(&format!("{line}\n"));
        assert_eq!(import.line().unwrap(), format!("acked {}", number + 1));
    }
    assert_eq!(import.finish(), Some(0));
}

#[test]
fn the_order_of_the_lines_is_the_order_of_the_store() {
    let place = Place::new();
    let lines = many(3_000, 13);
    place.import(&lines);
    assert_eq!(crate::support::ids(&place.succeed("export -")), crate::support::ids(&lines));
}

#[test]
fn a_file_that_is_there_in_parts_is_completed() {
    let place = Place::new();
    let lines = many(2_000, 5);
    // Other batches than those of the whole file, and lines from its middle.
    let known: Vec<&str> = lines.lines().take(700).chain(lines.lines().skip(1_200).take(3)).collect();
    place.import(&known.join("\n"));
    insta::assert_snapshot!(place.run_with_input("import -", &lines), @r"
    exit code 0
    --- stdout
    imported 1297, already there 703
    --- stderr
    ");
}

#[test]
fn a_line_that_stands_twice_in_a_file_is_one_event() {
    let place = Place::new();
    insta::assert_snapshot!(place.run_with_input("import -", FEW.repeat(2)), @r"
    exit code 0
    --- stdout
    imported 4, already there 4
    --- stderr
    ");
}

#[test]
fn lines_without_an_id_are_new_events_every_time() {
    let place = Place::new();
    let line = r#"{"stream":"s","type":"T","data":1}"#;
    place.import(line);
    place.import(line);
    assert_eq!(place.succeed("export -").lines().count(), 2);
}

/// What is printed about a file with this bad line after two good ones.
fn bad_line(line: &str) -> Outcome {
    let place = Place::new();
    let good = many(2, 1);
    place.write("events.jsonl", format!("{good}{line}\n{good}"));
    place.run("import events.jsonl")
}

#[test]
fn a_bad_line_is_named_and_what_stands_before_it_is_imported() {
    insta::assert_snapshot!(bad_line("{\"stream\":\"s\""), @r"
    exit code 1
    --- stdout
    --- stderr
    imported 2, already there 0, before it failed
    error: events.jsonl:3: EOF while parsing an object at column 13
    hint: correct it and import the file again: lines with an id are not stored twice, and those without one would be
    ");
}

#[test]
fn every_kind_of_bad_line_is_explained() {
    let mut explained = String::new();
    for line in [
        r#"[]"#,
        r#"nonsense"#,
        r#"{"type":"T","data":1}"#,
        r#"{"stream":"s","type":"T"}"#,
        r#"{"stream":"s","type":"T","data":1,"colour":"red"}"#,
        r#"{"stream":"s","type":"T","data":1,"data":2}"#,
        r#"{"stream":"","type":"T","data":1}"#,
        r#"{"stream":"s","type":"a\u0007b","data":1}"#,
        r#"{"stream":"s","type":"T","data":1,"id":"seven"}"#,
        r#"{"stream":"s","type":"T","data":1,"tags":["red"]}"#,
        r#"{"stream":"s","type":"T","data":1,"tags":"red"}"#,
        r#"{"stream":"s","type":"T","data":1,"metadata":{"user":7}}"#,
        r#"{"stream":"s","type":"T","data":1,"schema_version":-1}"#,
        r#"{"stream":"s","type":"T","data":1,"encoding":1}"#,
        r#"{"stream":"s","type":"T","data":1,"data_base64":""}"#,
        r#"{"stream":"s","type":"T","data_base64":"A"}"#,
        r#"{"stream":"s","type":"T","data_base64":"","encoding":256}"#,
        // Known from the first line, with other content.
        r#"{"stream":"account-0","type":"T","data":1,"id":"00000000-0000-7000-8000-000000000000"}"#,
    ] {
        let Outcome { code, stderr, .. } = bad_line(line);
        assert_eq!(code, Some(1), "{line}");
        explained +=
            &format!("{line}\n    {}\n", stderr.lines().find(|line| line.starts_with("error: ")).unwrap());
    }
    insta::assert_snapshot!(explained);
}

#[test]
fn a_line_without_an_end_in_sight_is_refused() {
    let place = Place::new();
    let line = format!("{{\"stream\":\"s\",\"type\":\"T\",\"data\":\"{}\"}}", "x".repeat(16 << 20));
    insta::assert_snapshot!(place.run_with_input("import -", line), @r"
    exit code 1
    --- stdout
    --- stderr
    imported 0, already there 0, before it failed
    error: standard input:1: it is longer than 16777216 bytes
    hint: correct it and import the file again: lines with an id are not stored twice, and those without one would be
    ");
}

#[test]
fn a_payload_beyond_the_limit_is_refused_with_its_line() {
    let place = Place::new();
    let line = format!("{{\"stream\":\"s\",\"type\":\"T\",\"data\":\"{}\"}}", "x".repeat(8 << 20));
    insta::assert_snapshot!(place.run_with_input("import -", many(1, 1) + &line), @r"
    exit code 1
    --- stdout
    --- stderr
    imported 1, already there 0, before it failed
    error: standard input:2: the payload is 8388610 bytes long, and 8388608 is the limit
    hint: correct it and import the file again: lines with an id are not stored twice, and those without one would be
    ");
}

#[test]
fn a_file_that_is_not_there_begins_no_store() {
    let place = Place::new();
    insta::assert_snapshot!(place.run("import missing.jsonl"), @r"
    exit code 2
    --- stdout
    --- stderr
    error: cannot open missing.jsonl: No such file or directory (os error 2)
    hint: see whether the path is right, and its folder there; a relative one begins where the command is run
    ");
    assert!(!place.path("data").exists());
}

#[test]
fn a_file_can_be_tried_without_a_store() {
    let place = Place::new();
    insta::assert_snapshot!(place.run_with_input("--store memory: import -", FEW), @r"
    exit code 0
    --- stdout
    imported 4, already there 0
    --- stderr
    ");
}

#[test]
fn for_programs_what_was_imported_is_one_line_of_json() {
    let place = Place::new();
    place.write("few.jsonl", FEW);
    insta::assert_snapshot!(place.run("import few.jsonl --json"), @r#"
    exit code 0
    --- stdout
    {"imported":4,"already_there":0}
    --- stderr
    "#);
    insta::assert_snapshot!(place.run("import few.jsonl --json --ack"), @r#"
    exit code 0
    --- stdout
    {"acked":4}
    {"imported":0,"already_there":4}
    --- stderr
    "#);
    place.write("bad.jsonl", "{\"stream\":\"s\",\"type\":\"T\",\"data\":1}\n{\"stream\":\"s\"}\n");
    let outcome = place.run("import bad.jsonl --json");
    assert_eq!((outcome.code, &*outcome.stdout), (Some(1), "{\"imported\":1,\"already_there\":0}\n"));
    let error: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert!(error["error"].as_str().unwrap().starts_with("bad.jsonl:2: "), "{outcome}");
}
