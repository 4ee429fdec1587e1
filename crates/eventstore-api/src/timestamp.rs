use std::time::{Duration, SystemTime};

/// A moment, in whole microseconds since 1970-01-01T00:00:00Z (negative before it).
///
/// Microseconds are what every backend can keep without rounding.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use eventstore_api::Timestamp;
///
/// let moment = Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_millis(5));
/// assert_eq!(moment.as_micros(), 5_000);
/// assert_eq!(SystemTime::from(moment), SystemTime::UNIX_EPOCH + Duration::from_millis(5));
/// assert!(Timestamp::now() > moment);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest moment that can be expressed: none lies before it.
    pub const MIN: Self = Self(i64::MIN);

    /// The system clock's time.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The moment this many microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

/// Cuts off what is finer than a microsecond; a time too far away to be expressed becomes the nearest one that can be.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self(i64::try_from(after.as_micros()).unwrap_or(i64::MAX)),
            Err(before) => {
                Self(i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros))
            }
        }
    }
}

/// A moment further away than the system's clock can express becomes the Unix epoch.
impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        let distance = Duration::from_micros(timestamp.0.unsigned_abs());
        let time = if timestamp.0 < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        };
        time.unwrap_or(Self::UNIX_EPOCH)
    }
}
