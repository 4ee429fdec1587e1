//! What others have written is told, and obeyed by no terminal.

use crate::support::Place;

#[test]
fn no_error_commands_the_terminal() {
    let place = Place::new();
    for line in [
        "{\"stream\":\"s\",\"type\":\"T\",\"data\":1,\"\\u001b[2J\":1}",
        "{\"stream\":\"s\",\"type\":\"T\",\"data\":1,\"id\":\"\\u001b]0;mine\\u0007\"}",
    ] {
        let outcome = place.run_with_input("import -", line);
        assert!(outcome.code == Some(1) && outcome.stderr.contains("\\u{1b}"), "{outcome}");
        assert!(!outcome.stderr.contains(['\u{1b}', '\u{7}']), "{outcome}");
    }
}

#[test]
fn no_json_commands_the_terminal() {
    const OBEYED: [char; 3] = ['\u{9b}', '\u{7f}', '\u{202e}'];
    const REASON: &str = "the bank says \u{9b}2J\u{7f}\u{202e}";
    const BEFORE: &str = r#"
{"stream":"saga-trip-bob","type":"$saga.started","data":{"input":7,"version":1,"correlation_id":"c","worker":"w1"}}
{"stream":"saga-trip-bob","type":"$saga.step-begun","data":{"step":"pay","attempt":1,"deadline":1357034400000000}}
{"stream":"saga-trip-bob","type":"$saga.step-failed","data":{"step":"pay","attempt":1,"error":"no","kind":"retryable"}}
"#;
    let place = Place::new();
    let data = serde_json::json!({"reason": REASON, "step": "pay"});
    let parked = serde_json::json!({"stream": "saga-trip-bob", "type": "$saga.parked", "data": data});
    place.import(&format!("{BEFORE}{parked}\n"));
    for arguments in ["sagas --json", "sagas show trip bob --json"] {
        let shown = place.succeed(arguments);
        assert!(!shown.contains(OBEYED), "{arguments}: {shown}");
        let told: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(told["reason"], REASON, "{arguments}: {shown}");
    }
    let line = "{\"stream\":\"s\",\"type\":\"T\",\"data\":1,\"\u{9b}2J\u{7f}\u{202e}\":1}";
    let outcome = place.run_with_input("import - --json", line);
    assert!(outcome.code == Some(1) && !outcome.stderr.contains(OBEYED), "{outcome}");
    let told: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert!(told["error"].as_str().unwrap().contains("\u{9b}2J"), "{outcome}");
}

/// Two groups that cannot be read: of one a note tells, and of the other the error.
#[test]
fn no_note_commands_the_terminal_or_shows_a_password() {
    const GROUPS: &str = r#"
{"stream":"$group-odd/definition","type":"$group.defined","data":{"partitions":1,"start":0}}
{"stream":"$group-odd/members","type":"$group.member","data":{"note":"\u001b[2J of postgres://ann:secret@h/db","member":"m1"}}
{"stream":"$group-old/definition","type":"$group.defined","data":{"partitions":1,"start":0}}
{"stream":"$group-old/members","type":"$group.member","data":{"note":"\u001b[2J of postgres://ann:secret@h/db","member":"m1"}}
"#;
    let place = Place::new();
    place.import(GROUPS);
    for arguments in ["projections", "projections --json"] {
        let outcome = place.run(arguments);
        let (note, error) = outcome.stderr.split_once('\n').unwrap();
        assert!(note.starts_with("note: ") && note.contains("$group-odd/members"), "{outcome}");
        assert!(note.contains("\\u{1b}[2J of postgres://ann:***@h/db"), "{outcome}");
        assert!(error.contains("$group-old/members"), "{outcome}");
        assert!(!outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains("secret"), "{outcome}");
    }
}
