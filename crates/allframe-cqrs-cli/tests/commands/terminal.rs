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
