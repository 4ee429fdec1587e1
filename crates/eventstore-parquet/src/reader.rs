use std::{
    fmt,
    io::{Read, Seek},
    ops::Range,
    vec,
};

use eventstore_api::RecordedEvent;
use eventstore_codec::Names;

use crate::{
    checksum::EventsChecksum,
    contents::ParquetContents,
    error::ParquetError,
    footer::{RowGroup, Summary},
    page_rows::PageRows,
    read_pages::ReadPages,
    rows::Rows,
};

/// Reads recorded events from a Parquet file that [`ParquetWriter`](crate::ParquetWriter) has written.
///
/// Every page is held against its checksum before it is decoded: a file that was changed is an error, and no event.
pub struct ParquetReader<R> {
    file: R,
    contents: ParquetContents,
    names: Names,
    pages: ReadPages,
}

impl<R: Read + Seek> ParquetReader<R> {
    /// Opens a file: reads its end, and none of its events.
    ///
    /// # Errors
    ///
    /// [`ParquetError::Foreign`] when it is no Parquet file, or holds something else, [`ParquetError::TooNew`] when a later
    /// version has written it, [`ParquetError::Damaged`] when its end is not what was written, [`ParquetError::Io`] when it
    /// cannot be read.
    pub fn open(mut file: R) -> Result<Self, ParquetError> {
        let contents = ParquetContents::read(&mut file)?;
        Ok(Self::with_contents(file, contents))
    }

    /// Reads on with what another reader of the same file has read of its end: reads nothing by itself.
    ///
    /// With the contents of another file every read is an error.
    pub fn with_contents(file: R, contents: ParquetContents) -> Self {
        Self { file, contents, names: Names::new(), pages: ReadPages::new() }
    }

    /// What the file says of itself, for [`ParquetReader::with_contents`].
    #[must_use]
    pub fn contents(&self) -> &ParquetContents {
        &self.contents
    }

    /// What the file holds.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        self.contents.summary()
    }

    /// The pages which hold these rows, as far as the row group of the first one goes; only they are read and decompressed.
    ///
    /// Rows are numbered over the whole file from 0, and a page holds [`PAGE_EVENTS`](crate::PAGE_EVENTS) of them. Where the
    /// rows go on in another row group, read on behind [`Rows::range`].
    ///
    /// ```
    /// use eventstore_api::{EventType, GlobalPosition, NewEvent, Placement, StreamId, Timestamp, Version};
    /// use eventstore_parquet::{Names, ParquetOptions, ParquetReader, ParquetWriter};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default())?;
    /// for number in 1..=2_000 {
    ///     writer.write(NewEvent::new(EventType::new("Opened")?, "{}").record(Placement {
    ///         stream: StreamId::new("account-7")?,
    ///         version: Version::new(number),
    ///         position: GlobalPosition::new(number),
    ///         recorded_at: Timestamp::now(),
    ///     }))?;
    /// }
    /// let (file, _) = writer.finish()?;
    ///
    /// let mut reader = ParquetReader::open(std::io::Cursor::new(file))?;
    /// let rows = reader.read_rows(1_500..1_501)?;
    /// assert!(rows.range().contains(&1_500) && rows.range().end <= 2_000);
    /// let event = rows.event(1_500, &mut Names::new())?;
    /// assert_eq!(event.position, GlobalPosition::new(1_501));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParquetError::Damaged`] when a page is not what was written, when the range is empty or does not begin within the
    /// file, [`ParquetError::Io`] when the file cannot be read.
    pub fn read_rows(&mut self, rows: Range<u64>) -> Result<Rows, ParquetError> {
        let place = self.contents.place_of(rows.clone());
        let place = place.ok_or_else(|| ParquetError::damaged(format!("there are no rows {rows:?}")))?;
        let (rows, count) = (place.rows.clone(), place.pages.len());
        self.pages.read(&mut self.file, &self.contents, place)?;
        let mut pages = Vec::with_capacity(count);
        while let Some(page) = self.pages.next(&self.contents)? {
            pages.push(page);
        }
        Ok(Rows::new(rows, self.contents.page_events(), pages))
    }

    /// The events of one row group, in the order of positions. Other row groups are neither read nor decompressed.
    ///
    /// # Errors
    ///
    /// [`ParquetError::Damaged`] when it is not what was written or there is none of that number, [`ParquetError::Io`] when
    /// it cannot be read.
    pub fn read_row_group(&mut self, number: usize) -> Result<Vec<RecordedEvent>, ParquetError> {
        self.begin_row_group(number)?;
        let mut events = Vec::new();
        while let Some(page) = self.pages.next(&self.contents)? {
            events.reserve(page.count());
            for row in 0..page.count() {
                events.push(page.event(row, &mut self.names)?);
            }
        }
        Ok(events)
    }

    /// All events, in the order of positions. One row group is in memory at a time, one page of it decompressed.
    pub fn events(&mut self) -> Events<'_, R> {
        self.events_of(|_| true)
    }

    /// The events of the row groups that `wanted` chooses, in the order of positions. The others are passed over.
    pub fn events_of(&mut self, wanted: impl FnMut(&RowGroup) -> bool) -> Events<'_, R> {
        let chosen = self.summary().row_groups.iter().map(wanted).collect::<Vec<_>>();
        let numbers = chosen.into_iter().enumerate().filter_map(|(number, chosen)| chosen.then_some(number));
        let groups = numbers.collect::<Vec<_>>().into_iter();
        self.pages.forget();
        Events { reader: self, groups, page: PageRows::default(), row: 0 }
    }

    /// Reads everything, and holds it against what was written.
    ///
    /// # Errors
    ///
    /// As [`ParquetReader::read_row_group`].
    pub fn verify(&mut self) -> Result<(), ParquetError> {
        let mut checksum = EventsChecksum::default();
        let mut count = 0;
        for group in 0..self.summary().row_groups.len() {
            self.begin_row_group(group)?;
            while let Some(page) = self.pages.next(&self.contents)? {
                (0..page.count()).try_for_each(|row| page.sum(row, &mut checksum))?;
                count += page.count() as u64;
            }
        }
        if (count, checksum.finish()) == (self.summary().events, self.summary().events_checksum) {
            return Ok(());
        }
        Err(ParquetError::damaged("the events are not those that were written"))
    }

    fn begin_row_group(&mut self, number: usize) -> Result<(), ParquetError> {
        let place = self.contents.whole(number);
        let place = place.ok_or_else(|| ParquetError::damaged(format!("there is no row group {number}")))?;
        self.pages.read(&mut self.file, &self.contents, place)
    }
}

/// The events of a file, one after the other; see [`ParquetReader::events`]. After an error there are no more.
pub struct Events<'r, R> {
    reader: &'r mut ParquetReader<R>,
    groups: vec::IntoIter<usize>,
    page: PageRows,
    /// The next one in the page.
    row: usize,
}

impl<R: Read + Seek> Iterator for Events<'_, R> {
    type Item = Result<RecordedEvent, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = match self.has_row() {
            Ok(false) => return None,
            Ok(true) => self.page.event(self.row, &mut self.reader.names),
            Err(error) => Err(error),
        };
        self.row += 1;
        if event.is_err() {
            self.groups = Vec::new().into_iter();
            self.reader.pages.forget();
            self.page = PageRows::default();
        }
        Some(event)
    }
}

impl<R: Read + Seek> Events<'_, R> {
    /// Whether there is one more, whose page is decoded then.
    fn has_row(&mut self) -> Result<bool, ParquetError> {
        while self.row >= self.page.count() {
            if let Some(page) = self.reader.pages.next(&self.reader.contents)? {
                (self.page, self.row) = (page, 0);
            } else if let Some(group) = self.groups.next() {
                self.reader.begin_row_group(group)?;
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<R> fmt::Debug for Events<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("groups", &self.groups).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for ParquetReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetReader").field("summary", self.contents.summary()).finish_non_exhaustive()
    }
}
