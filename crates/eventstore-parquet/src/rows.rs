use std::{fmt, ops::Range, sync::Arc};

use eventstore_api::{GlobalPosition, RecordedEvent, Version};
use eventstore_codec::Names;

use crate::{error::ParquetError, page_rows::PageRows};

/// Some rows of a file, decompressed, of which events are made one at a time. Cloning it copies nothing.
///
/// [`ParquetReader::read_rows`](crate::ParquetReader::read_rows) gives them, with an example. Rows are numbered over the whole
/// file from 0.
#[derive(Clone)]
pub struct Rows(Arc<Pages>);

struct Pages {
    rows: Range<u64>,
    page_events: u64,
    pages: Vec<PageRows>,
}

impl Rows {
    pub(crate) fn new(rows: Range<u64>, page_events: u64, pages: Vec<PageRows>) -> Self {
        Self(Arc::new(Pages { rows, page_events, pages }))
    }

    /// Which rows they are: those of whole pages.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.0.rows.clone()
    }

    /// How many bytes of memory an event of it keeps from being given back at most: the payloads of its page.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.0.pages.iter().map(PageRows::payload_bytes).max().unwrap_or_default()
    }

    /// The stream of the event in a row; `None` when the row is not among them.
    #[must_use]
    pub fn stream(&self, row: u64) -> Option<&str> {
        let (page, row) = self.place(row)?;
        page.stream(row)
    }

    /// The version of the event in a row; `None` when the row is not among them.
    #[must_use]
    pub fn version(&self, row: u64) -> Option<Version> {
        let (page, row) = self.place(row)?;
        page.version(row)
    }

    /// The position of the event in a row; `None` when the row is not among them.
    #[must_use]
    pub fn position(&self, row: u64) -> Option<GlobalPosition> {
        let (page, row) = self.place(row)?;
        page.position(row)
    }

    /// The event in a row, with its names from `names`. Its payload is a part of the rows, and no copy.
    ///
    /// # Errors
    ///
    /// [`ParquetError::Damaged`] when the row is not among them, or holds no event.
    pub fn event(&self, row: u64, names: &mut Names) -> Result<RecordedEvent, ParquetError> {
        let of_rows = || ParquetError::damaged(format!("row {row} is not among {:?}", self.range()));
        let (page, in_page) = self.place(row).ok_or_else(of_rows)?;
        page.event(in_page, names)
    }

    fn place(&self, row: u64) -> Option<(&PageRows, usize)> {
        let Pages { rows, page_events, pages } = &*self.0;
        if !rows.contains(&row) {
            return None;
        }
        let row = row - rows.start;
        let page = pages.get(usize::try_from(row / page_events).ok()?)?;
        Some((page, usize::try_from(row % page_events).ok()?))
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("range", &self.range()).finish_non_exhaustive()
    }
}
