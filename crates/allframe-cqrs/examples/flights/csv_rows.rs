//! The file: rows of the nycflights13 data set, one flight each.

use std::{fs::File, io::Read, path::Path};

use allframe_cqrs::StreamId;
use anyhow::{Context, Result, bail};
use csv::StringRecord;
use serde::{Deserialize, Deserializer, de::Error};

use crate::flight::{
    ArriveFlight, CancelFlight, ClockTime, DepartFlight, DivertFlight, FlightCommand, Route, ScheduleFlight,
};

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

/// What a row says. `NA` is missing.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    #[serde(deserialize_with = "clock_time")]
    dep_time: Option<ClockTime>,
    #[serde(deserialize_with = "required_clock_time")]
    sched_dep_time: ClockTime,
    #[serde(deserialize_with = "or_na")]
    dep_delay: Option<i32>,
    #[serde(deserialize_with = "clock_time")]
    arr_time: Option<ClockTime>,
    #[serde(deserialize_with = "required_clock_time")]
    sched_arr_time: ClockTime,
    #[serde(deserialize_with = "or_na")]
    arr_delay: Option<i32>,
    carrier: String,
    flight: u32,
    #[serde(deserialize_with = "or_na")]
    tailnum: Option<String>,
    origin: String,
    dest: String,
    #[serde(deserialize_with = "or_na")]
    air_time: Option<u32>,
    distance: u32,
    time_hour: String,
}

impl Row {
    /// The flight's stream: hour, airline and number are the key of the data set.
    pub(crate) fn stream(&self) -> Result<StreamId> {
        for (column, value) in [
            ("carrier", &self.carrier),
            ("origin", &self.origin),
            ("dest", &self.dest),
            ("time_hour", &self.time_hour),
        ] {
            if value.is_empty() || value == "NA" {
                bail!("column `{column}` is missing");
            }
        }
        Ok(StreamId::new(format!("flight-{}-{}{}", self.time_hour, self.carrier, self.flight))?)
    }

    /// What the row tells of the flight, in order.
    pub(crate) fn commands(self) -> Result<Vec<FlightCommand>> {
        let mut commands = Vec::with_capacity(3);
        let departed = self.dep_time.is_some();
        commands.push(FlightCommand::Schedule(ScheduleFlight {
            route: Route {
                carrier: self.carrier,
                number: self.flight,
                origin: self.origin,
                destination: self.dest,
            },
            tail_number: self.tailnum,
            hour: self.time_hour,
            departure: self.sched_dep_time,
            arrival: self.sched_arr_time,
            distance_miles: self.distance,
        }));
        commands.push(match self.dep_time {
            None => FlightCommand::Cancel(CancelFlight),
            Some(at) => {
                let delay_minutes =
                    self.dep_delay.context("it departed, but column `dep_delay` is missing")?;
                FlightCommand::Depart(DepartFlight { at, delay_minutes })
            }
        });
        match self.arr_delay {
            Some(delay_minutes) => commands.push(FlightCommand::Arrive(ArriveFlight {
                at: self.arr_time,
                delay_minutes,
                air_minutes: self.air_time,
            })),
            None if departed => commands.push(FlightCommand::Divert(DivertFlight)),
            None => {}
        }
        Ok(commands)
    }
}

/// A row of the file, and on which line it begins.
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) row: Result<Row>,
}

/// The rows of a file, one after the other.
///
/// Fails if the file cannot be read, or does not begin with the columns that a file of flights has.
pub(crate) fn read(path: &Path) -> Result<Lines<File>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Lines::new(file).with_context(|| format!("{} is no CSV file of flights", path.display()))
}

pub(crate) struct Lines<R> {
    csv: csv::Reader<R>,
    header: StringRecord,
    record: StringRecord,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Result<Self> {
        let mut csv = csv::Reader::from_reader(input);
        let header = csv.headers().context("its first line cannot be read")?.clone();
        let missing: Vec<_> =
            COLUMNS.into_iter().filter(|column| !header.iter().any(|name| name == *column)).collect();
        if !missing.is_empty() {
            bail!("its first line does not name the column(s) {}", missing.join(", "));
        }
        Ok(Self { csv, header, record: StringRecord::new() })
    }

    /// How far into the file the rows read so far go, in bytes.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.csv.position().byte()
    }

    fn next_line(&mut self) -> Result<Option<Line>> {
        let number = self.csv.position().line();
        let row = match self.csv.read_record(&mut self.record) {
            Ok(false) => return Ok(None),
            Ok(true) => self.record.deserialize(Some(&self.header)),
            Err(error) if error.is_io_error() => return Err(error).context("the file could not be read on"),
            Err(error) => Err(error),
        };
        let number = self.record.position().map_or(number, csv::Position::line);
        Ok(Some(Line { number, row: row.map_err(plain) }))
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

/// The cause alone: the csv crate's own text repeats the place, and counts records where we count lines.
fn plain(error: csv::Error) -> anyhow::Error {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|field| COLUMNS.get(usize::try_from(field).ok()?));
            match column {
                Some(column) => anyhow::anyhow!("column `{column}`: {}", err.kind()),
                None => anyhow::anyhow!("{}", err.kind()),
            }
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            anyhow::anyhow!("{len} fields where {expected_len} are expected")
        }
        csv::ErrorKind::Utf8 { .. } => anyhow::anyhow!("it is not UTF-8"),
        _ => error.into(),
    }
}

fn or_na<'de, D: Deserializer<'de>, T: std::str::FromStr>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T::Err: std::fmt::Display,
{
    match String::deserialize(deserializer)?.as_str() {
        "NA" | "" => Ok(None),
        text => text.parse().map(Some).map_err(|error| D::Error::custom(format!("`{text}`: {error}"))),
    }
}

fn clock_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ClockTime>, D::Error> {
    let Some(time) = or_na::<D, u16>(deserializer)? else { return Ok(None) };
    match ClockTime::new(time) {
        Some(time) => Ok(Some(time)),
        None => Err(D::Error::custom(format!("`{time}` is no time of day"))),
    }
}

fn required_clock_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ClockTime, D::Error> {
    clock_time(deserializer)?.ok_or_else(|| D::Error::custom("the scheduled time is missing"))
}
