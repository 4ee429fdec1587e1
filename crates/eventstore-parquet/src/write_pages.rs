//! The pages of a row group, of the same rows in every column: encoded, compressed, and measured as they are written.

use std::{borrow::Cow, mem, sync::Arc, vec};

use arrow2::{
    array::Array,
    io::parquet::{
        read::DataPageHeader,
        write::{
            CompressedDataPage, CompressedPage, CompressionOptions, DynStreamingIterator,
            FallibleStreamingIterator, Page, ParquetType, Version, WriteOptions, array_to_columns,
        },
    },
};
use eventstore_api::RecordedEvent;
use parking_lot::Mutex;
use parquet_format_safe::{DataPageHeaderV2, Statistics};
use zstd::bulk::Compressor;

use crate::{
    checksum::Count,
    directory::{ColumnPages, PagePlace},
    encode,
    error::ParquetError,
    schema::{COLUMN_COUNT, COLUMNS},
    statistics, values,
};

/// How many events a page holds: what is read and decompressed for a single one of them. The last page of a row group holds
/// what is left.
pub const PAGE_EVENTS: u64 = 512;

/// The same, in memory.
const IN_A_PAGE: usize = 512;
const _: () = assert!(IN_A_PAGE as u64 == PAGE_EVENTS);
/// From which part of their size on values are stored as they are: what is hardly smaller is not worth the time.
const WORTH: (usize, usize) = (15, 16);

/// The pages of one column, which say where they were written.
pub(crate) type Pages = DynStreamingIterator<'static, CompressedPage, arrow2::error::Error>;

/// Cuts row groups into pages.
pub(crate) struct PageCutter {
    zstd: Compressor<'static>,
    fields: Vec<ParquetType>,
}

impl PageCutter {
    pub(crate) fn new(compression_level: i32, fields: &[ParquetType]) -> Result<Self, ParquetError> {
        let zstd = Compressor::new(compression_level).map_err(ParquetError::not_written)?;
        Ok(Self { zstd, fields: fields.to_vec() })
    }

    /// The pages of each column of these events.
    pub(crate) fn cut(
        &mut self,
        events: &[RecordedEvent],
    ) -> Result<[Vec<CompressedPage>; COLUMN_COUNT], ParquetError> {
        let mut all = <[Vec<CompressedPage>; COLUMN_COUNT]>::default();
        for (page, of_page) in events.chunks(IN_A_PAGE).enumerate() {
            let columns = encode::columns(of_page)?;
            for ((number, pages), values) in all.iter_mut().enumerate().zip(columns) {
                // What the encoder says of the whole column it gathers from its pages: one of them says it all.
                let statistics = if page == 0 { statistics::of(number, events) } else { None };
                pages.push(self.page(number, values, statistics)?);
            }
        }
        Ok(all)
    }

    fn page(
        &mut self,
        column: usize,
        values: Box<dyn Array>,
        statistics: Option<Statistics>,
    ) -> Result<CompressedPage, ParquetError> {
        let (Some(field), Some(layout)) = (self.fields.get(column), COLUMNS.get(column)) else {
            return Err(ParquetError::not_written("there are more columns than fields"));
        };
        let encoding = [layout.encoding_of(&*values)];
        let leaves = array_to_columns(values, field.clone(), WRITE_OPTIONS, &encoding);
        let mut pages = leaves.map_err(ParquetError::not_written)?.into_iter().flatten();
        let page = match (pages.next(), pages.next()) {
            (Some(page), None) => page.map_err(ParquetError::not_written)?,
            _ => return Err(ParquetError::not_written("a column has not one page")),
        };
        let Page::Data(page) = page else {
            return Err(ParquetError::not_written("a column has a dictionary"));
        };
        let DataPageHeader::V2(mut header) = page.header().clone() else {
            return Err(ParquetError::not_written("a page is of the first version"));
        };
        header.statistics = statistics;
        let parts = parts(page.buffer(), &header);
        let (repetition, definition, values) =
            parts.ok_or_else(|| ParquetError::not_written("a page is shorter than its levels"))?;
        let count = usize::try_from(header.num_values).map_err(ParquetError::not_written)?;
        let mut buffer = shortest_levels(repetition, count).into_owned();
        header.repetition_levels_byte_length = length(&buffer)?;
        buffer.extend_from_slice(&shortest_levels(definition, count));
        header.definition_levels_byte_length = length(&buffer)? - header.repetition_levels_byte_length;
        let uncompressed = buffer.len() + values.len();
        let compressed = self.zstd.compress(values).map_err(ParquetError::not_written)?;
        let is_worth_it = compressed.len() < values.len() / WORTH.1 * WORTH.0;
        header.is_compressed = Some(is_worth_it);
        buffer.extend_from_slice(if is_worth_it { &compressed } else { values });
        let rows = usize::try_from(header.num_rows).map_err(ParquetError::not_written)?;
        let (header, descriptor) = (DataPageHeader::V2(header), page.descriptor);
        let zstd = WRITE_OPTIONS.compression.into();
        let page = CompressedDataPage::new(header, buffer, zstd, uncompressed, descriptor, Some(rows));
        Ok(CompressedPage::Data(page))
    }
}

/// How the encoder makes pages, which are compressed here.
pub(crate) const WRITE_OPTIONS: WriteOptions = WriteOptions {
    write_statistics: false,
    version: Version::V2,
    compression: CompressionOptions::Zstd(None),
    // So that whatever is given to the encoder becomes one page.
    data_pagesize_limit: Some(usize::MAX),
};

/// Repetition levels, definition levels and values of a page.
fn parts<'p>(page: &'p [u8], header: &DataPageHeaderV2) -> Option<(&'p [u8], &'p [u8], &'p [u8])> {
    let repetition = usize::try_from(header.repetition_levels_byte_length).ok()?;
    let definition = usize::try_from(header.definition_levels_byte_length).ok()?;
    let (repetition, rest) = page.split_at_checked(repetition)?;
    let (definition, values) = rest.split_at_checked(definition)?;
    Some((repetition, definition, values))
}

/// The same levels as one run where all are equal. The encoder takes a bit for each, and levels are not compressed.
fn shortest_levels(packed: &[u8], count: usize) -> Cow<'_, [u8]> {
    let levels = values::levels(packed, count).unwrap_or_default();
    let Some(first) = levels.first().filter(|first| levels.iter().all(|level| level == *first)) else {
        return packed.into();
    };
    let mut run = Vec::new();
    let mut header = count << 1;
    loop {
        let [lowest, ..] = header.to_le_bytes();
        header >>= 7;
        if header == 0 {
            run.extend([lowest, u8::from(*first)]);
            break;
        }
        run.push(lowest | 0x80);
    }
    run.into()
}

fn length(bytes: &[u8]) -> Result<i32, ParquetError> {
    i32::try_from(bytes.len()).map_err(ParquetError::not_written)
}

/// The pages of a column on their way to the file. Where each was written shows when the next one is asked for.
struct Measuring {
    pages: vec::IntoIter<CompressedPage>,
    page: Option<CompressedPage>,
    count: Arc<Mutex<Count>>,
    written: Arc<Mutex<ColumnPages>>,
    places: Vec<PagePlace>,
}

/// The pages of a column for the encoder to write, and where it has written them, when it has.
pub(crate) fn measuring(
    pages: Vec<CompressedPage>,
    count: &Arc<Mutex<Count>>,
) -> (Pages, Arc<Mutex<ColumnPages>>) {
    let written = Arc::new(Mutex::new(ColumnPages::default()));
    let pages = Measuring {
        places: Vec::with_capacity(pages.len()),
        pages: pages.into_iter(),
        page: None,
        count: Arc::clone(count),
        written: Arc::clone(&written),
    };
    (DynStreamingIterator::new(pages), written)
}

impl FallibleStreamingIterator for Measuring {
    type Item = CompressedPage;
    type Error = arrow2::error::Error;

    fn advance(&mut self) -> Result<(), Self::Error> {
        let (bytes, checksum) = self.count.lock().take();
        match &self.page {
            // What was written before belongs to others.
            None => self.written.lock().offset = self.count.lock().bytes,
            Some(_) => {
                let length = u32::try_from(bytes).map_err(|_| {
                    arrow2::error::Error::InvalidArgumentError("a page is too long".to_owned())
                })?;
                self.places.push(PagePlace { length, checksum });
            }
        }
        self.page = self.pages.next();
        if self.page.is_none() {
            self.written.lock().pages = mem::take(&mut self.places).into();
        }
        Ok(())
    }

    fn get(&self) -> Option<&Self::Item> {
        self.page.as_ref()
    }
}
