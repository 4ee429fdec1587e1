//! Reads one value after the other out of bytes that are borrowed, and knows at which byte it is.

use bincode::{
    BorrowDecode,
    de::{
        Decoder, DecoderImpl,
        read::{BorrowReader, Reader},
    },
};

use crate::{
    DecodeError,
    format::{CONFIG, Config, body_of},
};

/// What is left of some bytes. A copy is a place to come back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'b> {
    rest: &'b [u8],
    /// How many bytes stand before the rest.
    at: usize,
}

impl<'b> Input<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// What follows the byte that names the format.
    pub(crate) fn after_format(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        Ok(Self { rest: body_of(bytes)?, at: 1 })
    }

    /// How many bytes have been read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes have not.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next value. `what` it is stands in the error; nothing is read then.
    pub(crate) fn read<T: BorrowDecode<'b, ()>>(&mut self, what: &'static str) -> Result<T, DecodeError> {
        let mut decoder: DecoderImpl<Self, Config, ()> = DecoderImpl::new(*self, CONFIG, ());
        match T::borrow_decode(&mut decoder) {
            Ok(value) => {
                *self = *decoder.reader();
                Ok(value)
            }
            Err(source) => Err(unreadable(what, self.at, source)),
        }
    }

    /// The next bytes, behind their length.
    pub(crate) fn bytes(&mut self, what: &'static str) -> Result<&'b [u8], DecodeError> {
        self.read(what)
    }

    /// The next text, behind its length.
    pub(crate) fn text(&mut self, what: &'static str) -> Result<&'b str, DecodeError> {
        self.read(what)
    }
}

#[cold]
fn unreadable(what: &'static str, at: usize, source: bincode::error::DecodeError) -> DecodeError {
    DecodeError::Unreadable { what, at, source: Box::new(source) }
}

impl Reader for Input<'_> {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), bincode::error::DecodeError> {
        bytes.copy_from_slice(self.take_bytes(bytes.len())?);
        Ok(())
    }

    #[inline]
    fn peek_read(&mut self, count: usize) -> Option<&[u8]> {
        self.rest.get(..count)
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        if let Some(rest) = self.rest.get(count..) {
            self.rest = rest;
            self.at += count;
        }
    }
}

impl<'b> BorrowReader<'b> for Input<'b> {
    #[inline]
    fn take_bytes(&mut self, length: usize) -> Result<&'b [u8], bincode::error::DecodeError> {
        match self.rest.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.rest = rest;
                self.at += length;
                Ok(bytes)
            }
            None => Err(bincode::error::DecodeError::UnexpectedEnd { additional: length - self.rest.len() }),
        }
    }
}
