//! The bounds that schemas give to numbers and lengths.

use std::fmt;

use serde_json::{Map, Number, Value};

/// A bound of a number, exact where it is an integer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    Integer(i128),
    Real(f64),
}

impl Bound {
    fn of(number: &Number) -> Option<Self> {
        let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        integer.map(Self::Integer).or_else(|| number.as_f64().map(Self::Real))
    }

    #[expect(clippy::cast_precision_loss, reason = "only where one of the two is no integer to begin with")]
    const fn as_real(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Real(value) => value,
        }
    }

    fn is_less(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one < other,
            (one, other) => one.as_real() < other.as_real(),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
        }
    }
}

/// An end of a range, with whether it is in it.
#[derive(Clone, Copy, Debug)]
struct End {
    at: Bound,
    is_in: bool,
}

/// The numbers between two ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range {
    min: Option<End>,
    max: Option<End>,
}

impl Range {
    /// What all these schemas allow, of integers also by their format.
    pub(super) fn of(schemas: &[&Map<String, Value>]) -> Self {
        let mut range = Self::default();
        for schema in schemas {
            let bound = |keyword| schema.get(keyword).and_then(Value::as_number).and_then(Bound::of);
            let ends = |keyword, exclusive| {
                let closed = bound(keyword).map(|at| End { at, is_in: true });
                let open = bound(exclusive).map(|at| End { at, is_in: false });
                closed.into_iter().chain(open)
            };
            for end in ends("minimum", "exclusiveMinimum") {
                range.raise(end);
            }
            for end in ends("maximum", "exclusiveMaximum") {
                range.lower(end);
            }
            if let Some((min, max)) = schema.get("format").and_then(Value::as_str).and_then(range_of_format) {
                range.raise(End { at: Bound::Integer(min), is_in: true });
                range.lower(End { at: max, is_in: true });
            }
        }
        range
    }

    /// Only this number.
    pub(super) fn only(number: &Number) -> Self {
        let end = Bound::of(number).map(|at| End { at, is_in: true });
        Self { min: end, max: end }
    }

    pub(super) const fn is_everything(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }

    /// Whether all numbers of the other are in it.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let min = self.min.is_none_or(|ours| other.min.is_some_and(|theirs| !reaches_below(theirs, ours)));
        let max = self.max.is_none_or(|ours| other.max.is_some_and(|theirs| !reaches_above(theirs, ours)));
        min && max
    }

    fn raise(&mut self, end: End) {
        if self.min.is_none_or(|min| reaches_below(min, end)) {
            self.min = Some(end);
        }
    }

    fn lower(&mut self, end: End) {
        if self.max.is_none_or(|max| reaches_above(max, end)) {
            self.max = Some(end);
        }
    }
}

fn reaches_below(one: End, other: End) -> bool {
    one.at.is_less(other.at) || (!other.at.is_less(one.at) && one.is_in && !other.is_in)
}

fn reaches_above(one: End, other: End) -> bool {
    other.at.is_less(one.at) || (!one.at.is_less(other.at) && one.is_in && !other.is_in)
}

const MAX_OF_UINT128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_455.0;

/// The integers that a format allows, of which schemas do not always name the ends.
fn range_of_format(format: &str) -> Option<(i128, Bound)> {
    let (min, max) = match format {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" | "int" => (i64::MIN.into(), i64::MAX.into()),
        "int128" => (i128::MIN, i128::MAX),
        "uint8" => (0, u8::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "uint64" | "uint" => (0, u64::MAX.into()),
        // Its end is beyond all other integers.
        "uint128" => return Some((0, Bound::Real(MAX_OF_UINT128))),
        _ => return None,
    };
    Some((min, Bound::Integer(max)))
}

/// Whether a format says no more than how large a number is.
pub(super) fn is_size(format: &str) -> bool {
    range_of_format(format).is_some() || matches!(format, "double" | "float")
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (None, None) => f.write_str("of any size"),
            (Some(min), None) => write!(f, "{} {}", if min.is_in { "from" } else { "above" }, min.at),
            (None, Some(max)) => write!(f, "{} {}", if max.is_in { "up to" } else { "below" }, max.at),
            (Some(min), Some(max)) => {
                let (from, to) =
                    (if min.is_in { "from" } else { "above" }, if max.is_in { "to" } else { "to below" });
                write!(f, "{from} {} {to} {}", min.at, max.at)
            }
        }
    }
}

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    pub(super) min: u64,
    pub(super) max: Option<u64>,
}

/// What all these schemas allow by `minItems` and `maxItems`, or `..Length`, or `..Properties`.
pub(super) fn lengths(schemas: &[&Map<String, Value>], of: &str) -> Lengths {
    let bounds = |end: &str| {
        let keyword = format!("{end}{of}");
        let bounds: Vec<u64> = schemas.iter().filter_map(|schema| whole(schema.get(&keyword)?)).collect();
        bounds.into_iter()
    };
    Lengths { min: bounds("min").max().unwrap_or_default(), max: bounds("max").min() }
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64()
}

impl Lengths {
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.min <= other.min && self.max.is_none_or(|ours| other.max.is_some_and(|theirs| theirs <= ours))
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (min, Some(max)) if min == max => write!(f, "of {min}"),
            (min, Some(max)) => write!(f, "from {min} to {max}"),
            (min, None) => write!(f, "from {min}"),
        }
    }
}
