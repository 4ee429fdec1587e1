use std::fmt;

use eventstore_api::Timestamp;
use serde::{Serialize, Serializer};

/// A moment as RFC 3339 writes it: in UTC, with microseconds.
#[derive(Clone, Copy)]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MICROS_A_DAY: i64 = 86_400_000_000;
        let micros = self.0.as_micros();
        let (year, month, day) = date(micros.div_euclid(MICROS_A_DAY));
        let of_day = micros.rem_euclid(MICROS_A_DAY);
        let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
    }
}

/// The date of a day counted from 1970-01-01. Years begin in March here, so that the day that some of them lack is their
/// last, and eras of 400 years are all alike (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn date(day: i64) -> (i64, i64, i64) {
    const DAYS_AN_ERA: i64 = 146_097;
    let day = day + 719_468;
    let of_era = day.rem_euclid(DAYS_AN_ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + day.div_euclid(DAYS_AN_ERA) * 400 + i64::from(month <= 2);
    (year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_others_write_them() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_357_034_400_123_456, "2013-01-01T10:00:00.123456Z"),
            (4_107_542_399_000_001, "2100-02-28T23:59:59.000001Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Rfc3339(Timestamp::from_micros(micros)).to_string(), expected);
        }
    }

    #[test]
    fn a_day_follows_the_other() {
        let mut last = date(-800_000);
        for day in -799_999..800_000 {
            let next = date(day);
            let (year, month, of_month) = last;
            assert!(
                next == (year, month, of_month + 1)
                    || next == (year, month + 1, 1)
                    || (month == 12 && next == (year + 1, 1, 1)),
                "{last:?} {next:?}"
            );
            last = next;
        }
    }

    #[test]
    fn no_moment_is_too_far_away() {
        for micros in [i64::MIN, i64::MAX] {
            assert!(!Rfc3339(Timestamp::from_micros(micros)).to_string().is_empty());
        }
    }
}
