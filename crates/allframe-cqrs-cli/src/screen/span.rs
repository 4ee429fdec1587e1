use std::fmt;

/// A time between two moments, in microseconds, as people say it: its two greatest units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) u64);

const UNITS: [(u64, &str); 6] = [
    (86_400_000_000, "d"),
    (3_600_000_000, "h"),
    (60_000_000, "min"),
    (1_000_000, "s"),
    (1_000, "ms"),
    (1, "us"),
];

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = UNITS.iter().position(|(unit, _)| self.0 >= *unit) else {
            return f.write_str("0 s");
        };
        let mut rest = self.0;
        let mut shown = 0;
        // Nobody asks for the microseconds of a second.
        let most = if place < 4 { 2 } else { 1 };
        for (unit, name) in
            UNITS.iter().skip(place).take(most).filter(|(unit, _)| place >= 3 || *unit >= 1_000_000)
        {
            let amount = rest / unit;
            rest %= unit;
            if amount > 0 {
                write!(f, "{}{amount} {name}", if shown > 0 { " " } else { "" })?;
                shown += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_greatest_units() {
        for (micros, expected) in [
            (0, "0 s"),
            (7, "7 us"),
            (1_999, "1 ms"),
            (1_500_000, "1 s 500 ms"),
            (61_000_000, "1 min 1 s"),
            (3_600_000_000, "1 h"),
            (90_000_000_000, "1 d 1 h"),
            (86_400_000_000 * 400 + 1, "400 d"),
        ] {
            assert_eq!(Span(micros).to_string(), expected);
        }
    }
}
