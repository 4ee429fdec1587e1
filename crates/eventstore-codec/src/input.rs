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

/// What decoding a part comes to. The error is boxed until it is given out: a large one would be moved around with every
/// integer, and reading a log is little else than reading integers.
pub(crate) type Decoded<T> = Result<T, Box<DecodeError>>;

/// The greatest integer that bincode writes as one byte, which is the integer.
const MOST_IN_ONE_BYTE: u8 = 250;

/// What is left of some bytes. A copy is a place to come back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'b> {
    rest: &'b [u8],
    /// How many bytes stand before the rest.
    at: usize,
}

impl<'b> Input<'b> {
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

    /// The next integer. `what` it is stands in the error; nothing is read then.
    #[inline]
    pub(crate) fn integer<T>(&mut self, what: &'static str) -> Decoded<T>
    where
        T: BorrowDecode<'b, ()> + From<u8>,
    {
        match self.rest.split_first() {
            // Nearly all of them, and bincode would be called for each.
            Some((&byte, rest)) if byte <= MOST_IN_ONE_BYTE => {
                (self.rest, self.at) = (rest, self.at + 1);
                Ok(T::from(byte))
            }
            _ => self.read(what),
        }
    }

    /// The next bytes, behind their length.
    #[inline]
    pub(crate) fn bytes(&mut self, what: &'static str) -> Decoded<&'b [u8]> {
        let start = *self;
        let length: u64 = self.integer(what)?;
        match usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length)) {
            Some((bytes, rest)) => {
                (self.rest, self.at) = (rest, self.at + bytes.len());
                Ok(bytes)
            }
            None => {
                *self = start;
                self.read(what)
            }
        }
    }

    /// The next text, behind its length.
    #[inline]
    pub(crate) fn text(&mut self, what: &'static str) -> Decoded<&'b str> {
        let start = *self;
        match std::str::from_utf8(self.bytes(what)?) {
            Ok(text) => Ok(text),
            Err(_) => {
                *self = start;
                self.read(what)
            }
        }
    }

    /// The next bytes, whose number is known.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Decoded<[u8; N]> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                (self.rest, self.at) = (rest, self.at + N);
                Ok(*bytes)
            }
            None => self.read(what),
        }
    }

    /// The next value as bincode reads it, which has the last word: on what is long, and on what is wrong.
    #[cold]
    fn read<T: BorrowDecode<'b, ()>>(&mut self, what: &'static str) -> Decoded<T> {
        let mut decoder: DecoderImpl<Self, Config, ()> = DecoderImpl::new(*self, CONFIG, ());
        match T::borrow_decode(&mut decoder) {
            Ok(value) => {
                *self = *decoder.reader();
                Ok(value)
            }
            Err(source) => {
                Err(Box::new(DecodeError::Unreadable { what, at: self.at, source: Box::new(source) }))
            }
        }
    }
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
