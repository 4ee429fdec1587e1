//! What a file holds, in pages that all copies of it share until one of them is changed.

#![expect(clippy::indexing_slicing, reason = "`pieces` never leaves a page, nor the bytes it was asked for")]

use std::{fmt, ops::Range, sync::Arc};

/// The bytes of a page: the unit of sharing and of allocation. Sectors divide it.
pub(super) const PAGE: usize = 4096;

pub(super) type Page = [u8; PAGE];

/// Bytes and a length. Beyond the length, and in pages that are not there, everything is zero.
#[derive(Clone, Default)]
pub(super) struct Image {
    pages: Vec<Option<Arc<Page>>>,
    length: usize,
}

impl Image {
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The bytes that take up room on the disk. Holes take none.
    pub(super) fn allocated(&self) -> usize {
        self.pages.iter().flatten().count() * PAGE
    }

    pub(super) fn page(&self, index: usize) -> Option<&Arc<Page>> {
        self.pages.get(index)?.as_ref()
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: usize) -> usize {
        let wanted = buffer.len().min(self.length.saturating_sub(offset));
        for piece in pieces(offset, wanted) {
            let target = &mut buffer[piece.at];
            match self.page(piece.page) {
                Some(page) => target.copy_from_slice(&page[piece.within]),
                None => target.fill(0),
            }
        }
        wanted
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        for piece in pieces(offset, bytes.len()) {
            self.page_mut(piece.page)[piece.within].copy_from_slice(&bytes[piece.at]);
        }
        if !bytes.is_empty() {
            self.length = self.length.max(offset + bytes.len());
        }
    }

    /// How many of these bytes can be written before more than `room` bytes have to be allocated.
    pub(super) fn fitting(&self, offset: usize, length: usize, mut room: usize) -> usize {
        for piece in pieces(offset, length) {
            if self.page(piece.page).is_none() {
                if room < PAGE {
                    return piece.at.start;
                }
                room -= PAGE;
            }
        }
        length
    }

    pub(super) fn set_length(&mut self, length: usize) {
        if length < self.length {
            self.cut(length);
        }
        self.length = length;
    }

    /// Makes everything from here on zero, whatever the length.
    pub(super) fn cut(&mut self, from: usize) {
        self.pages.truncate(from.div_ceil(PAGE));
        if let Some(Some(page)) = self.pages.get_mut(from / PAGE)
            && page[from % PAGE..].iter().any(|byte| *byte != 0)
        {
            Arc::make_mut(page)[from % PAGE..].fill(0);
        }
    }

    /// Takes over these bytes, which lie in one page, from another version of it.
    pub(super) fn take(&mut self, bytes: Range<usize>, version: &Page) {
        for piece in pieces(bytes.start, bytes.len()) {
            let source = &version[piece.within.clone()];
            self.page_mut(piece.page)[piece.within].copy_from_slice(source);
        }
    }

    /// Whether these bytes, which lie in one page, are the same in another version of it.
    pub(super) fn agrees(&self, bytes: Range<usize>, version: &Page) -> bool {
        pieces(bytes.start, bytes.len()).all(|piece| match self.page(piece.page) {
            Some(page) => page[piece.within.clone()] == version[piece.within],
            None => version[piece.within].iter().all(|byte| *byte == 0),
        })
    }

    pub(super) fn flip(&mut self, offset: usize, bit: u8) {
        if offset < self.length {
            self.page_mut(offset / PAGE)[offset % PAGE] ^= 1 << (bit % 8);
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length];
        self.read(&mut bytes, 0);
        bytes
    }

    /// Every page that is not zero, with its number.
    pub(super) fn contents(&self) -> impl Iterator<Item = (usize, &Page)> {
        let there =
            self.pages.iter().enumerate().filter_map(|(index, page)| Some((index, &**page.as_ref()?)));
        there.filter(|(_, page)| page.iter().any(|byte| *byte != 0))
    }

    fn page_mut(&mut self, index: usize) -> &mut Page {
        if self.pages.len() <= index {
            self.pages.resize(index + 1, None);
        }
        Arc::make_mut(self.pages[index].get_or_insert_with(|| Arc::new([0; PAGE])))
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

/// A run of bytes within one page.
struct Piece {
    page: usize,
    within: Range<usize>,
    at: Range<usize>,
}

fn pieces(offset: usize, length: usize) -> impl Iterator<Item = Piece> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let from = offset + done;
        let taken = (PAGE - from % PAGE).min(length - done);
        let piece =
            Piece { page: from / PAGE, within: from % PAGE..from % PAGE + taken, at: done..done + taken };
        done += taken;
        (taken > 0).then_some(piece)
    })
}
