use std::{collections::HashMap, ops::RangeInclusive};

use anyhow::{Context, Result, anyhow, bail};
use csv::StringRecord;

use super::flight::ClockTime;

const COLUMNS: [&str; 19] = [
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
    "minute",
    "time_hour",
];

/// Which column stands where: in any order, and among others that do not matter.
pub(crate) struct Header {
    names: StringRecord,
    positions: HashMap<&'static str, usize>,
}

impl Header {
    /// Fails unless each column that a file of flights has is there once.
    pub(crate) fn new(names: StringRecord) -> Result<Self> {
        let that_occur = |accept: fn(usize) -> bool| {
            let occurrences = |column: &str| names.iter().filter(|name| *name == column).count();
            COLUMNS.into_iter().filter(|column| accept(occurrences(column))).collect::<Vec<_>>().join(", ")
        };
        let missing = that_occur(|count| count == 0);
        if !missing.is_empty() {
            bail!("its first line does not name the column(s) {missing}");
        }
        let repeated = that_occur(|count| count > 1);
        if !repeated.is_empty() {
            bail!("its first line names the column(s) {repeated} more than once");
        }
        let position = |column| Some((column, names.iter().position(|name| name == column)?));
        let positions = COLUMNS.into_iter().filter_map(position).collect();
        Ok(Self { names, positions })
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The name of the column that stands at `position`, counted from 0.
    pub(crate) fn name(&self, position: usize) -> &str {
        self.names.get(position).unwrap_or_default()
    }
}

/// The fields of one row, by the names of their columns. `NA` or nothing at all is no value.
pub(crate) struct Fields<'r> {
    pub(crate) header: &'r Header,
    pub(crate) record: &'r StringRecord,
}

/// What a field says, or what it ought to be and is not.
type Parsed<T> = Result<T, &'static str>;

impl Fields<'_> {
    pub(crate) fn required<T>(&self, column: &str, parse: fn(&str) -> Parsed<T>) -> Result<T> {
        self.optional(column, parse)?.with_context(|| format!("column `{column}` has no value"))
    }

    pub(crate) fn optional<T>(&self, column: &str, parse: fn(&str) -> Parsed<T>) -> Result<Option<T>> {
        let position = self.header.positions.get(column);
        match position.and_then(|&position| self.record.get(position)) {
            None | Some("" | "NA") => Ok(None),
            Some(text) => parse(text)
                .map(Some)
                .map_err(|expected| anyhow!("column `{column}`: `{}` is not {expected}", shown(text))),
        }
    }
}

pub(crate) fn text(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}

pub(crate) fn whole_number(text: &str) -> Parsed<u32> {
    text.parse().map_err(|_| "a whole number from 0 to 4294967295")
}

pub(crate) fn minutes(text: &str) -> Parsed<i32> {
    text.parse().map_err(|_| "a number of minutes")
}

pub(crate) fn clock_time(text: &str) -> Parsed<ClockTime> {
    text.parse().ok().and_then(ClockTime::new).ok_or("a time of day, as `517` or `1530`")
}

pub(crate) fn carrier(text: &str) -> Parsed<String> {
    code(text, 2..=3).ok_or("2 to 3 ASCII letters or digits")
}

pub(crate) fn airport(text: &str) -> Parsed<String> {
    code(text, 3..=4).ok_or("3 to 4 ASCII letters or digits")
}

fn code(text: &str, length: RangeInclusive<usize>) -> Option<String> {
    let is_code = length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then(|| text.to_owned())
}

/// A time in UTC, to the form; that a month has as many days is not looked at.
pub(crate) fn time_hour(text: &str) -> Parsed<String> {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    const MONTH_TO_SECOND: [(usize, RangeInclusive<u8>); 5] =
        [(5, 1..=12), (8, 1..=31), (11, 0..=23), (14, 0..=59), (17, 0..=59)];

    let has_form = text.len() == FORM.len()
        && text.bytes().zip(FORM).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *form,
        });
    let in_range = |(at, range): (usize, RangeInclusive<u8>)| {
        text.get(at..at + 2)
            .and_then(|digits| digits.parse().ok())
            .is_some_and(|number| range.contains(&number))
    };
    if has_form && MONTH_TO_SECOND.into_iter().all(in_range) {
        Ok(text.to_owned())
    } else {
        Err("a time as `2013-01-01T10:00:00Z`")
    }
}

/// Fit for a terminal: a field may be long, and may hold what a terminal obeys.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let start: String = text.chars().take(LONGEST).collect();
    let rest = if start.len() < text.len() { "..." } else { "" };
    format!("{}{rest}", start.escape_debug())
}
