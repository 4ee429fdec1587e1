use std::{
    fmt,
    io::{self, Cursor, Read, Seek, SeekFrom},
    ops::Range,
    sync::{Arc, LazyLock},
};

use parquet_format_safe::{
    CompressionCodec, FileMetaData, RowGroup as TheirRowGroup, SchemaElement,
    thrift::protocol::TCompactInputProtocol,
};

use crate::{
    directory::{ColumnPages, PageDirectory},
    error::ParquetError,
    footer::{self, Summary},
    schema::COLUMN_COUNT,
    wall::decoding,
    writer::{ParquetOptions, ParquetWriter},
};

/// What a file says of itself: what it holds, and where each page of it is. Cloning it copies nothing.
///
/// Keep it beside a file that is opened again and again, and hand it to
/// [`ParquetReader::with_contents`](crate::ParquetReader::with_contents). It takes 8 bytes of memory for each page of each
/// column, about 200 KiB for a million events.
///
/// ```
/// use eventstore_parquet::{ParquetOptions, ParquetReader, ParquetWriter};
///
/// let (file, summary) = ParquetWriter::new(Vec::new(), ParquetOptions::default())?.finish()?;
/// let contents = ParquetReader::open(std::io::Cursor::new(&file))?.contents().clone();
/// assert_eq!(contents.summary(), &summary);
/// assert_eq!(ParquetReader::with_contents(std::io::Cursor::new(&file), contents).events().count(), 0);
/// # Ok::<(), eventstore_parquet::ParquetError>(())
/// ```
#[derive(Clone)]
pub struct ParquetContents(Arc<Contents>);

struct Contents {
    summary: Summary,
    directory: PageDirectory,
    /// The number of the first row of each row group, and of the row behind the last.
    bounds: Vec<u64>,
}

/// Some pages of a row group.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) group: usize,
    pub(crate) pages: Range<usize>,
    /// The rows of these pages, over the whole file.
    pub(crate) rows: Range<u64>,
}

impl ParquetContents {
    /// What the file holds.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.0.summary
    }

    /// The rows of the page that holds this one; `None` when there is no such row.
    ///
    /// A page is checked as a whole: where one of them cannot be read, none can, and the rows of other pages may be whole.
    ///
    /// ```
    /// use eventstore_api::{EventType, GlobalPosition, NewEvent, Placement, StreamId, Timestamp, Version};
    /// use eventstore_parquet::{ParquetOptions, ParquetReader, ParquetWriter};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default())?;
    /// for number in 1..=600 {
    ///     writer.write(NewEvent::new(EventType::new("Opened")?, "{}").record(Placement {
    ///         stream: StreamId::new("account-7")?,
    ///         version: Version::new(number),
    ///         position: GlobalPosition::new(number),
    ///         recorded_at: Timestamp::now(),
    ///     }))?;
    /// }
    /// let (file, _) = writer.finish()?;
    ///
    /// let reader = ParquetReader::open(std::io::Cursor::new(file))?;
    /// assert_eq!(reader.contents().page_of(550), Some(512..600));
    /// assert_eq!(reader.contents().page_of(600), None);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn page_of(&self, row: u64) -> Option<Range<u64>> {
        self.place_of(row..row.checked_add(1)?).map(|place| place.rows)
    }

    /// Reads the end of a file.
    pub(crate) fn read(mut file: impl Read + Seek) -> Result<Self, ParquetError> {
        let mut magic = [0; 4];
        file.seek(SeekFrom::Start(0))?;
        match file.read_exact(&mut magic) {
            Ok(()) if &magic == b"PAR1" => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
            _ => return Err(ParquetError::foreign("it does not begin as one")),
        }
        let (metadata, end) = read_metadata(&mut file)?;
        let FileMetaData { key_value_metadata, row_groups, schema, .. } = metadata;
        let key_values = key_value_metadata.unwrap_or_default();
        let key_values = key_values.iter().filter_map(|it| Some((it.key.as_str(), it.value.as_deref()?)));
        let (summary, directory) = footer::read(key_values)?;
        if schema != *SCHEMA {
            return Err(ParquetError::foreign("its columns are not those of events"));
        }
        let bounds = bounds(&summary, &directory, &row_groups, end);
        let bounds = bounds.ok_or_else(|| ParquetError::damaged("its row groups are not what it says"))?;
        Ok(Self(Arc::new(Contents { summary, directory, bounds })))
    }

    pub(crate) fn columns(&self, group: usize) -> Option<&[ColumnPages; COLUMN_COUNT]> {
        self.0.directory.group(group)
    }

    pub(crate) fn page_events(&self) -> u64 {
        self.0.directory.page_events
    }

    /// All pages of a row group.
    pub(crate) fn whole(&self, group: usize) -> Option<Place> {
        let rows = *self.0.bounds.get(group)?..*self.0.bounds.get(group + 1)?;
        let pages = usize::try_from((rows.end - rows.start).div_ceil(self.page_events())).ok()?;
        Some(Place { group, pages: 0..pages, rows })
    }

    /// The pages with these rows, as far as the row group of the first one goes; `None` when there is none in the file.
    pub(crate) fn place_of(&self, rows: Range<u64>) -> Option<Place> {
        let group = self.0.bounds.partition_point(|bound| *bound <= rows.start).checked_sub(1)?;
        let whole = self.whole(group)?;
        let end = rows.end.min(whole.rows.end);
        if rows.start >= end {
            return None;
        }
        let page_events = self.page_events();
        let first = (rows.start - whole.rows.start) / page_events;
        let last = (end - whole.rows.start).div_ceil(page_events);
        Some(Place {
            group,
            pages: usize::try_from(first).ok()?..usize::try_from(last).ok()?,
            rows: whole.rows.start + first * page_events
                ..(whole.rows.start + last * page_events).min(whole.rows.end),
        })
    }
}

impl fmt::Debug for ParquetContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetContents").field("summary", self.summary()).finish_non_exhaustive()
    }
}

/// What Parquet says of a file, at its end, and how long the file is.
///
/// Not read with arrow2, which makes columns of it that nobody needs here: that took longer than all else of opening a file,
/// and goes as deep as columns are nested, where a stack has an end.
fn read_metadata(mut file: impl Read + Seek) -> Result<(FileMetaData, u64), ParquetError> {
    const FOOTER_BYTES: u64 = 8;
    let foreign = || ParquetError::foreign("it does not end as one");
    let length = file.seek(SeekFrom::End(0))?;
    let at = length.checked_sub(FOOTER_BYTES).ok_or_else(foreign)?;
    file.seek(SeekFrom::Start(at))?;
    let mut footer = [0; 8];
    file.read_exact(&mut footer)?;
    let [l0, l1, l2, l3, magic @ ..] = footer;
    let bytes = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    let begin = at.checked_sub(bytes).filter(|_| &magic == b"PAR1").ok_or_else(foreign)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut metadata = vec![0; usize::try_from(bytes).map_err(|_| foreign())?];
    file.read_exact(&mut metadata)?;
    metadata_of(&metadata).map(|metadata| (metadata, length))
}

/// What Parquet says of a file, of the bytes at its end.
pub(crate) fn metadata_of(mut bytes: &[u8]) -> Result<FileMetaData, ParquetError> {
    let most = bytes.len().saturating_mul(2).saturating_add(1_024);
    // Read as the headers of pages are: the code for what both hold is compiled once.
    let metadata =
        decoding(|| FileMetaData::read_from_in_protocol(&mut TCompactInputProtocol::new(&mut bytes, most)))?;
    metadata.map_err(ParquetError::foreign)
}

/// The columns as Parquet has them: as a file of ours without events says it.
static SCHEMA: LazyLock<Vec<SchemaElement>> = LazyLock::new(|| {
    let written = ParquetWriter::new(Vec::new(), ParquetOptions::default()).and_then(ParquetWriter::finish);
    let metadata = written.and_then(|(file, _)| read_metadata(Cursor::new(file)));
    metadata.map(|(metadata, _)| metadata.schema).unwrap_or_default()
});

/// The first row of each row group and the end of the last, if the descriptions of the file agree: ours, and that of Parquet.
fn bounds(
    summary: &Summary,
    directory: &PageDirectory,
    row_groups: &[TheirRowGroup],
    end_of_file: u64,
) -> Option<Vec<u64>> {
    let rows = summary.row_groups.iter().map(|group| group.events);
    if !rows.clone().eq(row_groups.iter().map(|group| group.num_rows.cast_unsigned())) {
        return None;
    }
    let mut bounds = vec![0_u64];
    for rows in rows {
        bounds.push(bounds.last()?.checked_add(rows).filter(|_| rows > 0)?);
    }
    let in_order = summary.row_groups.is_sorted_by(|one, next| one.last_position < next.first_position);
    if bounds.last() != Some(&summary.events) || !in_order {
        return None;
    }
    for (ours, theirs) in directory.groups().zip(row_groups) {
        let ours_are_theirs = theirs.columns.len() == ours.len()
            && ours.iter().zip(&theirs.columns).all(|(ours, theirs)| {
                let (Some(theirs), Some(bytes)) = (&theirs.meta_data, ours.bytes()) else { return false };
                let start = theirs.dictionary_page_offset.unwrap_or(theirs.data_page_offset);
                theirs.codec == CompressionCodec::ZSTD
                    && u64::try_from(start) == Ok(bytes.start)
                    && u64::try_from(theirs.total_compressed_size) == Ok(bytes.end - bytes.start)
                    && bytes.end <= end_of_file
            });
        let in_order = ours.is_sorted_by(|one, next| {
            one.bytes().zip(next.bytes()).is_some_and(|(one, next)| one.end <= next.start)
        });
        if !ours_are_theirs || !in_order {
            return None;
        }
    }
    Some(bounds)
}
