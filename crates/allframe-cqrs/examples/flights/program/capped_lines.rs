use std::io::{self, BufRead, Read};

/// How long a line may be, in bytes without its end.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;

/// The lines of a file, each ending in `\n` or `\r\n`, of which no more than one is held, and no more of that than
/// [`LONGEST_LINE`].
pub(crate) struct CappedLines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    bytes_read: u64,
}

/// Why a line is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is longer than {LONGEST_LINE} bytes")]
pub(crate) struct TooLong;

impl<R: BufRead> CappedLines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0, bytes_read: 0 }
    }

    /// Goes on to the next line; `false` at the end of the file.
    pub(crate) fn advance(&mut self) -> io::Result<bool> {
        const LONGEST_END: usize = "\r\n".len();
        const LIMIT: usize = LONGEST_LINE + LONGEST_END;

        self.line.clear();
        let read = self.input.by_ref().take(LIMIT as u64).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(false);
        }
        let skipped =
            if read == LIMIT && !self.line.ends_with(b"\n") { self.input.skip_until(b'\n')? } else { 0 };
        self.number += 1;
        self.bytes_read += (read + skipped) as u64;
        Ok(true)
    }

    /// The line without its end.
    pub(crate) fn line(&self) -> Result<&[u8], TooLong> {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() <= LONGEST_LINE { Ok(line) } else { Err(TooLong) }
    }

    /// The number of the line; the first is 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How far into the file the line goes, in bytes.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, repeat};

    use super::*;

    #[test]
    fn an_endless_line_is_not_held() {
        const LENGTH: u64 = 256 * 1024 * 1024;
        let mut lines = CappedLines::new(BufReader::new(repeat(b'x').take(LENGTH).chain(&b"\nnext"[..])));
        assert!(lines.advance().unwrap());
        assert_eq!(lines.line(), Err(TooLong));
        assert!(lines.line.capacity() <= 4 * LONGEST_LINE, "{}", lines.line.capacity());
        assert_eq!((lines.number(), lines.bytes_read()), (1, LENGTH + 1));
        assert!(lines.advance().unwrap());
        assert_eq!(lines.line(), Ok(&b"next"[..]));
        assert!(!lines.advance().unwrap());
    }

    #[test]
    fn the_end_of_a_line_is_no_part_of_it_and_does_not_count_towards_its_length() {
        for end in ["", "\n", "\r\n"] {
            for (length, taken) in
                [(1, true), (LONGEST_LINE, true), (LONGEST_LINE + 1, false), (LONGEST_LINE + 2, false)]
            {
                let line = "x".repeat(length);
                let file = format!("{line}{end}");
                let mut lines = CappedLines::new(file.as_bytes());
                assert!(lines.advance().unwrap());
                assert_eq!(lines.line(), if taken { Ok(line.as_bytes()) } else { Err(TooLong) });
                assert!(!lines.advance().unwrap());
                assert_eq!(lines.bytes_read(), file.len() as u64);
            }
        }
    }
}
