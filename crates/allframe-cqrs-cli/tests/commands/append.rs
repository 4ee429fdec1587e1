use insta::assert_snapshot;

use crate::support::{FEW, Place};

const ID: &str = "--id 00000000-0000-7000-8000-00000000000a";

#[test]
fn an_event_is_appended_with_all_that_is_said_of_it() {
    let place = Place::new();
    let said = "--tag till:3 --tag branch:7 --metadata user=ann --metadata note=a=b --schema-version 2";
    assert_snapshot!(
        place.run(&format!("append account-7 Deposited --data {{\"amount\":1.50}} {said} {ID}")),
        @r"
    exit code 0
    --- stdout
    appended account-7 1, position 1, id 00000000-0000-7000-8000-00000000000a
    --- stderr
    "
    );
    assert_snapshot!(place.run("export -"));
    assert_eq!(place.succeed("verify").split_once(':').unwrap().0, "sound");
}

#[test]
fn for_programs_it_is_a_line() {
    assert_snapshot!(Place::new().succeed(&format!("append s T --json {ID}")), @r#"{"stream":"s","version":1,"position":1,"id":"00000000-0000-7000-8000-00000000000a"}"#);
}

#[test]
fn the_payload_is_said_or_in_a_file_or_comes_through_standard_input() {
    let place = Place::new();
    place.write("payload.json", "{ \"from\": \"a file\" }\n");
    place.succeed("append s T --data \"said\"");
    place.succeed("append s T --data-file payload.json");
    assert_eq!(place.run_with_input("append s T --data-file -", "[1, 2]").code, Some(0));
    place.succeed("append s T");
    let exported = place.succeed("export -");
    let payloads: Vec<&str> = exported
        .lines()
        .map(|line| line.split_once("\"data\":").unwrap().1.split_once(",\"id\"").unwrap().0)
        .collect();
    assert_eq!(payloads, ["\"said\"", "{\"from\":\"a file\"}", "[1,2]", "{}"]);
}

#[test]
fn a_payload_without_an_end_in_sight_is_refused() {
    const MOST: usize = 16 << 20;
    let place = Place::new();
    let payload = |bytes: usize| " ".repeat(bytes - 2) + "{}";
    place.write("longest.json", payload(MOST));
    place.succeed("append s T --data-file longest.json");
    place.write("longer.json", payload(MOST + 1));
    assert_snapshot!(place.run("append s T --data-file longer.json"), @r"
    exit code 2
    --- stdout
    --- stderr
    error: longer.json is longer than 16777216 bytes
    ");
    let outcome = place.run_with_input("append s T --data-file -", payload(MOST + 1));
    assert_eq!(outcome.stderr, "error: standard input is longer than 16777216 bytes\n");
    assert_eq!(place.succeed("export -").lines().count(), 1);
}

/// What an event may hold is less, and counted without white space between its parts.
#[test]
fn a_payload_of_more_than_an_event_may_hold_is_refused() {
    const MOST: usize = 8 << 20;
    let place = Place::new();
    let payload = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    place.write("longer.json", payload(MOST + 1));
    let outcome = place.run("append s T --data-file longer.json");
    assert!(outcome.code == Some(2) && outcome.stderr.contains("8388608"), "{outcome}");
    assert!(!place.path("data").exists());
    place.write("longest.json", payload(MOST));
    place.succeed("append s T --data-file longest.json");
}

#[test]
fn a_stream_that_is_elsewhere_ends_with_a_code_of_its_own_and_says_where_it_is() {
    let place = Place::new();
    place.import(FEW);
    let before = place.succeed("export -");
    assert_snapshot!(place.run("append account-7 T --expected 2"));
    assert_snapshot!(place.run("append account-7 T --expected none"));
    assert_snapshot!(place.run("append account-9 T --expected exists --json"));
    assert_eq!(place.succeed("export -"), before);

    for expected in ["3", "any", "exists"] {
        assert_eq!(
            place.run(&format!("append account-8 T --expected {expected}")).code,
            Some(match expected {
                "3" => 3,
                _ => 0,
            })
        );
    }
    assert_eq!(place.run("append account-8 T --expected 3").code, Some(0));
    assert_eq!(place.run("append account-10 T --expected none").code, Some(0));
}

#[test]
fn with_an_id_it_is_safe_to_do_again() {
    let place = Place::new();
    let first = place.succeed(&format!("append s T --expected none {ID}"));
    assert_eq!(place.succeed(&format!("append s T --expected none {ID}")), first);
    assert_eq!(place.succeed("streams --json").lines().count(), 1);
    let other = place.run(&format!("append s T --data 1 {ID}"));
    assert_eq!(other.code, Some(1), "{other}");
    assert!(other.stderr.contains("\nhint: an id belongs to one event"), "{other}");
}

#[test]
fn what_cannot_be_appended_begins_no_store() {
    for arguments in [
        "append s T --data nonsense",
        "append s T --data {} --data-file payload.json",
        "append s T --tag red",
        "append s T --metadata red",
        "append s T --metadata user=ann --metadata note=1 --metadata user=bob",
        "append s T --expected soon",
        "append s T --id seven",
        "append s T --data-file missing.json",
        "append s",
    ] {
        let place = Place::new();
        let outcome = place.run(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments}: {outcome}");
        assert!(!place.path("data").exists(), "{arguments}");
    }
    assert_snapshot!(Place::new().run("append s T --data nonsense"));
}

#[test]
#[cfg(target_os = "linux")]
fn an_event_that_is_appended_and_cannot_be_told_is_named() {
    let place = Place::new();
    let unheard = |arguments: &str| -> crate::support::Outcome {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        place.command(arguments).stdout(full).output().unwrap().into()
    };
    let outcome = unheard("append s T --json");
    let error: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
    let id = error["id"].as_str().unwrap();
    assert_eq!((outcome.code, error["exit_code"].as_u64()), (Some(1), Some(1)), "{outcome}");
    assert!(error["error"].as_str().unwrap().contains("is appended, and it could not be told"), "{outcome}");
    assert!(error["hint"].as_str().unwrap().contains(&format!("--id {id}")), "{outcome}");
    // As the hint says: it is stored once.
    assert!(place.succeed(&format!("append s T --id {id}")).starts_with("appended s 1, position 1, "));

    assert_snapshot!(unheard(&format!("append other T {ID}")), @r"
    exit code 1
    --- stdout
    --- stderr
    error: event 00000000-0000-7000-8000-00000000000a is appended, and it could not be told: cannot write to standard output: No space left on device (os error 28)
    hint: append it again with --id 00000000-0000-7000-8000-00000000000a: it is stored once, and the answer is where
    ");
}
