use std::io::{BufRead, BufReader, Read};

use crate::failure::Failure;

/// How long a line may be, in bytes: an event with the largest payload there can be, as base64, and room for the rest.
pub(in crate::commands) const LONGEST_LINE: usize = 16 << 20;

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How a Parquet file begins: it comes here where it cannot be taken as one.
const PARQUET: &[u8] = b"PAR1";

/// The lines of a file, of which no more than one is held.
pub(super) struct Lines<R> {
    input: BufReader<R>,
    name: String,
    line: Vec<u8>,
    number: u64,
    bytes_read: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("it is longer than {LONGEST_LINE} bytes")]
struct TooLong;

impl<R: Read> Lines<R> {
    pub(super) fn new(input: BufReader<R>, name: String) -> Self {
        Self { input, name, line: Vec::new(), number: 0, bytes_read: 0 }
    }

    /// Goes on to the next line that is not blank; `false` at the end of the file.
    pub(super) fn advance(&mut self) -> Result<bool, Failure> {
        const LIMIT: u64 = LONGEST_LINE as u64 + 1;
        loop {
            self.line.clear();
            let read = self.input.by_ref().take(LIMIT).read_until(b'\n', &mut self.line);
            let read = read.map_err(|source| Failure::Read { what: self.name.clone(), source })?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            if self.number == 1 && self.line.starts_with(PARQUET) {
                return Err(self.parquet());
            }
            if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            self.bytes_read += read as u64;
            if read > LONGEST_LINE && !self.line.ends_with(b"\n") {
                return Err(self.bad_line(TooLong));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// The line without its end, so that what is wrong at its end is in the line.
    pub(super) fn line(&self) -> &[u8] {
        self.line.trim_ascii_end()
    }

    /// The number of the line; the first is 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Whether to go on may mean to wait for whoever writes the input.
    pub(super) fn may_have_to_wait(&self) -> bool {
        self.input.buffer().is_empty()
    }

    /// No line of it could be corrected.
    fn parquet(&self) -> Failure {
        let name = &self.name;
        Failure::Usage(match cfg!(feature = "parquet") {
            true => format!(
                "{name} is Parquet, which is taken neither from standard input nor through a pipe, since its end has to be read first: \
                 name the file"
            ),
            false => format!("{name} is Parquet, and this program is built without the feature `parquet`"),
        })
    }

    /// This line cannot be taken.
    pub(super) fn bad_line(&self, source: impl std::error::Error + Send + Sync + 'static) -> Failure {
        bad_line(&self.name, self.number, source)
    }
}

/// A line cannot be taken.
pub(super) fn bad_line(
    name: &str,
    number: u64,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Failure {
    Failure::BadLine { place: format!("{name}:{number}"), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use std::io::repeat;

    use super::*;

    #[test]
    fn an_endless_line_is_not_held() {
        let mut lines = Lines::new(BufReader::new(repeat(b'x')), "endless".to_owned());
        let failure = lines.advance().unwrap_err();
        assert_eq!(
            eventstore_api::message_with_causes(&failure),
            "endless:1: it is longer than 16777216 bytes"
        );
        assert!(lines.line.capacity() <= 4 * LONGEST_LINE);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        let mut lines = Lines::new(BufReader::new(&b"\xEF\xBB\xBFa\nb"[..]), String::new());
        assert!(lines.advance().unwrap());
        assert_eq!(lines.line(), b"a");
    }

    #[test]
    fn the_longest_line_is_taken() {
        let line = vec![b'x'; LONGEST_LINE];
        for end in [&b""[..], b"\n"] {
            let file = [&line, end].concat();
            let mut lines = Lines::new(BufReader::new(&file[..]), String::new());
            assert!(lines.advance().unwrap());
            assert_eq!(lines.line(), line);
            assert!(!lines.advance().unwrap());
        }
    }

    #[test]
    fn blank_lines_count_and_are_passed_over() {
        let mut lines = Lines::new(BufReader::new(&b"\n \r\na\r\n\nb"[..]), String::new());
        let mut found = Vec::new();
        while lines.advance().unwrap() {
            found.push((lines.number(), lines.line().to_vec()));
        }
        assert_eq!(found, [(3, b"a".to_vec()), (5, b"b".to_vec())]);
    }
}
