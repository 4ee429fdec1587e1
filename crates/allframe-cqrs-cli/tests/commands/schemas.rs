use insta::assert_snapshot;

use crate::support::{Outcome, Place};

/// As programs register them: `Deposited` in two versions, and `Closed`.
const REGISTERED: &str = r#"
{"stream":"$schema-Deposited","type":"$schema.registered","data":{"version":1,"fingerprint":"","mode":"backward","schema":{"type":"object","properties":{"amount":{"type":"integer","format":"uint64"}},"required":["amount"]}}}
{"stream":"$schema-Deposited","type":"$schema.registered","data":{"version":2,"fingerprint":"","mode":"backward","schema":{"type":"object","properties":{"amount":{"type":"integer","format":"uint64"},"note":{"type":["string","null"]}},"required":["amount","note"]},"read_schema":{"type":"object","properties":{"amount":{"type":"integer","format":"uint64"},"note":{"type":["string","null"]}},"required":["amount"]}}}
{"stream":"$schema-Closed","type":"$schema.registered","data":{"version":1,"fingerprint":"","mode":"full","schema":{"type":"object"}}}
{"stream":"$schema-Closed","type":"$schema.compatibility","data":{"mode":"full_transitive"}}
{"stream":"account-7","type":"Closed","data":{}}
"#;

fn registered() -> Place {
    let place = Place::new();
    place.import(REGISTERED);
    place
}

/// A folder with the schema of `Deposited`, version 2, as the tests of a program write it.
fn released(place: &Place, folder: &str, fields: &str, required: &str) {
    std::fs::create_dir(place.path(folder)).unwrap();
    let schema = format!(
        r#"{{"event_type":"Deposited","version":2,"schema":{{"type":"object","properties":{fields},"required":{required}}}}}"#
    );
    place.write(&format!("{folder}/Deposited.v2.json"), schema);
}

#[test]
fn they_are_listed() {
    assert_snapshot!(registered().succeed("schemas list"), @r#"
    Closed     full_transitive       1
    Deposited  backward              1, 2
    "#);
    assert_snapshot!(registered().succeed("schemas list --json"), @r#"
    {"event_type":"Closed","versions":[1],"mode":"full_transitive","fingerprint":"0f80da6e9444345d-37"}
    {"event_type":"Deposited","versions":[1,2],"mode":"backward","fingerprint":"a9cec992d6555c3b-278"}
    "#);
    assert_eq!(Place::with("memory:").succeed("schemas list"), "there are no registered schemas\n");
    assert_eq!(Place::with("memory:").succeed("schemas list --json"), "");
}

#[test]
fn one_that_cannot_be_read_hides_no_other_and_is_told() {
    let place = registered();
    let (text, json) = (place.succeed("schemas list"), place.succeed("schemas list --json"));
    for name in ["Odd", "Zany"] {
        place.import(&format!(
            r#"{{"stream":"$schema-{name}","type":"$schema.registered","data":{{"x":1}}}}"#
        ));
    }
    for (arguments, shown) in [("schemas list", text), ("schemas list --json", json)] {
        let outcome = place.run(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), shown.as_str()), "{outcome}");
        let (note, error) = outcome.stderr.split_once('\n').unwrap();
        assert!(note.starts_with("note: ") && note.contains("`$schema-Odd`"), "{outcome}");
        assert!(error.contains("`$schema-Zany`"), "{outcome}");
    }
}

#[test]
fn one_is_shown_as_it_is_written_or_read() {
    let place = registered();
    assert_snapshot!(place.succeed("schemas show Deposited 1"), @r#"
    {
      "properties": {
        "amount": {
          "format": "uint64",
          "type": "integer"
        }
      },
      "required": [
        "amount"
      ],
      "type": "object"
    }
    "#);
    let required = |arguments| {
        let shown: serde_json::Value = serde_json::from_str(&place.succeed(arguments)).unwrap();
        shown["required"].to_string()
    };
    assert_eq!(required("schemas show Deposited"), r#"["amount","note"]"#);
    assert_eq!(required("schemas show Deposited --read"), r#"["amount"]"#);
}

#[test]
fn for_programs_one_is_a_line() {
    let place = registered();
    let pretty: serde_json::Value = serde_json::from_str(&place.succeed("schemas show Deposited")).unwrap();
    let line = place.succeed("schemas show Deposited --json");
    assert_eq!(line, format!("{pretty}\n"));
}

#[test]
fn one_that_is_not_there_is_said_not_to_be() {
    let place = registered();
    assert_snapshot!(place.run("schemas show Nobody"), @r#"
    exit code 1
    --- stdout
    --- stderr
    error: no schema of `Nobody` is registered
    hint: `schemas list` names those that are
    "#);
    assert_snapshot!(place.run("schemas show Deposited 9"), @r#"
    exit code 1
    --- stdout
    --- stderr
    error: no schema of `Deposited` version 9 is registered
    hint: `schemas list` names those that are, and their versions
    "#);
    assert_snapshot!(place.run("schemas diff Deposited 1 9"), @r#"
    exit code 1
    --- stdout
    --- stderr
    error: no schema of `Deposited` version 9 is registered
    hint: `schemas list` names those that are, and their versions
    "#);
}

#[test]
fn versions_are_compared_in_words() {
    let place = registered();
    assert_snapshot!(place.succeed("schemas diff Deposited 1 2"), @"`/note` was added: string or null");
    assert_snapshot!(place.succeed("schemas diff Deposited 2 1 --json"), @r#"{"path":"/note","change":"removed","of":"string or null"}"#);
    assert_eq!(place.succeed("schemas diff Deposited 2 2"), "nothing has changed\n");
}

#[test]
fn a_release_that_fits_is_told_to_fit() {
    let place = registered();
    released(&place, "new", r#"{"amount":{"type":"integer","format":"uint64"}}"#, r#"["amount"]"#);
    assert_eq!(
        place.succeed("schemas check wal:data new"),
        "the schemas fit together: compared 1 with 3 that were released\n"
    );
    // The first release.
    assert_eq!(
        place.succeed("schemas check memory: new"),
        "the schemas fit together: compared 1 with 0 that were released\n"
    );
    assert_eq!(place.succeed("schemas check new new --mode full --json"), "");
}

#[test]
fn a_release_that_breaks_something_ends_with_one_and_says_what() {
    let place = registered();
    let fields = r#"{"amount":{"type":"integer","format":"uint32"},"by":{"type":"string"}}"#;
    released(&place, "new", fields, r#"["amount","by"]"#);
    assert_snapshot!(place.run("schemas check wal:data new"), @r#"
    exit code 1
    --- stdout
    `Deposited` version 2 has changed, and no longer reads what is stored of it:
      - `/by` is required to read it, and was never written
      - `/amount` is written as a number from 0 to 18446744073709551615 and read as one from 0 to 4294967295
      raise the version, `#[event(version = 3)]`, and say what has changed with it: `#[added(version = 3, default = ..)]` on `by`, `#[converted(version = 3, with = ..)]` on `amount`; or give the registry an upcaster from version 2
    --- stderr
    "#);
    assert_snapshot!(place.run("schemas check wal:data new --json"), @r#"
    exit code 1
    --- stdout
    {"problem":"not_read","event_type":"Deposited","stored_version":2,"version":2,"findings":[{"path":"/by","reason":"required_and_not_written"},{"path":"/amount","reason":"range_narrowed","written":"from 0 to 18446744073709551615","read":"from 0 to 4294967295"}]}
    --- stderr
    "#);
}

#[test]
fn a_folder_without_schemas_is_no_release() {
    let place = registered();
    std::fs::create_dir(place.path("new")).unwrap();
    assert_snapshot!(place.run("schemas check wal:data new"), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: `new` holds no schemas, and `wal:data` does
    "#);
}

#[test]
fn where_nothing_can_be_compared_nothing_is_said_to_fit() {
    let place = Place::new();
    for folder in ["old", "new"] {
        std::fs::create_dir(place.path(folder)).unwrap();
    }
    place.write("old/.gitkeep", "");
    assert_snapshot!(place.run("schemas check old new"), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: there is nothing to compare: neither `old` nor `new` holds schemas
    "#);
    assert_eq!(place.run("schemas check memory: memory:").code, Some(2));
}

#[test]
fn the_directory_of_a_store_is_no_folder_of_schemas() {
    let place = registered();
    released(&place, "new", r#"{"amount":{"type":"integer","format":"uint64"}}"#, r#"["amount"]"#);
    assert_snapshot!(place.run("schemas check data new"), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: the folder `data` holds files, and none of a schema, `NAME.vN.json`; a store is named by its URL, as `wal:data`
    "#);
    assert_eq!(place.run("schemas check data data").code, Some(2));
}

#[test]
fn what_a_terminal_would_obey_is_shown_and_not_obeyed() {
    let place = Place::new();
    place.import(
        "{\"stream\":\"$schema-Turned\",\"type\":\"$schema.registered\",\"data\":{\"version\":1,\"fingerprint\":\"\",\
         \"mode\":\"full\",\"schema\":{\"title\":\"a\u{202e}b\"}}}",
    );
    assert_snapshot!(place.succeed("schemas show Turned"), @r#"
    {
      "title": "a\u{202e}b"
    }
    "#);
}

#[test]
fn a_password_in_the_name_of_a_store_is_not_repeated() {
    for url in ["postgre://ann:secret@host/app", "host=db user=ann password='secret'"] {
        let outcome =
            Outcome::from(Place::new().command("schemas check").args([url, "wal:data"]).output().unwrap());
        assert_eq!(outcome.code, Some(2), "{outcome}");
        assert!(
            outcome.stderr.contains("there is no folder `") && !outcome.stderr.contains("secret"),
            "{outcome}"
        );
    }
}

#[test]
fn what_is_neither_a_folder_nor_a_store_is_refused() {
    assert_snapshot!(Place::new().run("schemas check nowhere wal:data"), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: there is no folder `nowhere`, and `nowhere` is no store that this program knows; it knows `wal:DIR`, `postgres://HOST/DATABASE#SCHEMA` and `memory:`
    "#);
    assert_snapshot!(Place::new().run("schemas check . . --mode sideways"), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: invalid value 'sideways' for '--mode <MODE>': `sideways` is no compatibility mode; these are: none, backward, backward_transitive, forward, forward_transitive, full, full_transitive

    For more information, try '--help'.
    "#);
}
