//! One page of a column: held against its checksum, taken apart, decompressed.

use parquet_format_safe::{Encoding, PageHeader, PageType, thrift::protocol::TCompactInputProtocol};
use zstd::bulk::Decompressor;

use crate::{directory::PagePlace, error::ParquetError, wall::decoding};

/// More than a page that was written holds by far: payloads of a row group are bounded, and so is each event.
const MOST_BYTES: usize = 1 << 30;

/// What a page holds, its values still compressed.
pub(crate) struct Page<'b> {
    pub(crate) encoding: Encoding,
    /// How many values there are, with those that are null.
    pub(crate) count: usize,
    pub(crate) nulls: usize,
    pub(crate) repetition_levels: &'b [u8],
    pub(crate) definition_levels: &'b [u8],
    values: &'b [u8],
    /// Of the values, in bytes, once they are decompressed.
    size: usize,
    is_compressed: bool,
}

impl<'b> Page<'b> {
    /// The page of so many rows that is in these bytes.
    pub(crate) fn of(bytes: &'b [u8], place: &PagePlace, rows: usize) -> Result<Self, ParquetError> {
        if crc32fast::hash(bytes) != place.checksum {
            return Err(ParquetError::damaged("its checksum is wrong"));
        }
        let mut body = bytes;
        let header = decoding(|| {
            let mut input = TCompactInputProtocol::new(&mut body, bytes.len());
            PageHeader::read_from_in_protocol(&mut input)
        })?
        .map_err(ParquetError::damaged)?;
        Self::parts(&header, body, rows).ok_or_else(|| ParquetError::damaged("its header does not fit it"))
    }

    fn parts(header: &PageHeader, body: &'b [u8], rows: usize) -> Option<Self> {
        let what = header.data_page_header_v2.as_ref()?;
        let size = |bytes: i32| usize::try_from(bytes).ok();
        let (repetition_levels, rest) = body.split_at_checked(size(what.repetition_levels_byte_length)?)?;
        let (definition_levels, values) = rest.split_at_checked(size(what.definition_levels_byte_length)?)?;
        let levels = repetition_levels.len() + definition_levels.len();
        let page = Self {
            encoding: what.encoding,
            count: size(what.num_values)?,
            nulls: size(what.num_nulls)?,
            repetition_levels,
            definition_levels,
            values,
            size: size(header.uncompressed_page_size)?.checked_sub(levels)?,
            is_compressed: what.is_compressed != Some(false),
        };
        let fits = header.type_ == PageType::DATA_PAGE_V2
            && size(header.compressed_page_size)? == body.len()
            && size(what.num_rows)? == rows
            && page.nulls <= page.count
            && page.size <= MOST_BYTES
            // There is one for each row, or more where they are texts of lists, each after its length.
            && page.count <= rows + page.size / 4;
        fits.then_some(page)
    }
}

/// Decompresses page after page.
pub(crate) struct Decompression {
    zstd: Decompressor<'static>,
    /// Of pages that are of no use once they are decoded.
    scratch: Vec<u8>,
}

impl Decompression {
    pub(crate) fn new() -> Self {
        Self { zstd: Decompressor::default(), scratch: Vec::new() }
    }

    /// The values of a page, until the next one.
    pub(crate) fn passing(&mut self, page: &Page<'_>) -> Result<&[u8], ParquetError> {
        decompress(&mut self.zstd, page, &mut self.scratch)?;
        Ok(&self.scratch)
    }

    /// The values of a page, to keep.
    pub(crate) fn lasting(&mut self, page: &Page<'_>) -> Result<Vec<u8>, ParquetError> {
        let mut values = Vec::new();
        decompress(&mut self.zstd, page, &mut values)?;
        Ok(values)
    }
}

fn decompress(
    zstd: &mut Decompressor<'_>,
    page: &Page<'_>,
    values: &mut Vec<u8>,
) -> Result<(), ParquetError> {
    values.clear();
    if page.is_compressed {
        values.reserve_exact(page.size);
        zstd.decompress_to_buffer(page.values, values).map_err(ParquetError::damaged)?;
    } else {
        values.extend_from_slice(page.values);
    }
    if values.len() == page.size {
        Ok(())
    } else {
        Err(ParquetError::damaged("it is not as long as it says"))
    }
}
