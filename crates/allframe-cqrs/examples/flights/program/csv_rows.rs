//! The file: rows of the nycflights13 data set, one flight and one line each.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, SeekFrom},
    path::Path,
};

use anyhow::{Context, Result, anyhow, bail};
use csv::{Position, ReaderBuilder, StringRecord, Terminator};

use super::{
    capped_lines::CappedLines,
    fields::{Fields, Header},
    row::Row,
};

/// A row of the file, and on which line it stands.
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) row: Result<Row>,
}

/// The rows of a file, one after the other.
///
/// Fails if the file cannot be read, or does not begin with the columns that a file of flights has.
pub(crate) fn read(path: &Path) -> Result<Lines<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Lines::new(BufReader::new(file)).with_context(|| format!("{} is no CSV file of flights", path.display()))
}

pub(crate) struct Lines<R> {
    lines: CappedLines<R>,
    parser: LineParser,
    header: Header,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Result<Self> {
        let mut lines = CappedLines::new(input);
        let mut parser = LineParser::new();
        let mut names = || -> Result<StringRecord> {
            if !advance_to_text(&mut lines)? {
                return Ok(StringRecord::new());
            }
            let header = parser.parse(lines.line()?)?;
            Ok(header.clone())
        };
        let header = Header::new(names().context("its first line cannot be read")?)?;
        Ok(Self { lines, parser, header })
    }

    /// How far into the file the rows read so far go, in bytes.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.lines.bytes_read()
    }

    fn next_line(&mut self) -> Result<Option<Line>> {
        if !advance_to_text(&mut self.lines).context("the file could not be read on")? {
            return Ok(None);
        }
        Ok(Some(Line { number: self.lines.number(), row: self.row() }))
    }

    fn row(&mut self) -> Result<Row> {
        let Self { lines, parser, header } = self;
        let record = parser.parse(lines.line()?).map_err(|error| match error {
            Unparsable::NotUtf8 { field } => anyhow!("column `{}` is not UTF-8", header.name(field)),
            other => other.into(),
        })?;
        let (fields, expected) = (record.len(), header.len());
        if fields != expected {
            bail!("it has {fields} field(s) where {expected} are expected");
        }
        Row::new(&Fields { header, record })
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

/// Goes on to the next line that is not blank; `false` at the end of the file.
fn advance_to_text(lines: &mut CappedLines<impl BufRead>) -> io::Result<bool> {
    while lines.advance()? {
        if !lines.line().is_ok_and(|line| line.trim_ascii().is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Parses each line as a file of its own, so that a quote that is not closed ends with the line.
struct LineParser {
    csv: csv::Reader<Cursor<Vec<u8>>>,
    record: StringRecord,
}

/// Why a line is no record.
#[derive(Debug, thiserror::Error)]
enum Unparsable {
    #[error("a quote is not closed")]
    OpenQuote,
    #[error("field {field} is not UTF-8")]
    NotUtf8 { field: usize },
    #[error(transparent)]
    Csv(csv::Error),
}

impl LineParser {
    fn new() -> Self {
        // A lone `\r` ends no line, so it must end no record either.
        let terminator = Terminator::Any(b'\n');
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(terminator)
            .from_reader(Cursor::default());
        Self { csv, record: StringRecord::new() }
    }

    fn parse(&mut self, line: &[u8]) -> Result<&StringRecord, Unparsable> {
        let Self { csv, record } = self;
        let input = csv.get_mut().get_mut();
        input.clear();
        input.extend_from_slice(line);
        input.push(b'\n');
        // One reader for all lines: to build one takes longer than to parse a line.
        csv.seek_raw(SeekFrom::Start(0), Position::new()).map_err(Unparsable::Csv)?;
        csv.read_record(record).map_err(|error| match error.kind() {
            csv::ErrorKind::Utf8 { err, .. } => Unparsable::NotUtf8 { field: err.field() },
            _ => Unparsable::Csv(error),
        })?;
        // Only within quotes is the end of the line part of a field.
        if record.iter().next_back().is_some_and(|field| field.ends_with('\n')) {
            return Err(Unparsable::OpenQuote);
        }
        Ok(record)
    }
}
