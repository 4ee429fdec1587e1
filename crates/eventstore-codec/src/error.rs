use std::error::Error;

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
}
