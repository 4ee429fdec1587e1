use std::fmt;

/// How a payload's bytes are to be understood: one number, kept with every event and snapshot.
///
/// Backends store it and do not interpret it, except that they may keep [`Encoding::JSON`] in a form in which people can
/// query it. Numbers below 128 are reserved for this project; an application may give the others a meaning of its own.
///
/// ```
/// use eventstore_api::Encoding;
///
/// assert_eq!(Encoding::JSON.to_string(), "json");
/// assert_eq!(Encoding::new(200).to_string(), "encoding 200");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Encoding(u8);

impl Encoding {
    /// Bytes without a declared form.
    pub const BINARY: Self = Self(0);
    /// JSON in UTF-8.
    pub const JSON: Self = Self(1);
    /// bincode, in the form that `eventstore-codec` defines.
    pub const BINCODE: Self = Self(2);

    /// The encoding with this number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BINARY => f.write_str("binary"),
            Self::JSON => f.write_str("json"),
            Self::BINCODE => f.write_str("bincode"),
            Self(number) => write!(f, "encoding {number}"),
        }
    }
}
