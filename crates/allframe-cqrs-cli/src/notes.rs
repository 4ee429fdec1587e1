//! What is told on standard error beside what a command prints. Texts of stores, and of whoever wrote into them, are in it.

use std::io::{self, Write};

use console::Term;

use crate::{progress, redacted::without_passwords, screen::printable};

/// Tells something that is neither a result nor a failure.
pub(crate) fn note(text: &str) {
    tell_line(&format!("note: {text}"));
}

/// Tells this line, as text that no terminal obeys, and without passwords.
pub(crate) fn tell_line(line: &str) {
    let shown = shown(line);
    #[cfg(test)]
    heard::add(&shown);
    if progress::is_drawn() {
        // The line is the bar's, which is drawn anew below.
        let _ = Term::stderr().clear_line();
    }
    // If standard error is closed, there is nobody to tell it to.
    let _ = writeln!(io::stderr(), "{shown}");
}

/// A URL is found as it was written: not any more behind what escapes a quote or a line's end in it.
fn shown(line: &str) -> String {
    printable(&without_passwords(line))
}

/// For tests: what was told on this thread.
#[cfg(test)]
pub(crate) mod heard {
    use std::cell::RefCell;

    thread_local! {
        static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn add(line: &str) {
        LINES.with_borrow_mut(|lines| lines.push(line.to_owned()));
    }

    /// What was told since this was last asked. A thread may have done another test before: ask once at the beginning.
    pub(crate) fn take() -> Vec<String> {
        LINES.take()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    #[test]
    fn a_note_commands_no_terminal_and_shows_no_password() {
        heard::take();
        note("the server says:\n\u{1b}[2J of postgres://ann:secret@h/db");
        tell_line("damaged: \u{9b}2J.wal");
        assert_eq!(
            heard::take(),
            ["note: the server says:\\n\\u{1b}[2J of postgres://ann:***@h/db", "damaged: \\u{9b}2J.wal"]
        );
    }

    fn files(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    /// Where it is not only asked whether it is a terminal.
    fn writes(line: &str) -> bool {
        line.contains("io::stderr()") && !line.contains("is_terminal()") && !line.contains("::choice(")
    }

    /// What the others tell is a failure, an answer of clap, and JSON: each is escaped in its own way.
    #[test]
    fn nothing_is_written_to_standard_error_past_it() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found: Vec<_> = files(&source)
            .into_iter()
            .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.lines().any(writes)))
            .map(|path| path.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/"))
            .collect();
        found.sort();
        assert_eq!(found, ["commands/export/mod.rs", "failure/mod.rs", "main.rs", "notes.rs"]);
    }
}
