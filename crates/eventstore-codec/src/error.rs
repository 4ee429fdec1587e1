use std::error::Error;

use eventstore_api::{Field, InvalidInput};

/// Why a value has no binary form.
#[derive(Debug, thiserror::Error)]
#[error("the value has no binary form")]
pub struct EncodeError {
    pub(crate) source: Box<dyn Error + Send + Sync>,
}

/// Why bytes are not the binary form of the value that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes, not even the one that names the format.
    #[error("there are no bytes, not even the format byte")]
    Empty,
    /// The first byte names no format that this version knows.
    #[error("format {found} is unknown; this version reads format {known}, a newer one may read more")]
    UnknownFormat {
        /// The byte that is there.
        found: u8,
        /// The format that this version knows.
        known: u8,
    },
    /// The bytes do not describe a value of the type.
    #[error("the bytes do not describe such a value")]
    Malformed {
        /// What is wrong with them.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The value ends before the bytes do.
    #[error("{count} bytes are left over after the value")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A part of a log or snapshot cannot be read: the bytes end before it does, or are none.
    #[error("the bytes from byte {at} on are not {what}")]
    Unreadable {
        /// What should stand there.
        what: &'static str,
        /// Where, counted from the first of the bytes that were to be decoded.
        at: usize,
        /// What is wrong with them.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A part can be read, but the contract does not allow it: a name that is none, or more than there can be.
    #[error("what stands at byte {at} is not legal")]
    Illegal {
        /// Where, counted from the first of the bytes that were to be decoded.
        at: usize,
        /// Which rule it breaks.
        source: InvalidInput,
    },
    /// Metadata or tags are not sorted, or hold one twice: they were not written here.
    #[error("an entry of the {what}, at byte {at}, is not greater than the one before it")]
    OutOfOrder {
        /// What is not in order.
        what: Field,
        /// Where the first one that is not stands, counted from the first of the bytes that were to be decoded.
        at: usize,
    },
    /// An append names a stream without events for it.
    #[error("the number of events of a stream, at byte {at}, is zero")]
    NoEvents {
        /// Where, counted from the first of the bytes that were to be decoded.
        at: usize,
    },
    /// An event was asked for when all of the stream had been read, or before a stream was asked for.
    #[error("no event of a stream is left at byte {at}; ask for the next stream")]
    NoEventLeft {
        /// Where, counted from the first of the bytes that were to be decoded.
        at: usize,
    },
}

impl DecodeError {
    /// The same error about a name that stands at byte `start` of something larger.
    pub(crate) fn further(self, start: usize) -> Self {
        match self {
            Self::Illegal { at, source } => Self::Illegal { at: start + at, source },
            other => other,
        }
    }
}
