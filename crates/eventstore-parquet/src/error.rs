use std::{fmt::Display, io};

use eventstore_api::{GlobalPosition, StoreError};

/// Why events could not be written to a Parquet file, or read from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParquetError {
    /// What the file is read from or written to has failed.
    #[error("cannot read or write the Parquet file")]
    Io(#[from] io::Error),
    /// It is no Parquet file, or one that holds no events in the form of this crate.
    #[error("it is no Parquet file of events: {detail}")]
    Foreign {
        /// What is not as it should be.
        detail: String,
    },
    /// A later version of this crate has written it.
    #[error("it is in format {found}, and this version reads format {known} at most")]
    TooNew {
        /// The format of the file.
        found: u32,
        /// The latest one that is known here.
        known: u32,
    },
    /// It is not what was written.
    #[error("the Parquet file is damaged: {detail}")]
    Damaged {
        /// What is wrong.
        detail: String,
    },
    /// Events are written in the order of their positions.
    #[error("an event at position {position} cannot follow one at position {before}")]
    OutOfOrder {
        /// Of the event.
        position: GlobalPosition,
        /// Of the event before it.
        before: GlobalPosition,
    },
    /// Events could not be brought into the form of Parquet.
    #[error("events cannot be written as Parquet: {detail}")]
    NotWritten {
        /// What keeps them from it.
        detail: String,
    },
}

impl ParquetError {
    /// The same as an error of a store, which knows what the file is called.
    ///
    /// ```
    /// use eventstore_api::StoreError;
    /// use eventstore_parquet::ParquetReader;
    ///
    /// let error = ParquetReader::open(std::io::Cursor::new(b"no such thing")).unwrap_err();
    /// assert!(matches!(error.of("00001.parquet"), StoreError::Corrupted { place, .. } if place == "00001.parquet"));
    /// ```
    #[must_use]
    pub fn of(self, file: impl Into<String>) -> StoreError {
        match self {
            Self::Foreign { .. } | Self::Damaged { .. } => {
                StoreError::Corrupted { place: file.into(), detail: self.to_string() }
            }
            _ => StoreError::storage(self),
        }
    }

    pub(crate) fn damaged(detail: impl ToString) -> Self {
        Self::Damaged { detail: detail.to_string() }
    }

    /// The same, where damage says in which part it is.
    pub(crate) fn within(self, part: impl Display) -> Self {
        match self {
            Self::Damaged { detail } => Self::Damaged { detail: format!("{part}: {detail}") },
            other => other,
        }
    }

    pub(crate) fn foreign(detail: impl ToString) -> Self {
        Self::Foreign { detail: detail.to_string() }
    }

    pub(crate) fn not_written(detail: impl ToString) -> Self {
        Self::NotWritten { detail: detail.to_string() }
    }
}
