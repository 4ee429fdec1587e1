//! Pages of a row group, read at once and decoded one after the other.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use crate::{
    contents::{ParquetContents, Place},
    directory::ColumnPages,
    error::ParquetError,
    footer::RowGroup,
    page::{Decompression, Page},
    page_rows::PageRows,
    schema::{COLUMN_COUNT, COLUMNS},
};

/// Columns of which so few bytes lie between what is wanted are read at once: it costs less than one more call.
const NEAR: u64 = 8 << 10;

/// What was read and is not decoded yet.
pub(crate) struct ReadPages {
    bytes: Vec<u8>,
    /// Where in these the next page of each column begins.
    at: [usize; COLUMN_COUNT],
    /// Which pages they are.
    left: Option<Place>,
    decompression: Decompression,
}

impl ReadPages {
    pub(crate) fn new() -> Self {
        let decompression = Decompression::new();
        Self { bytes: Vec::new(), at: [0; COLUMN_COUNT], left: None, decompression }
    }

    /// Nothing is left.
    pub(crate) fn forget(&mut self) {
        self.left = None;
    }

    /// Reads the pages of a place, of every column.
    pub(crate) fn read(
        &mut self,
        file: &mut (impl Read + Seek),
        contents: &ParquetContents,
        place: Place,
    ) -> Result<(), ParquetError> {
        self.left = None;
        let columns = contents.columns(place.group).ok_or_else(nowhere)?;
        let mut filled = 0;
        let mut run: Option<Range<u64>> = None;
        for (column, at) in columns.iter().zip(&mut self.at) {
            let wanted = column.bytes_of(place.pages.clone()).ok_or_else(nowhere)?;
            match &mut run {
                Some(run) if wanted.start <= run.end + NEAR => run.end = wanted.end,
                run => {
                    if let Some(run) = run.replace(wanted.clone()) {
                        filled = append(file, run, filled, &mut self.bytes)?;
                    }
                }
            }
            let in_run = run.as_ref().map_or(0, |run| wanted.start - run.start);
            *at = filled + usize::try_from(in_run).map_err(|_| nowhere())?;
        }
        if let Some(run) = run {
            append(file, run, filled, &mut self.bytes)?;
        }
        self.left = Some(place);
        Ok(())
    }

    /// The next page, decoded.
    pub(crate) fn next(&mut self, contents: &ParquetContents) -> Result<Option<PageRows>, ParquetError> {
        let Some(place) = self.left.as_mut() else { return Ok(None) };
        let (group, page, first) = (place.group, place.pages.start, place.rows.start);
        if place.pages.is_empty() {
            return Ok(None);
        }
        let count = contents.page_events().min(place.rows.end - first);
        place.pages.start += 1;
        place.rows.start += count;
        let columns = contents.columns(group).ok_or_else(nowhere)?;
        let rows = self.decode(columns, page, first, count)?;
        let group = contents.summary().row_groups.get(group).ok_or_else(nowhere)?;
        let fits =
            are_of(&rows, group, page == 0, page + 1 == columns.first().map_or(0, |it| it.pages.len()));
        match fits {
            Some(true) => Ok(Some(rows)),
            _ => Err(ParquetError::damaged(format!(
                "the rows from {first} on are not those that the end of the file says"
            ))),
        }
    }

    fn decode(
        &mut self,
        columns: &[ColumnPages; COLUMN_COUNT],
        page: usize,
        first: u64,
        count: u64,
    ) -> Result<PageRows, ParquetError> {
        let count = usize::try_from(count).map_err(ParquetError::damaged)?;
        let mut rows = PageRows::new(first, count);
        for (number, (column, at)) in columns.iter().zip(&mut self.at).enumerate() {
            let place = column.pages.get(page).ok_or_else(nowhere)?;
            let end = *at + usize::try_from(place.length).map_err(|_| nowhere())?;
            let bytes = self.bytes.get(*at..end).ok_or_else(nowhere)?;
            *at = end;
            let decompression = &mut self.decompression;
            let added = Page::of(bytes, place, count).and_then(|page| rows.add(number, &page, decompression));
            let added =
                added.and_then(|it| it.ok_or_else(|| ParquetError::damaged("its values make no sense")));
            added.map_err(|error| {
                let column = COLUMNS.get(number).map_or("", |column| column.name);
                error.within(format_args!("column `{column}` of the rows from {first} on"))
            })?;
        }
        Ok(rows)
    }
}

/// Whether the positions of a page are those of its row group.
fn are_of(rows: &PageRows, group: &RowGroup, is_first: bool, is_last: bool) -> Option<bool> {
    let first = rows.position(0)?.get();
    let last = rows.position(rows.count().checked_sub(1)?)?.get();
    let begins = if is_first { first == group.first_position } else { first > group.first_position };
    let ends = if is_last { last == group.last_position } else { last < group.last_position };
    Some(begins && ends && first <= last)
}

/// Reads these bytes of the file behind what is there, and says how much is there then.
fn append(
    file: &mut (impl Read + Seek),
    run: Range<u64>,
    filled: usize,
    bytes: &mut Vec<u8>,
) -> Result<usize, ParquetError> {
    let end = filled + usize::try_from(run.end - run.start).map_err(|_| nowhere())?;
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    file.seek(SeekFrom::Start(run.start))?;
    match file.read_exact(bytes.get_mut(filled..end).ok_or_else(nowhere)?) {
        Ok(()) => Ok(end),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(ParquetError::damaged("it is cut off"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Of what was checked when the file was opened: it is another file then.
fn nowhere() -> ParquetError {
    ParquetError::damaged("its pages are not where they should be")
}
