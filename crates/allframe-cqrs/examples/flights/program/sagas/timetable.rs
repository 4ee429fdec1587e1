use std::collections::{BTreeMap, HashMap};

use allframe_cqrs::ReadAll;
use anyhow::Result;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::program::{
    flight::{ClockTime, FlightEvent, Route},
    store::FlightStore,
};

/// For how long after its own departure a flight may leave and still be a way on.
const SEARCHED_MINUTES: i64 = 24 * 60;

/// All departures: those of one airline from one airport to one destination, in order.
///
/// It knows how the month ended: a flight that was cancelled itself is nobody's way on.
#[derive(Default)]
pub(crate) struct Timetable {
    lines: BTreeMap<Line, Vec<Departure>>,
}

/// What the flights of one airline between two airports have in common.
type Line = (String, String, String);

#[derive(Clone, Debug)]
struct Departure {
    /// In minutes since 1970, as planned.
    at: i64,
    flight: String,
    route: Route,
    stranded_by: Option<Cause>,
}

/// Why somebody did not come where they wanted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cause {
    Cancelled,
    Diverted,
}

/// A flight whose passengers have to get on by others: what its saga begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stranded {
    /// Its stream, without what all streams of flights begin with.
    pub(crate) flight: String,
    pub(crate) route: Route,
    pub(crate) by: Cause,
    /// When it was to depart, in minutes since 1970.
    at: i64,
}

/// The flights on which there may be seats, the first first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WayOn {
    pub(crate) next: String,
    pub(crate) following: Option<String>,
}

impl Timetable {
    /// The timetable of all flights in a store.
    pub(crate) async fn of(store: &FlightStore) -> Result<Self> {
        let mut departures = HashMap::new();
        let mut events = store.read_all(ReadAll::forward());
        while let Some(recorded) = events.try_next().await? {
            let Some(flight) = recorded.stream().as_str().strip_prefix("flight-") else { continue };
            let flight = flight.to_owned();
            match recorded.event {
                FlightEvent::Scheduled { route, hour, departure, .. } => {
                    let at = minutes_since_1970(&hour, departure);
                    let new = Departure { at, flight: flight.clone(), route, stranded_by: None };
                    departures.insert(flight, new);
                }
                FlightEvent::Cancelled { .. } => strand(&mut departures, &flight, Cause::Cancelled),
                FlightEvent::Diverted { .. } => strand(&mut departures, &flight, Cause::Diverted),
                FlightEvent::Departed { .. } | FlightEvent::Arrived { .. } => {}
            }
        }
        let mut timetable = Self::default();
        for departure in departures.into_values() {
            timetable.lines.entry(line(&departure.route)).or_default().push(departure);
        }
        for line in timetable.lines.values_mut() {
            line.sort_by(|one, other| (one.at, &one.flight).cmp(&(other.at, &other.flight)));
        }
        Ok(timetable)
    }

    /// The flights that were cancelled or diverted, in the order of their departures; those that may compete for seats together.
    pub(crate) fn stranded(&self) -> Vec<Vec<Stranded>> {
        let of_line = |line: &Vec<Departure>| -> Vec<_> { line.iter().filter_map(stranded).collect() };
        self.lines.values().map(of_line).filter(|line| !line.is_empty()).collect()
    }

    /// The next flights by which one gets on; `None` where there is not even one.
    pub(crate) fn way_on(&self, stranded: &Stranded) -> Option<WayOn> {
        let line = self.lines.get(&line(&stranded.route))?;
        let mut later = line
            .iter()
            .filter(|departure| departure.at > stranded.at && departure.at <= stranded.at + SEARCHED_MINUTES)
            .filter(|departure| departure.stranded_by != Some(Cause::Cancelled))
            .map(|departure| departure.flight.clone());
        Some(WayOn { next: later.next()?, following: later.next() })
    }
}

fn strand(departures: &mut HashMap<String, Departure>, flight: &str, by: Cause) {
    if let Some(departure) = departures.get_mut(flight) {
        departure.stranded_by = Some(by);
    }
}

fn stranded(departure: &Departure) -> Option<Stranded> {
    let by = departure.stranded_by?;
    let Departure { at, flight, route, .. } = departure.clone();
    Some(Stranded { flight, route, by, at })
}

fn line(route: &Route) -> Line {
    (route.carrier.clone(), route.origin.clone(), route.destination.clone())
}

/// The hour is in UTC, and the clock shows local time; their minutes are the same. Both were looked at when the row was read.
fn minutes_since_1970(hour: &str, departure: ClockTime) -> i64 {
    let number = |from: usize, to: usize| {
        hour.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or_default()
    };
    let (year, month, day, hours): (i64, i64, i64, i64) =
        (number(0, 4), number(5, 7), number(8, 10), number(11, 13));
    // Howard Hinnant's days_from_civil: years begin in March, so that the day of a leap year is its last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    (days * 24 + hours) * 60 + i64::from(departure.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_counted_across_days_months_and_leap_years() {
        let at = |hour: &str, clock: u16| minutes_since_1970(hour, ClockTime::new(clock).unwrap());
        assert_eq!(at("1970-01-01T00:00:00Z", 0), 0);
        assert_eq!(at("2013-01-01T10:00:00Z", 515), 1_357_034_400 / 60 + 15);
        assert_eq!(at("2013-02-01T00:00:00Z", 2400) - at("2013-01-31T23:00:00Z", 1859), 1);
        assert_eq!(at("2012-03-01T00:00:00Z", 0) - at("2012-02-28T00:00:00Z", 0), 2 * 24 * 60);
    }
}
