use std::fmt;

/// A time between two moments, in microseconds, as people say it: in its two greatest units, rounded.
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
        // Below a second one unit is enough.
        const SECONDS: usize = 3;
        let place = |micros: u64| UNITS.iter().position(|(unit, _)| micros >= *unit);
        let Some(first) = place(self.0) else { return f.write_str("0 s") };
        let last = if first <= SECONDS { first + 1 } else { first };
        let half = UNITS.get(last).map_or(0, |(unit, _)| unit / 2);
        let mut rest = self.0.saturating_add(half);
        let first = place(rest).unwrap_or(first);
        let mut separator = "";
        for (unit, name) in UNITS.iter().take(last + 1).skip(first) {
            let amount = rest / unit;
            rest %= unit;
            if amount > 0 {
                write!(f, "{separator}{amount} {name}")?;
                separator = " ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_greatest_units_and_rounded() {
        for (micros, expected) in [
            (0, "0 s"),
            (7, "7 us"),
            (1_499, "1 ms"),
            (1_999, "2 ms"),
            (999_999, "1 s"),
            (59_999_999, "1 min"),
            (3_599_000_000, "59 min 59 s"),
            (86_400_000_000 * 3 - 1, "3 d"),
            (1_500_000, "1 s 500 ms"),
            (61_000_000, "1 min 1 s"),
            (3_600_000_000, "1 h"),
            (90_000_000_000, "1 d 1 h"),
            (86_400_000_000 * 400 + 1, "400 d"),
            (u64::MAX, "213503982 d 8 h"),
        ] {
            assert_eq!(Span(micros).to_string(), expected);
        }
    }
}
