//! The pages of a row group, of the same rows in every column: encoded, compressed, and measured as they are written.

use std::{mem, sync::Arc, vec};

use arrow2::io::parquet::{
    read::DataPageHeader,
    write::{
        CompressedDataPage, CompressedPage, CompressionOptions, Descriptor, DynStreamingIterator,
        FallibleStreamingIterator, SchemaDescriptor, Version, WriteOptions,
    },
};
use eventstore_api::RecordedEvent;
use parking_lot::Mutex;
use parquet_format_safe::{DataPageHeaderV2, Statistics};
use zstd::bulk::Compressor;

use crate::{
    directory::{ColumnPages, PagePlace},
    encode::{self, Values},
    error::ParquetError,
    held::Held,
    schema::COLUMN_COUNT,
    statistics,
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
    /// What the file says of the values of each column.
    columns: Vec<Descriptor>,
}

impl PageCutter {
    pub(crate) fn new(compression_level: i32, schema: &SchemaDescriptor) -> Result<Self, ParquetError> {
        let zstd = Compressor::new(compression_level).map_err(ParquetError::not_written)?;
        let columns = schema.columns().iter().map(|column| column.descriptor.clone()).collect();
        Ok(Self { zstd, columns })
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
                // What the writer says of the whole column it gathers from its pages: one of them says it all.
                let statistics = if page == 0 { statistics::of(number, events) } else { None };
                pages.push(self.page(number, values, of_page.len(), statistics)?);
            }
        }
        Ok(all)
    }

    fn page(
        &mut self,
        column: usize,
        values: Values,
        rows: usize,
        statistics: Option<Statistics>,
    ) -> Result<CompressedPage, ParquetError> {
        let Some(descriptor) = self.columns.get(column) else {
            return Err(ParquetError::not_written("there are more columns than fields"));
        };
        let Values { layout, count, nulls, repetition_levels, definition_levels, bytes } = values;
        let compressed = self.zstd.compress(&bytes).map_err(ParquetError::not_written)?;
        let is_worth_it = compressed.len() < bytes.len() / WORTH.1 * WORTH.0;
        let header = DataPageHeaderV2 {
            num_values: length(count)?,
            num_nulls: length(nulls)?,
            num_rows: length(rows)?,
            encoding: layout,
            definition_levels_byte_length: length(definition_levels.len())?,
            repetition_levels_byte_length: length(repetition_levels.len())?,
            is_compressed: Some(is_worth_it),
            statistics,
        };
        let uncompressed = repetition_levels.len() + definition_levels.len() + bytes.len();
        let mut page = repetition_levels;
        page.extend_from_slice(&definition_levels);
        page.extend_from_slice(if is_worth_it { &compressed } else { &bytes });
        let (header, zstd) = (DataPageHeader::V2(header), WRITE_OPTIONS.compression.into());
        let page = CompressedDataPage::new(header, page, zstd, uncompressed, descriptor.clone(), Some(rows));
        Ok(CompressedPage::Data(page))
    }
}

/// What the file is told of its pages, which are made and compressed here.
pub(crate) const WRITE_OPTIONS: WriteOptions = WriteOptions {
    write_statistics: false,
    version: Version::V2,
    compression: CompressionOptions::Zstd(None),
    data_pagesize_limit: None,
};

fn length(count: usize) -> Result<i32, ParquetError> {
    i32::try_from(count).map_err(ParquetError::not_written)
}

/// The pages of a column on their way to the file. Where each was written shows when the next one is asked for.
struct Measuring {
    pages: vec::IntoIter<CompressedPage>,
    page: Option<CompressedPage>,
    file: Held,
    written: Arc<Mutex<ColumnPages>>,
    places: Vec<PagePlace>,
}

/// The pages of a column for the file to take, and where it has written them, when it has.
pub(crate) fn measuring(pages: Vec<CompressedPage>, file: &Held) -> (Pages, Arc<Mutex<ColumnPages>>) {
    let written = Arc::new(Mutex::new(ColumnPages::default()));
    let pages = Measuring {
        places: Vec::with_capacity(pages.len()),
        pages: pages.into_iter(),
        page: None,
        file: file.clone(),
        written: Arc::clone(&written),
    };
    (DynStreamingIterator::new(pages), written)
}

impl FallibleStreamingIterator for Measuring {
    type Item = CompressedPage;
    type Error = arrow2::error::Error;

    fn advance(&mut self) -> Result<(), Self::Error> {
        let (bytes, checksum) = self.file.measure();
        match &self.page {
            // What was written before belongs to others.
            None => self.written.lock().offset = self.file.bytes(),
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
