//! Where in the file each page is, and what its bytes sum up to.

use std::ops::{Range, RangeInclusive};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{footer::Summary, schema::COLUMN_COUNT};

/// How many events a page may hold by the format.
const PAGE_EVENTS_RANGE: RangeInclusive<u64> = 1..=1 << 20;

/// The pages of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageDirectory {
    /// How many events a page holds; the last one of a row group holds what is left.
    pub(crate) page_events: u64,
    groups: Vec<[ColumnPages; COLUMN_COUNT]>,
}

/// The pages of one column of a row group, which stand one behind the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnPages {
    /// Where the first begins, in bytes of the file.
    pub(crate) offset: u64,
    pub(crate) pages: Box<[PagePlace]>,
}

/// One page of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PagePlace {
    /// In bytes, with its header.
    pub(crate) length: u32,
    /// CRC-32 (IEEE) of these bytes.
    pub(crate) checksum: u32,
}

impl ColumnPages {
    /// The bytes of the file that hold some of the pages; all of them have to be there.
    pub(crate) fn bytes_of(&self, pages: Range<usize>) -> Option<Range<u64>> {
        let length = |pages: &[PagePlace]| pages.iter().map(|page| u64::from(page.length)).sum::<u64>();
        let start = self.offset.checked_add(length(self.pages.get(..pages.start)?))?;
        Some(start..start.checked_add(length(self.pages.get(pages)?))?)
    }

    pub(crate) fn bytes(&self) -> Option<Range<u64>> {
        self.bytes_of(0..self.pages.len())
    }
}

impl PageDirectory {
    pub(crate) fn new(page_events: u64) -> Self {
        Self { page_events, groups: Vec::new() }
    }

    pub(crate) fn push(&mut self, group: [ColumnPages; COLUMN_COUNT]) {
        self.groups.push(group);
    }

    pub(crate) fn group(&self, number: usize) -> Option<&[ColumnPages; COLUMN_COUNT]> {
        self.groups.get(number)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &[ColumnPages; COLUMN_COUNT]> {
        self.groups.iter()
    }

    /// As the file says it: numbers little-endian, in base64.
    pub(crate) fn to_text(&self) -> String {
        let mut bytes = self.page_events.to_le_bytes().to_vec();
        for column in self.groups.iter().flatten() {
            bytes.extend_from_slice(&column.offset.to_le_bytes());
            for page in &column.pages {
                bytes.extend_from_slice(&page.length.to_le_bytes());
                bytes.extend_from_slice(&page.checksum.to_le_bytes());
            }
        }
        BASE64_STANDARD.encode(bytes)
    }

    /// What such a text says of a file with this summary; `None` when it is about another one.
    pub(crate) fn from_text(text: &str, summary: &Summary) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        let mut words = Words(&bytes);
        let mut directory = Self::new(words.long().filter(|events| PAGE_EVENTS_RANGE.contains(events))?);
        for group in &summary.row_groups {
            let count = usize::try_from(group.events.div_ceil(directory.page_events)).ok()?;
            let mut columns = <[ColumnPages; COLUMN_COUNT]>::default();
            for column in &mut columns {
                let offset = words.long()?;
                *column = ColumnPages { offset, pages: words.pages(count)? };
            }
            directory.push(columns);
        }
        words.0.is_empty().then_some(directory)
    }
}

/// What is left to be read.
struct Words<'b>(&'b [u8]);

impl Words<'_> {
    fn long(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn pages(&mut self, count: usize) -> Option<Box<[PagePlace]>> {
        let (pages, rest) = self.0.split_at_checked(count.checked_mul(size_of::<u64>())?)?;
        self.0 = rest;
        let (pages, _) = pages.as_chunks::<8>();
        let place = |[a, b, c, d, e, f, g, h]: &[u8; 8]| PagePlace {
            length: u32::from_le_bytes([*a, *b, *c, *d]),
            checksum: u32::from_le_bytes([*e, *f, *g, *h]),
        };
        Some(pages.iter().map(place).collect())
    }
}
