use crate::support::{FEW, Place};

#[test]
fn a_stream_is_shown_event_by_event() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("inspect account-7"));
}

#[test]
fn for_programs_a_stream_is_what_export_writes_of_it() {
    let place = Place::new();
    place.import(FEW);
    let exported = place.succeed("export -");
    let expected: Vec<&str> = exported.lines().filter(|line| line.contains("account-7")).collect();
    let inspected = place.succeed("inspect account-7 --json");
    assert_eq!(inspected.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_long_is_cut() {
    let place = Place::new();
    let list: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let (list, long) = (list.join(","), "x".repeat(1_000));
    place.import(&format!(
        "{{\"stream\":\"s\",\"type\":\"T\",\"data\":[\"{long}\",{list}],\"id\":\"00000000-0000-7000-8000-000000000001\"}}"
    ));
    insta::assert_snapshot!(place.run("inspect s"));
}

#[test]
fn a_terminal_is_not_told_what_to_do() {
    let place = Place::new();
    let line = r#"{"stream":"s","type":"T","data":"CSI","metadata":{"m":"\u001b[2J\u009b"}}"#;
    place.import(&line.replace("CSI", "\u{9b}2J"));
    for command in ["inspect s", "tail"] {
        let shown = place.succeed(command);
        assert!(!shown.contains(['\u{1b}', '\u{9b}']), "{shown:?}");
    }
}

#[test]
fn a_stream_without_events_is_told() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("inspect account-9"));
}

/// It would take gigabytes to indent all of it.
#[test]
fn what_is_nested_deeply_is_shown_in_part() {
    let place = Place::new();
    let depth = 1_000_000;
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    place.import(&format!("{{\"stream\":\"deep\",\"type\":\"T\",\"data\":{open}1{close}}}\n"));
    let shown = place.succeed("inspect deep");
    assert!(shown.contains("more lines; --json shows everything"), "{}", shown.len());
}
