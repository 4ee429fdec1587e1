use std::{fmt, io, sync::Arc};

use super::Section;

/// Why a sidecar is of no use. All but [`SidecarError::Io`] are settled by rebuilding it from its segment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SidecarError {
    /// The disk failed, or there is no such file.
    #[error("the index {file} cannot be read")]
    Io {
        /// Which file.
        file: Arc<str>,
        /// What the disk says.
        source: io::Error,
    },
    /// The bytes are not those that were written.
    #[error("the index {file} is damaged in {part}: {detail}")]
    Damaged {
        /// Which file.
        file: Arc<str>,
        /// Where in it.
        part: Part,
        /// What is wrong.
        detail: &'static str,
    },
    /// It was written by a version of this crate that this one does not know.
    #[error("the index {file} has format version {version}, this version reads 1")]
    UnknownVersion {
        /// Which file.
        file: Arc<str>,
        /// Its format version.
        version: u32,
    },
    /// It belongs to another store.
    #[error("the index {file} belongs to another store")]
    OtherStore {
        /// Which file.
        file: Arc<str>,
    },
    /// It belongs to another segment.
    #[error("the index {file} belongs to segment {segment}")]
    OtherSegment {
        /// Which file.
        file: Arc<str>,
        /// The segment it belongs to.
        segment: u64,
    },
}

impl From<SidecarError> for io::Error {
    fn from(error: SidecarError) -> Self {
        match error {
            SidecarError::Io { source, .. } if source.kind() == io::ErrorKind::WouldBlock => source,
            SidecarError::Io { ref source, .. } => Self::new(source.kind(), error),
            _ => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

/// A part of a sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The header.
    Header,
    /// A section.
    Section(Section),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("its header"),
            Self::Section(section) => write!(f, "section {} ({section})", section.number()),
        }
    }
}
