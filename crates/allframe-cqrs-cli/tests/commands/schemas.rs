use insta::assert_snapshot;

use crate::support::Place;

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
    assert_snapshot!(registered().succeed("schemas list"), @"");
    assert_snapshot!(registered().succeed("schemas list --json"), @"");
    assert_eq!(Place::with("memory:").succeed("schemas list"), "");
}

#[test]
fn one_is_shown_as_it_is_written_or_read() {
    let place = registered();
    assert_snapshot!(place.succeed("schemas show Deposited 1"), @"");
    let required = |arguments| {
        let shown: serde_json::Value = serde_json::from_str(&place.succeed(arguments)).unwrap();
        shown["required"].to_string()
    };
    assert_eq!(required("schemas show Deposited"), r#"["amount","note"]"#);
    assert_eq!(required("schemas show Deposited --read"), r#"["amount"]"#);
}

#[test]
fn one_that_is_not_there_is_said_not_to_be() {
    let place = registered();
    assert_snapshot!(place.run("schemas show Nobody"), @"");
    assert_snapshot!(place.run("schemas show Deposited 9"), @"");
    assert_snapshot!(place.run("schemas diff Deposited 1 9"), @"");
}

#[test]
fn versions_are_compared_in_words() {
    let place = registered();
    assert_snapshot!(place.succeed("schemas diff Deposited 1 2"), @"");
    assert_snapshot!(place.succeed("schemas diff Deposited 2 1 --json"), @"");
    assert_eq!(place.succeed("schemas diff Deposited 2 2"), "nothing has changed\n");
}

#[test]
fn a_release_that_fits_is_told_to_fit() {
    let place = registered();
    released(&place, "new", r#"{"amount":{"type":"integer","format":"uint64"}}"#, r#"["amount"]"#);
    assert_eq!(place.succeed("schemas check wal:data new"), "the schemas fit together\n");
    assert_eq!(place.succeed("schemas check new new --mode full --json"), "");
}

#[test]
fn a_release_that_breaks_something_ends_with_one_and_says_what() {
    let place = registered();
    let fields = r#"{"amount":{"type":"integer","format":"uint32"},"by":{"type":"string"}}"#;
    released(&place, "new", fields, r#"["amount","by"]"#);
    assert_snapshot!(place.run("schemas check wal:data new"), @"");
    assert_snapshot!(place.run("schemas check wal:data new --mode forward --json"), @"");
}

#[test]
fn what_is_neither_a_folder_nor_a_store_is_refused() {
    assert_snapshot!(Place::new().run("schemas check nowhere wal:data"), @"");
    assert_snapshot!(Place::new().run("schemas check . . --mode sideways"), @"");
}
