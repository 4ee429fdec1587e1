use std::fmt;

use crate::{Result, StoreError, StreamId};

/// The place of an event in its stream: 1 for the first, and [`Version::NONE`] (0) for a stream without events.
///
/// ```
/// use eventstore_api::Version;
///
/// let first = Version::NONE.next();
/// assert_eq!(first, Version::new(1));
/// assert!(first < first.next());
/// assert_eq!(first.to_string(), "1");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// The version of a stream that holds no events.
    pub const NONE: Self = Self(0);
    /// Beyond every version: where a backward read of a whole stream starts.
    pub const MAX: Self = Self(u64::MAX);

    /// The version with this number.
    #[must_use]
    pub const fn new(version: u64) -> Self {
        Self(version)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after this one; [`Version::MAX`] stays where it is.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The version `count` events after this one, at most [`Version::MAX`].
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl From<u64> for Version {
    fn from(version: u64) -> Self {
        Self(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The optimistic-concurrency guard of an append: what must be true of a stream for the append to happen.
///
/// ```
/// use eventstore_api::{ExpectedVersion, Version};
///
/// let read_at = Version::new(3);
/// let guard = ExpectedVersion::Exact(read_at);
/// assert!(guard.is_met_by(Version::new(3)));
/// assert!(!guard.is_met_by(Version::new(4)));   // somebody was faster
/// assert!(ExpectedVersion::NoStream.is_met_by(Version::NONE));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExpectedVersion {
    /// No guard.
    #[default]
    Any,
    /// The stream must hold no events.
    NoStream,
    /// The stream must hold at least one event.
    StreamExists,
    /// The stream's last event must have this version; `Exact(Version::NONE)` means the same as [`Self::NoStream`].
    Exact(Version),
}

impl ExpectedVersion {
    /// Whether a stream whose last event has version `actual` may be appended to.
    #[must_use]
    pub fn is_met_by(self, actual: Version) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => actual == Version::NONE,
            Self::StreamExists => actual != Version::NONE,
            Self::Exact(expected) => actual == expected,
        }
    }

    /// Refuses an append where this guard on `stream`, whose last event has version `actual`, does not hold. For backends.
    ///
    /// ```
    /// use eventstore_api::{ExpectedVersion, StoreError, StreamId, Version};
    ///
    /// let account = StreamId::new("account-7")?;
    /// assert!(ExpectedVersion::NoStream.check(&account, Version::NONE).is_ok());
    /// let refused = ExpectedVersion::NoStream.check(&account, Version::new(3));
    /// assert!(matches!(refused, Err(StoreError::WrongExpectedVersion { actual, .. }) if actual == Version::new(3)));
    /// # Ok::<(), eventstore_api::InvalidInput>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongExpectedVersion`] with all of it.
    pub fn check(self, stream: &StreamId, actual: Version) -> Result<()> {
        if self.is_met_by(actual) {
            return Ok(());
        }
        Err(StoreError::WrongExpectedVersion { stream: stream.clone(), expected: self, actual })
    }
}

impl fmt::Display for ExpectedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any version"),
            Self::NoStream => f.write_str("no stream"),
            Self::StreamExists => f.write_str("an existing stream"),
            Self::Exact(version) => write!(f, "version {version}"),
        }
    }
}
