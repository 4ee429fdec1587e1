use std::fmt;

use serde::Serialize;

/// One place where what is written by one schema is not read by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The JSON pointer of the field in a payload: empty for the payload as a whole, `*` for every element of a list and every
    /// value of a map.
    pub path: String,
    /// What is wrong with it.
    #[serde(flatten)]
    pub reason: Reason,
}

/// Why what is written at a place is not read there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It is required by who reads, and never written.
    RequiredAndNotWritten,
    /// It is required by who reads, and left out by who writes, now and then.
    RequiredAndOptional,
    /// It is written, and who reads denies fields that it does not know.
    FieldDenied,
    /// It is written, and not among the fields of that version where it is read.
    FieldUnknown,
    /// It is written, and so is another field that is read as the same one.
    FieldTwice {
        /// The other.
        other: String,
    },
    /// It is written as another type than it is read as.
    TypeChanged {
        /// The types that are written.
        written: String,
        /// The types that are read.
        read: String,
    },
    /// It may be written as null, which is not read.
    NullNotRead,
    /// A value is written that is not among those which are read.
    ValueNotRead {
        /// The value, as JSON.
        value: String,
    },
    /// Any value of its type is written, and only some are read.
    OnlySomeValuesRead {
        /// Those that are read, as JSON.
        read: Vec<String>,
    },
    /// An alternative is written that who reads does not know: a variant of an enum.
    VariantNotRead {
        /// Its name.
        variant: String,
    },
    /// More numbers are written than are read.
    RangeNarrowed {
        /// Those that are written.
        written: String,
        /// Those that are read.
        read: String,
    },
    /// More lengths are written than are read, of a text in characters or of a list in elements.
    LengthNarrowed {
        /// Those that are written.
        written: String,
        /// Those that are read.
        read: String,
    },
    /// What is read has a format that what is written need not have.
    FormatChanged {
        /// The format that is written; none where there is none.
        written: Option<String>,
        /// The format that is read.
        read: String,
    },
    /// A list is written in which elements may be the same, and is read as one in which they may not.
    RepeatsNotRead,
    /// It cannot be told from the schemas whether it is read.
    Undecided {
        /// What stands in the way.
        because: String,
    },
}

impl Finding {
    pub(super) fn new(path: &str, reason: Reason) -> Self {
        Self { path: path.to_owned(), reason }
    }

    /// Whether it says no more than that it cannot be told.
    #[must_use]
    pub const fn is_undecided(&self) -> bool {
        matches!(self.reason, Reason::Undecided { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the payload {}", self.reason),
            path => write!(f, "`{path}` {}", self.reason),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequiredAndNotWritten => f.write_str("is required to read it, and was never written"),
            Self::RequiredAndOptional => f.write_str("is required to read it, and is not always written"),
            Self::FieldDenied => f.write_str("is written, and unknown fields are denied where it is read"),
            Self::FieldUnknown => f.write_str("is written, and is no field of that version where it is read"),
            Self::FieldTwice { other } => {
                write!(f, "is written beside `{other}`, and both are read as the same field")
            }
            Self::TypeChanged { written, read } => write!(f, "is written as {written} and read as {read}"),
            Self::NullNotRead => f.write_str("may be written as null, which is not read"),
            Self::ValueNotRead { value } => write!(f, "may be written as {value}, which is not read"),
            Self::OnlySomeValuesRead { read } => {
                write!(f, "may be written as any value, and is read only as {}", read.join(", "))
            }
            Self::VariantNotRead { variant } => {
                write!(f, "may be written as the variant `{variant}`, which is not known where it is read")
            }
            Self::RangeNarrowed { written, read } => {
                write!(f, "is written as a number {written} and read as one {read}")
            }
            Self::LengthNarrowed { written, read } => {
                write!(f, "is written with a length {written} and read with one {read}")
            }
            Self::FormatChanged { written: Some(written), read } => {
                write!(f, "is written in the format `{written}` and read in the format `{read}`")
            }
            Self::FormatChanged { written: None, read } => {
                write!(f, "is written in any format and read in the format `{read}`")
            }
            Self::RepeatsNotRead => {
                f.write_str("is written with elements that may be the same, and read without such")
            }
            Self::Undecided { because } => write!(f, "may or may not be readable: {because}"),
        }
    }
}
