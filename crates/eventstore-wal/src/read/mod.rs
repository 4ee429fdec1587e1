//! Reading what is published, without the writer.

mod all;
mod retained;
mod stream;

use bytes::Bytes;

pub(crate) use all::read_all;
pub(crate) use stream::read_stream;

use crate::{damage::Failure, index::Wait, segment::Segment};

/// How a reader reads from a segment.
fn from_file(wait: Wait) -> impl FnMut(&Segment, u64, usize) -> Result<Bytes, Failure> {
    move |segment, offset, length| segment.read(offset, length, wait)
}

/// What to say where the index of a segment cannot be read.
fn unreadable_index(segment: &Segment) -> impl FnOnce(std::io::Error) -> Failure {
    Failure::io(|| format!("cannot read the index of {}", segment.described))
}
