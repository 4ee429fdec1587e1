//! Texts of a page, left where they are: after their lengths (`PLAIN`).
//!
//! As with other values, what makes no sense is `None`.

use std::ops::Range;

use bytes::Bytes;

use crate::error::ParquetError;

/// Texts, or bytes, one after the other, each after its length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    bytes: Bytes,
    /// Where the text of each row begins, behind its length. Empty when no row has one.
    starts: Vec<u32>,
}

/// Where a row has no text. Pages are shorter.
const NOTHING: u32 = u32::MAX;
/// How many bytes the length of a text takes.
const LENGTH_BYTES: usize = size_of::<u32>();

/// Adds a text behind others.
pub(crate) fn put(text: &[u8], bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
    let length = u32::try_from(text.len()).map_err(ParquetError::not_written)?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text);
    Ok(())
}

impl Texts {
    /// One for every row.
    pub(crate) fn of_all(bytes: Bytes, rows: usize) -> Option<Self> {
        let starts = starts(&bytes, rows)?;
        Some(Self { bytes, starts })
    }

    /// One for each row that has one.
    pub(crate) fn of_some(bytes: Bytes, has_text: &[bool]) -> Option<Self> {
        let count = has_text.iter().filter(|it| **it).count();
        let mut dense = starts(&bytes, count)?.into_iter();
        let starts = has_text.iter().map(|has| if *has { dense.next() } else { Some(NOTHING) });
        Some(Self { starts: starts.collect::<Option<_>>()?, bytes })
    }

    /// The bytes of a row, if it has any.
    pub(crate) fn get(&self, row: usize) -> Option<&[u8]> {
        self.bytes.get(self.range(row)?)
    }

    /// The same, shared.
    pub(crate) fn share(&self, row: usize) -> Option<Bytes> {
        let range = self.range(row)?;
        (range.end <= self.bytes.len()).then(|| self.bytes.slice(range))
    }

    pub(crate) fn has(&self, row: usize) -> bool {
        self.starts.get(row).is_some_and(|start| *start != NOTHING)
    }

    /// How many bytes each of these texts keeps in memory.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    fn range(&self, row: usize) -> Option<Range<usize>> {
        let start = self.starts.get(row).filter(|start| **start != NOTHING)?;
        let start = usize::try_from(*start).ok()?;
        let length = self.bytes.get(start.checked_sub(LENGTH_BYTES)?..start)?;
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
        Some(start..start.checked_add(length)?)
    }
}

/// Where each of so many texts begins, which fill the bytes.
fn starts(bytes: &[u8], count: usize) -> Option<Vec<u32>> {
    let mut starts = Vec::with_capacity(count);
    let mut at = 0_usize;
    for _ in 0..count {
        let length = bytes.get(at..)?.first_chunk::<LENGTH_BYTES>()?;
        at += LENGTH_BYTES;
        starts.push(u32::try_from(at).ok()?);
        at = at.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    }
    (at == bytes.len()).then_some(starts)
}

/// Of each row a list of texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    texts: Texts,
    /// Where the list of each row begins and that of the one before ends, one more than rows. Empty when all are empty.
    bounds: Vec<u32>,
}

impl Lists {
    /// By the levels of Parquet: whether a value goes on with the list of the value before it, and whether there is one at all.
    pub(crate) fn of(bytes: Bytes, goes_on: &[bool], is_text: &[bool], rows: usize) -> Option<Self> {
        let mut bounds = Vec::with_capacity(rows + 1);
        let mut texts = 0;
        for (goes_on, is_text) in goes_on.iter().zip(is_text) {
            if !goes_on {
                bounds.push(texts);
            }
            texts += u32::from(*is_text);
        }
        bounds.push(texts);
        let begins = goes_on.first().is_none_or(|goes_on| !goes_on);
        let texts = Texts::of_all(bytes, usize::try_from(texts).ok()?)?;
        (begins && bounds.len() == rows + 1).then_some(Self { texts, bounds })
    }

    /// The texts of a row.
    pub(crate) fn get(&self, row: usize) -> impl ExactSizeIterator<Item = Option<&[u8]>> {
        let bound = |number| self.bounds.get(number).copied().unwrap_or_default();
        let (start, end) = (bound(row), bound(row + 1));
        (start..end).map(|number| self.texts.get(usize::try_from(number).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn texts_fill_their_bytes() {
        let bytes = Bytes::from_static(b"\x02\0\0\0ab\0\0\0\0");
        let texts = Texts::of_some(bytes.clone(), &[false, true, true]).unwrap();
        assert_eq!(
            [texts.get(0), texts.get(1), texts.get(2), texts.get(3)],
            [None, Some(&b"ab"[..]), Some(b""), None]
        );
        assert!(Texts::of_all(bytes.clone(), 1).is_none() && Texts::of_all(bytes.clone(), 3).is_none());
        assert!(Texts::of_all(bytes.slice(..9), 2).is_none());
    }

    #[test]
    fn lists_begin_with_a_row() {
        let bytes = Bytes::from_static(b"\x01\0\0\0a\x01\0\0\0b");
        let lists = Lists::of(bytes.clone(), &[false, false, true], &[false, true, true], 2).unwrap();
        assert_eq!(lists.get(0).count(), 0);
        assert_eq!(lists.get(1).collect::<Vec<_>>(), [Some(&b"a"[..]), Some(b"b")]);
        assert!(Lists::of(bytes.clone(), &[true, true], &[true, true], 1).is_none());
        assert!(Lists::of(bytes, &[false, true], &[true, true], 2).is_none());
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_each_text_is_in_them_or_there_are_none(
            bytes in vec(prop_oneof![Just(0), any::<u8>()], 0..80),
            count in 0..20_usize,
            levels in vec(any::<(bool, bool)>(), 0..20),
        ) {
            let bytes = Bytes::from(bytes);
            if let Some(texts) = Texts::of_all(bytes.clone(), count) {
                prop_assert!((0..count).all(|row| texts.get(row).is_some() && texts.share(row).is_some()));
            }
            let (goes_on, is_text): (Vec<_>, Vec<_>) = levels.into_iter().unzip();
            if let Some(lists) = Lists::of(bytes, &goes_on, &is_text, count) {
                let texts = (0..count).flat_map(|row| lists.get(row));
                prop_assert_eq!(texts.flatten().count(), is_text.iter().filter(|it| **it).count());
            }
        }
    }
}
