//! Text that is safe and short enough for a terminal.

use std::{borrow::Cow, fmt::Write};

use eventstore_api::{Encoding, RecordedEvent};

use crate::jsonl::json_text;

/// The text with everything escaped that a terminal would obey instead of showing it.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_obeyed(character) {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown
}

/// The same of JSON, as JSON that says the same: what it has of that stands in its texts, and what is below U+0020 is escaped there
/// already.
pub(crate) fn printable_json(json: &str) -> Cow<'_, str> {
    // How those begin that are not ASCII, and the one that is. Most lines have none of them.
    if !json.bytes().any(|byte| matches!(byte, 0x7f | 0xc2 | 0xe2)) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if character >= ' ' && is_obeyed(character) {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

fn is_obeyed(character: char) -> bool {
    // Those that are no controls turn the order of what stands behind them.
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The beginning of a text, marked where something is left out.
pub(crate) fn capped(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}

/// A payload in one line.
pub(crate) fn preview(event: &RecordedEvent, characters: usize) -> String {
    match json_of(event) {
        Some(json) => capped(&printable(&json_text::compact(json)), characters),
        None => format!("({} bytes of {})", event.payload.len(), event.encoding),
    }
}

/// The payload of an event over several lines, none of it beyond this many.
pub(crate) fn pretty(event: &RecordedEvent, max_lines: usize, max_characters: usize) -> Vec<String> {
    payload_lines(&event.payload, event.encoding, max_lines, max_characters)
}

/// A payload over several lines, none of it beyond this many.
pub(crate) fn payload_lines(
    payload: &[u8],
    encoding: Encoding,
    max_lines: usize,
    max_characters: usize,
) -> Vec<String> {
    let Some(json) = (encoding == Encoding::JSON).then(|| json_text::parse(payload)).flatten() else {
        return vec![hex(payload, 32)];
    };
    let (text, left_out) = json_text::pretty(json, max_lines);
    let mut lines: Vec<String> = text.lines().map(|line| capped(&printable(line), max_characters)).collect();
    if left_out > 0 {
        lines.push(format!("... and {left_out} more lines; --json shows everything"));
    }
    lines
}

fn json_of(event: &RecordedEvent) -> Option<&str> {
    (event.encoding == Encoding::JSON).then(|| json_text::parse(&event.payload)).flatten()
}

fn hex(bytes: &[u8], max: usize) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(max) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x} ");
    }
    if bytes.len() > max { text + "..." } else { text.trim_end().to_owned() }
}

/// A number of things.
pub(crate) fn count(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_told_what_to_do() {
        assert_eq!(printable("a\u{1b}[2Jb\u{9b}c\u{202e}d\n"), "a\\u{1b}[2Jb\\u{9b}c\\u{202e}d\\n");
        assert_eq!(printable("Zürich ✈ \"quoted\""), "Zürich ✈ \"quoted\"");
    }

    #[test]
    fn json_says_the_same_and_commands_nothing() {
        for (json, shown) in [
            ("[\"\u{9b}2J\u{7f}\u{80}\u{9f}\"]", r#"["\u009b2J\u007f\u0080\u009f"]"#),
            ("{\"a\u{202a}\u{202e}\":\"\u{2066}\u{2069}\"}", r#"{"a\u202a\u202e":"\u2066\u2069"}"#),
            ("[\n\"Zürich\u{a0}✈ €\",\t1.50]", "[\n\"Zürich\u{a0}✈ €\",\t1.50]"),
            (r#"["\u001b\n"]"#, r#"["\u001b\n"]"#),
        ] {
            assert_eq!(printable_json(json), shown);
            let value = |json: &str| -> serde_json::Value { serde_json::from_str(json).unwrap() };
            assert_eq!(value(json), value(shown));
        }
    }

    #[test]
    fn what_is_left_out_is_marked() {
        assert_eq!(capped("äöü", 3), "äöü");
        assert_eq!(capped("äöü", 2), "äö...");
    }
}
