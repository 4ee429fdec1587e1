use std::{
    collections::VecDeque,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    sync::Arc,
};

use eventstore_api::{Criterion, EventFilter, GlobalPosition, RecordedEvent, Version};
use eventstore_codec::Names;
use eventstore_parquet::{PAGE_EVENTS, ParquetContents, ParquetError, ParquetReader};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use crate::{
    damage::{Damage, Failure},
    disk::{DiskFile, read_up_to},
    format::PartEntry,
    frames::Malformed,
    index::{SegmentStart, Wait},
    rows::{Part, ROWS_TOGETHER, Rows},
};

/// A part, as a Parquet file.
#[derive(Debug)]
pub(super) struct ParquetPart {
    open: Arc<OpenParts>,
    file: Arc<dyn DiskFile>,
    entry: PartEntry,
    described: String,
}

impl ParquetPart {
    pub(super) fn new(
        open: Arc<OpenParts>,
        file: Arc<dyn DiskFile>,
        entry: PartEntry,
        described: String,
    ) -> Self {
        Self { open, file, entry, described }
    }

    fn reader(&self) -> Result<ParquetReader<PartFile>, Failure> {
        let file = PartFile::new(Arc::clone(&self.file));
        if let Some(contents) = self.open.contents.get(&self.entry.start) {
            return Ok(ParquetReader::with_contents(file, contents));
        }
        let reader = ParquetReader::open(file).map_err(|error| failure_of(&self.described, error))?;
        let summary = reader.summary();
        let found = (summary.first_position(), summary.events, summary.events_checksum);
        let PartEntry { start, events_checksum, .. } = self.entry;
        if found != (Some(GlobalPosition::new(start.get())), self.entry.events(), events_checksum) {
            return Err(self.damage("it is a part, but not the one that was written here".to_owned()));
        }
        self.open.contents.insert(start, reader.contents().clone());
        Ok(reader)
    }

    fn contents(&self) -> Result<ParquetContents, Failure> {
        match self.open.contents.get(&self.entry.start) {
            Some(contents) => Ok(contents),
            None => Ok(self.reader()?.contents().clone()),
        }
    }

    fn damage(&self, detail: String) -> Failure {
        Damage { file: self.described.clone(), offset: 0, detail }.into()
    }
}

impl Part for ParquetPart {
    fn read(&self, rows: Range<u64>, wait: Wait) -> Result<Arc<dyn Rows>, Failure> {
        if let Some(found) = self.open.recent(self.entry.start, rows.start) {
            return Ok(found);
        }
        // To decompress takes longer than it takes to ask elsewhere.
        if wait == Wait::Never {
            return Err(Failure::WouldWait);
        }
        let rows = self.reader()?.read_rows(rows).map_err(|error| failure_of(&self.described, error))?;
        let rows: Arc<dyn Rows> = Arc::new(ParquetRows(rows));
        self.open.keep(self.entry.start, Arc::clone(&rows));
        Ok(rows)
    }

    fn page(&self, row: u64) -> Result<Range<u64>, Failure> {
        let page = self.contents()?.page_of(row);
        page.ok_or_else(|| self.damage(format!("there is no row {row}")))
    }

    fn barren(&self, row: u64, filter: &EventFilter, wait: Wait) -> Option<Range<u64>> {
        let criteria = filter.criteria()?;
        let contents = match (self.open.contents.get(&self.entry.start), wait) {
            (Some(contents), _) => contents,
            // What is wrong is told when the rows are read.
            (None, Wait::Allowed) => self.reader().ok()?.contents().clone(),
            (None, Wait::Never) => return None,
        };
        let position = self.entry.start.get() + row;
        let groups = &contents.summary().row_groups;
        let group = groups.get(groups.partition_point(|group| group.last_position < position))?;
        let may_hold = |criterion: &Criterion| {
            criterion.stream_prefix.as_ref().is_none_or(|prefix| group.may_hold_stream(prefix))
                && criterion.stream.as_ref().is_none_or(|stream| group.may_hold_stream(stream.as_str()))
                && criterion
                    .event_types
                    .as_ref()
                    .is_none_or(|types| types.iter().any(|it| group.may_hold_type(it.as_str())))
        };
        if criteria.iter().any(may_hold) {
            return None;
        }
        let start = self.entry.start.get();
        Some(group.first_position.checked_sub(start)?..(group.last_position + 1).checked_sub(start)?)
    }

    fn verify(&self) -> Result<(), Failure> {
        if sum(&*self.file, &self.described)? != (self.entry.file_bytes, self.entry.file_checksum) {
            return Err(self.damage("its bytes are not those that were written".to_owned()));
        }
        self.reader()?.verify().map_err(|error| failure_of(&self.described, error))
    }
}

/// What has failed, with the name of the file.
pub(super) fn failure_of(described: &str, error: ParquetError) -> Failure {
    match error {
        ParquetError::Io(error) => Failure::io(|| format!("cannot read {described}"))(error),
        other => Damage { file: described.to_owned(), offset: 0, detail: other.to_string() }.into(),
    }
}

/// How many bytes a file has, and their checksum.
pub(super) fn sum(file: &dyn DiskFile, described: &str) -> Result<(u64, u32), Failure> {
    let (mut hasher, mut offset, mut chunk) = (crc32fast::Hasher::new(), 0, vec![0; CHUNK_BYTES]);
    loop {
        let read = read_up_to(file, &mut chunk, offset);
        let read = read.map_err(Failure::io(|| format!("cannot read {described}")))?;
        hasher.update(chunk.get(..read).unwrap_or_default());
        offset += read as u64;
        if read < CHUNK_BYTES {
            return Ok((offset, hasher.finalize()));
        }
    }
}

const _: () = assert!(ROWS_TOGETHER == PAGE_EVENTS, "rows are read in pages");

/// How much is read at once where all of a file is, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// What is open of the archive: what the parts say of themselves, and what was read last.
#[derive(Debug)]
pub(crate) struct OpenParts {
    contents: Cache<SegmentStart, ParquetContents>,
    /// Whoever reads page after page, or stream after stream, mostly finds the next events there.
    recent: Mutex<VecDeque<(SegmentStart, Arc<dyn Rows>)>>,
}

/// What so many parts say of themselves stays in memory, about 200 KB each.
const OPEN: usize = 64;
/// So many runs of rows that were read stay in memory, each of a row group at the most.
const RECENT: usize = 4;

impl Default for OpenParts {
    fn default() -> Self {
        Self { contents: Cache::new(OPEN), recent: Mutex::default() }
    }
}

impl OpenParts {
    fn recent(&self, start: SegmentStart, row: u64) -> Option<Arc<dyn Rows>> {
        let recent = self.recent.lock();
        let found = recent.iter().find(|(of, rows)| *of == start && rows.range().contains(&row));
        found.map(|(_, rows)| Arc::clone(rows))
    }

    fn keep(&self, start: SegmentStart, rows: Arc<dyn Rows>) {
        let mut recent = self.recent.lock();
        recent.truncate(RECENT - 1);
        recent.push_front((start, rows));
    }
}

#[derive(Debug)]
struct ParquetRows(eventstore_parquet::Rows);

impl Rows for ParquetRows {
    fn range(&self) -> Range<u64> {
        self.0.range()
    }

    fn bytes(&self) -> usize {
        self.0.payload_bytes()
    }

    fn place(&self, row: u64) -> Option<(&str, Version)> {
        self.0.stream(row).zip(self.0.version(row))
    }

    fn event(&self, row: u64, names: &mut Names) -> Result<RecordedEvent, Malformed> {
        self.0.event(row, names).map_err(|error| Malformed::Row(error.to_string()))
    }
}

/// A file of the store, as one that is read from one place on.
#[derive(Debug)]
pub(super) struct PartFile {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl PartFile {
    pub(super) fn new(file: Arc<dyn DiskFile>) -> Self {
        Self { file, offset: 0 }
    }
}

impl Read for PartFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Seek for PartFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(distance) => self.file.length()?.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.offset.checked_add_signed(distance),
        };
        self.offset = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.offset)
    }
}
