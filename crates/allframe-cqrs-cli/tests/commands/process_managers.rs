use insta::assert_snapshot;

use crate::support::Place;

/// As process managers write what they react to.
const REACTIONS: &str = r#"
{"stream":"process-payment-7","type":"$process.reacted","data":{"to":{"event":{"id":"e1","name":"Placed","place":{"position":1}}},"state":{"paid":false},"orders":[{"set_timer":{"name":"grace","serial":1,"at":9}}],"handled":{"position":1},"timers":{"grace":1},"timers_set":1}}
{"stream":"process-payment-8","type":"$process.reacted","data":{"to":{"event":{"id":"e2","name":"Placed","place":{"position":2}}},"state":{"paid":false},"handled":{"position":2}}}
{"stream":"process-payment-8","type":"$process.reacted","data":{"to":{"event":{"id":"e3","name":"Paid","place":{"position":3}}},"state":{"paid":true},"orders":[{"dispatch":{"command":"Ship","body":{"order":8}}}],"handled":{"position":3},"ended":true}}
{"stream":"process-of-nobody","type":"Other","data":1}
"#;

#[test]
fn instances_are_listed() {
    let place = Place::new();
    place.import(REACTIONS);
    assert_snapshot!(place.run("processes"));
    assert_snapshot!(place.run("processes --json"));
    let open = place.succeed("processes payment --open --json");
    assert!(open.lines().count() == 1 && open.contains(r#""key":"7""#), "{open}");
    assert_snapshot!(place.run("processes shipping"));
    // There is one of the name.
    place.import(
        r#"{"stream":"process-ship-9","type":"$process.reacted","data":{"to":{"event":{"id":"e4","name":"Sent","place":{"position":4}}},"state":{},"handled":{"position":4},"ended":true}}"#,
    );
    assert_eq!(place.succeed("processes ship --open"), "there are no such instances\n");
}

#[test]
fn one_is_shown_with_all_that_it_has_reacted_to() {
    let place = Place::new();
    place.import(REACTIONS);
    assert_snapshot!(place.run("processes show payment 8"));
    assert_snapshot!(place.run("processes show payment 7 --json"));
    assert_snapshot!(place.run("processes show payment 9"));
}

#[test]
fn a_reaction_that_cannot_be_read_is_told_where_they_are_listed() {
    let place = Place::new();
    place.import(r#"{"stream":"process-ship-7","type":"$process.reacted","data":{"x":1}}"#);
    let outcome = place.run("processes");
    assert!(outcome.stderr.starts_with("note: ") && outcome.stderr.contains("process-ship-7"), "{outcome}");
}

#[test]
fn a_name_of_which_no_instance_can_be_read_is_said_to_be_there() {
    let place = Place::new();
    place.import(REACTIONS);
    place.import(r#"{"stream":"process-ship-7","type":"$process.reacted","data":{"x":1}}"#);
    for command in ["processes ship", "processes ship --open", "processes ship --json"] {
        let outcome = place.run(command);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{command}: {outcome}");
        let (note, error) = outcome.stderr.split_once('\n').unwrap();
        assert!(note.starts_with("note: ") && note.contains("process-ship-7"), "{command}: {outcome}");
        let told = "there are instances of the process manager `ship`, and none of them can be read";
        assert!(error.contains(told) && error.contains("`inspect` shows"), "{command}: {outcome}");
    }
    // What process managers have not written is no instance.
    assert!(place.run("processes of").stderr.contains("there are no instances of a process manager `of`"));
}

/// A field that nobody reads may hold what makes it no JSON.
#[test]
fn a_reaction_that_is_no_json_is_shown_too() {
    // {"to":{"event":{"id":"e4","name":"Paid","place":{"position":4}}},"odd":"\xff"}
    const ODD: &str = "eyJ0byI6eyJldmVudCI6eyJpZCI6ImU0IiwibmFtZSI6IlBhaWQiLCJwbGFjZSI6eyJwb3NpdGlvbiI6NH19fSwib2RkIjoi/yJ9";
    let place = Place::new();
    place.import(REACTIONS);
    place.import(&format!(
        r#"{{"stream":"process-payment-7","type":"$process.reacted","data_base64":"{ODD}","encoding":1}}"#
    ));
    let shown = place.succeed("processes show payment 7 --json");
    let last: serde_json::Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert_eq!((last["data_base64"].as_str(), last["encoding"].as_u64()), (Some(ODD), Some(1)), "{shown}");
}
