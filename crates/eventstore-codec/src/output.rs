//! Writes one value after the other behind the bytes that a buffer holds already.

use bincode::{
    Encode,
    enc::{EncoderImpl, write::Writer},
};

use crate::format::{CONFIG, Config};

/// The end of a buffer.
pub(crate) struct Output<'a>(EncoderImpl<Buffer<'a>, Config>);

struct Buffer<'a>(&'a mut Vec<u8>);

impl<'a> Output<'a> {
    pub(crate) fn new(buffer: &'a mut Vec<u8>) -> Self {
        Self(EncoderImpl::new(Buffer(buffer), CONFIG))
    }

    /// Integers, text, bytes and arrays of bytes: what bincode can always encode.
    #[expect(
        clippy::expect_used,
        reason = "the buffer takes every byte, and bincode refuses none of these types"
    )]
    pub(crate) fn put<T: Encode + ?Sized>(&mut self, value: &T) {
        value.encode(&mut self.0).expect("the buffer takes every byte");
    }
}

impl Writer for Buffer<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
