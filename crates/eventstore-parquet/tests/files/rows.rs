//! A few rows are read without the others.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::support::{self, events, open, pages, small_groups, usual, write};
use eventstore_api::RecordedEvent;
use eventstore_parquet::{
    Names, PAGE_EVENTS, ParquetContents, ParquetError, ParquetOptions, ParquetReader, Rows,
};
use proptest::prelude::*;

/// The events of rows, which have to agree with what is said of them one by one.
fn all_of(rows: &Rows) -> Vec<RecordedEvent> {
    let mut names = Names::new();
    rows.range()
        .map(|row| {
            let event = rows.event(row, &mut names).unwrap();
            assert_eq!(rows.stream(row), Some(event.stream.as_str()));
            assert_eq!(rows.version(row), Some(event.version));
            assert_eq!(rows.position(row), Some(event.position));
            event
        })
        .collect()
}

/// Counts the bytes that are read.
struct Counting {
    file: Cursor<Vec<u8>>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Counting {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn counting(file: Vec<u8>) -> (Counting, Arc<AtomicU64>) {
    let bytes = Arc::new(AtomicU64::new(0));
    (Counting { file: Cursor::new(file), bytes: Arc::clone(&bytes) }, bytes)
}

proptest! {
    #[test]
    fn rows_are_those_of_the_whole_file(
        events in events(60),
        in_a_group in 1..70_usize,
        from in 0..60_u64,
        count in 1..70_u64,
    ) {
        let (file, _) = write(&events, small_groups(in_a_group));
        let mut reader = open(file);
        if from >= events.len() as u64 {
            prop_assert!(reader.read_rows(from..from + count).is_err());
            return Ok(());
        }
        let rows = reader.read_rows(from..from + count).unwrap();
        let range = rows.range();
        let end_of_group = ((from / in_a_group as u64 + 1) * in_a_group as u64).min(events.len() as u64);
        prop_assert!(range.start <= from && range.end >= (from + count).min(end_of_group));
        prop_assert!(range.end <= end_of_group);
        prop_assert_eq!(all_of(&rows), &events[range.start as usize..range.end as usize]);
    }

    /// Row groups of many pages.
    #[test]
    fn rows_of_several_pages_are_those_of_the_whole_file(from in 0..5_000_u64, count in 1..3_000_u64) {
        let events = usual(5_000);
        let (file, _) = write(&events, small_groups(3_333));
        let rows = open(file).read_rows(from..from + count).unwrap();
        let range = rows.range();
        let group = if from < 3_333 { 0..3_333 } else { 3_333..5_000 };
        let page_of = |row| (row - group.start) / PAGE_EVENTS;
        prop_assert_eq!(range.start, group.start + page_of(from) * PAGE_EVENTS);
        let last = (from + count).min(group.end) - 1;
        prop_assert_eq!(range.end, (group.start + (page_of(last) + 1) * PAGE_EVENTS).min(group.end));
        prop_assert_eq!(all_of(&rows), &events[range.start as usize..range.end as usize]);
    }
}

#[test]
fn rows_outside_of_what_there_is_are_an_error() {
    let (file, _) = write(&usual(1_000), small_groups(600));
    let mut reader = open(file);
    for range in [1_000..1_001, 5..5, u64::MAX - 1..u64::MAX] {
        let error = reader.read_rows(range.clone()).unwrap_err();
        assert!(matches!(error, ParquetError::Damaged { .. }), "{range:?}: {error:?}");
    }
    let rows = reader.read_rows(599..u64::MAX).unwrap();
    assert_eq!(rows.range(), 512..600);
    assert!(rows.event(600, &mut Names::new()).is_err());
    assert_eq!((rows.stream(511), rows.version(600), rows.position(u64::MAX)), (None, None, None));
}

#[test]
fn one_row_costs_the_bytes_of_its_pages() {
    let events = usual(20_000);
    let (file, summary) = write(&events, ParquetOptions::default());
    let pages = pages(&file, &summary);
    let sum = |pages: &mut dyn Iterator<Item = &support::Page>| {
        pages.map(|page| page.bytes.len() as u64).sum::<u64>()
    };
    let of_row = sum(&mut pages.iter().filter(|page| page.rows.contains(&7_777)));
    let of_group = sum(&mut pages.iter().filter(|page| page.group == 0));
    let (file, bytes) = counting(file);
    let mut reader = ParquetReader::open(file).unwrap();
    bytes.store(0, Ordering::Relaxed);
    let rows = reader.read_rows(7_777..7_778).unwrap();
    assert_eq!(rows.event(7_777, &mut Names::new()).unwrap(), events[7_777]);
    let read = bytes.load(Ordering::Relaxed);
    // What lies between two columns whose pages are near each other is read with them.
    assert!(read >= of_row && read * 3 < of_group, "{read} bytes for {of_row}, of {of_group}");
    assert!(rows.payload_bytes() > 0 && rows.payload_bytes() < 64 << 10, "{}", rows.payload_bytes());
}

#[test]
fn a_reader_with_contents_reads_no_end() {
    let events = usual(1_000);
    let (file, _) = write(&events, ParquetOptions::default());
    let contents: ParquetContents = open(file.clone()).contents().clone();
    let (file, bytes) = counting(file);
    let mut reader = ParquetReader::with_contents(file, contents.clone());
    assert_eq!((reader.summary(), bytes.load(Ordering::Relaxed)), (contents.summary(), 0));
    assert_eq!(all_of(&reader.read_rows(700..701).unwrap()), events[512..]);
    assert_eq!(reader.events().collect::<Result<Vec<_>, _>>().unwrap(), events);
    reader.verify().unwrap();
    // Of another file they are of no use, and no harm.
    let (other, _) = write(&usual(400), ParquetOptions::default());
    let mut reader = ParquetReader::with_contents(Cursor::new(other), contents);
    assert!(matches!(reader.read_rows(0..1), Err(ParquetError::Damaged { .. })));
    assert!(matches!(reader.verify(), Err(ParquetError::Damaged { .. })));
}

#[test]
fn rows_go_to_other_threads() {
    let events = usual(100);
    let (file, _) = write(&events, ParquetOptions::default());
    let rows = open(file).read_rows(50..51).unwrap();
    let copy = rows.clone();
    let found = std::thread::spawn(move || all_of(&copy)).join().unwrap();
    assert_eq!((found, all_of(&rows)), (events.clone(), events));
}

#[test]
fn the_format_says_where_the_pages_are() {
    let (file, summary) = write(&usual(1_000), small_groups(600));
    let pages = pages(&file, &summary);
    assert_eq!(pages.len(), 12 * (2 + 1));
    for page in pages {
        assert_eq!(crc32fast::hash(&file[page.bytes.clone()]), page.checksum, "{page:?}");
    }
}
