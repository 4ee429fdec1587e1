//! JSON as text. Nothing is parsed into numbers and strings and written again, so that every digit stays what it was.

use eventstore_api::Encoding;
use serde_json::value::RawValue;

/// The bytes as JSON, if they are; without white space around it.
pub(crate) fn parse(bytes: &[u8]) -> Option<&str> {
    serde_json::from_slice(bytes).ok().map(RawValue::get)
}

/// A payload as JSON of one line, if it is JSON.
pub(crate) fn of_payload(payload: &[u8], encoding: Encoding) -> Option<Box<RawValue>> {
    let json = (encoding == Encoding::JSON).then(|| parse(payload)).flatten()?;
    RawValue::from_string(compact(json)).ok()
}

/// The same JSON without white space between its parts.
pub(crate) fn compact(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for part in parts(json) {
        text.push_str(part);
    }
    text
}

/// The same JSON with an entry a line, and no more than so many lines of it; and how many more there are.
pub(crate) fn pretty(json: &str, most_lines: usize) -> (String, usize) {
    let mut lines = Lines { text: String::new(), begun: 1, most: most_lines };
    let mut depth = 0_usize;
    let mut parts = parts(json).peekable();
    while let Some(part) = parts.next() {
        match part {
            "{" | "[" => {
                lines.push(part);
                if let Some(end) = parts.next_if(|next| matches!(*next, "}" | "]")) {
                    lines.push(end);
                } else {
                    depth += 1;
                    lines.begin(depth);
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                lines.begin(depth);
                lines.push(part);
            }
            "," => {
                lines.push(part);
                lines.begin(depth);
            }
            ":" => lines.push(": "),
            other => lines.push(other),
        }
    }
    (lines.text, lines.begun.saturating_sub(most_lines))
}

/// Lines that are only counted where they are too many.
struct Lines {
    text: String,
    begun: usize,
    most: usize,
}

impl Lines {
    fn push(&mut self, text: &str) {
        if self.begun <= self.most {
            self.text.push_str(text);
        }
    }

    fn begin(&mut self, depth: usize) {
        // What is nested more deeply is not read by people, and would take the square of its length.
        const DEEPEST: usize = 64;
        self.begun += 1;
        if self.begun <= self.most {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
        }
    }
}

/// The strings, the signs and the words of a JSON text, in their order.
fn parts(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let length = match rest.as_bytes().first()? {
            b'"' => string_length(rest),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => rest.find(is_behind_a_word).unwrap_or(rest.len()),
        };
        let (part, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some(part)
    })
}

fn is_behind_a_word(character: char) -> bool {
    matches!(character, '{' | '}' | '[' | ']' | ',' | ':' | '"' | ' ' | '\t' | '\n' | '\r')
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_json_loses_its_white_space_and_nothing_else() {
        for (json, expected) in [
            (" { \"a b\" : [ 1 ,\t2 ] ,\r\n \"c\\\" d\" : null } ", "{\"a b\":[1,2],\"c\\\" d\":null}"),
            ("\" \\\\\"", "\" \\\\\""),
            ("[true ,false, -1.50e+400]", "[true,false,-1.50e+400]"),
            ("\"Zürich \"", "\"Zürich \""),
            ("[ ]", "[]"),
        ] {
            let parsed = parse(json.as_bytes()).unwrap();
            assert_eq!(compact(parsed), expected);
            assert_eq!(compact(&pretty(parsed, usize::MAX).0), expected);
        }
    }

    #[test]
    fn pretty_json_has_an_entry_a_line() {
        assert_eq!(
            pretty("{\"a\":[1,{}],\"b\":{\"c\":[]}}", usize::MAX),
            ("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": []\n  }\n}".to_owned(), 0)
        );
        assert_eq!(pretty("[1,2,3]", 3), ("[\n  1,\n  2,".to_owned(), 2));
        assert_eq!(pretty("[1]", 0), (String::new(), 3));
    }

    #[test]
    fn depth_and_length_are_no_danger() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(compact(parse(deep.as_bytes()).unwrap()), deep);
        assert_eq!(compact(&pretty(&deep, usize::MAX).0), deep);
    }

    #[test]
    fn what_is_no_json_is_none() {
        for bytes in [&b""[..], b"{", b"1 2", b"\"\xff\"", b"nul", b"'a'", b"\"a\nb\""] {
            assert_eq!(parse(bytes), None);
        }
    }
}
