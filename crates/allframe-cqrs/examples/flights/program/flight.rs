//! The domain: what can happen to a flight, and in which order.

use allframe_cqrs::{Aggregate, command, event};
use serde::{Deserialize, Serialize};

/// Which flight: part of every event, so that a projection needs no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    /// The airline's two-letter code.
    pub(crate) carrier: String,
    pub(crate) number: u32,
    pub(crate) origin: String,
    pub(crate) destination: String,
}

#[event]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FlightEvent {
    #[event(rename = "FlightScheduled")]
    Scheduled {
        route: Route,
        tail_number: Option<String>,
        /// The hour of departure, in UTC, as `2013-01-01T10:00:00Z`.
        hour: String,
        departure: ClockTime,
        arrival: ClockTime,
        distance_miles: u32,
    },
    #[event(rename = "FlightCancelled")]
    Cancelled { route: Route },
    #[event(rename = "FlightDeparted")]
    Departed { route: Route, at: ClockTime, delay_minutes: i32 },
    #[event(rename = "FlightArrived")]
    Arrived { route: Route, at: Option<ClockTime>, delay_minutes: i32, air_minutes: Option<u32> },
    #[event(rename = "FlightDiverted")]
    Diverted { route: Route },
}

/// Local time as a clock shows it: 517 is 5:17, 2400 is midnight at the day's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClockTime(u16);

impl ClockTime {
    pub(crate) fn new(time: u16) -> Option<Self> {
        (time <= 2400 && time % 100 < 60).then_some(Self(time))
    }

    /// How many minutes of the hour have gone by.
    pub(crate) fn minute(self) -> u16 {
        self.0 % 100
    }
}

#[command]
#[derive(Clone, Debug)]
pub(crate) struct ScheduleFlight {
    pub(crate) route: Route,
    pub(crate) tail_number: Option<String>,
    pub(crate) hour: String,
    pub(crate) departure: ClockTime,
    pub(crate) arrival: ClockTime,
    pub(crate) distance_miles: u32,
}

#[command]
#[derive(Clone, Debug)]
pub(crate) struct CancelFlight;

#[command]
#[derive(Clone, Debug)]
pub(crate) struct DepartFlight {
    pub(crate) at: ClockTime,
    pub(crate) delay_minutes: i32,
}

#[command]
#[derive(Clone, Debug)]
pub(crate) struct ArriveFlight {
    pub(crate) at: Option<ClockTime>,
    pub(crate) delay_minutes: i32,
    pub(crate) air_minutes: Option<u32>,
}

#[command]
#[derive(Clone, Debug)]
pub(crate) struct DivertFlight;

#[derive(Clone, Debug)]
pub(crate) enum FlightCommand {
    Schedule(ScheduleFlight),
    Cancel(CancelFlight),
    Depart(DepartFlight),
    Arrive(ArriveFlight),
    Divert(DivertFlight),
}

/// Why something cannot have happened to a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FlightError {
    #[error("the flight is scheduled already")]
    AlreadyScheduled,
    #[error("the flight has not been scheduled")]
    NotScheduled,
    #[error("the flight has been cancelled")]
    Cancelled,
    #[error("the flight has departed already")]
    AlreadyDeparted,
    #[error("the flight has not departed")]
    NotDeparted,
    #[error("the flight has come to its end already")]
    AlreadyEnded,
    #[error("another row has told something else of this flight")]
    ToldDifferently,
}

/// One departure of one flight number: its stream is named by the hour, the airline and the number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flight {
    route: Route,
    stage: Stage,
    /// All that has been told of it, by which a row that tells the same again is known.
    told: Vec<FlightEvent>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Unknown,
    Scheduled,
    Cancelled,
    InTheAir,
    Ended,
}

impl Flight {
    /// Decides on all that a row of the file tells of a flight. A row that tells what is known already changes nothing.
    pub(crate) fn record(&self, commands: &[FlightCommand]) -> Result<Vec<FlightEvent>, FlightError> {
        let mut flight = Self::default();
        for command in commands {
            let event = flight.decide(command)?;
            flight.apply_event(&event);
        }
        match self.stage {
            Stage::Unknown => Ok(flight.told),
            _ if *self == flight => Ok(Vec::new()),
            _ => Err(FlightError::ToldDifferently),
        }
    }

    fn decide(&self, command: &FlightCommand) -> Result<FlightEvent, FlightError> {
        match command {
            FlightCommand::Schedule(command) => self.schedule(command),
            FlightCommand::Cancel(CancelFlight) => self.cancel(),
            FlightCommand::Depart(command) => self.depart(command),
            FlightCommand::Arrive(command) => self.arrive(command),
            FlightCommand::Divert(DivertFlight) => self.divert(),
        }
    }

    fn schedule(&self, command: &ScheduleFlight) -> Result<FlightEvent, FlightError> {
        match self.stage {
            Stage::Unknown => {
                let ScheduleFlight { route, tail_number, hour, departure, arrival, distance_miles } =
                    command.clone();
                Ok(FlightEvent::Scheduled { route, tail_number, hour, departure, arrival, distance_miles })
            }
            _ => Err(FlightError::AlreadyScheduled),
        }
    }

    fn cancel(&self) -> Result<FlightEvent, FlightError> {
        match self.stage {
            Stage::Scheduled => Ok(FlightEvent::Cancelled { route: self.route.clone() }),
            Stage::Unknown => Err(FlightError::NotScheduled),
            Stage::Cancelled => Err(FlightError::Cancelled),
            Stage::InTheAir | Stage::Ended => Err(FlightError::AlreadyDeparted),
        }
    }

    fn depart(&self, command: &DepartFlight) -> Result<FlightEvent, FlightError> {
        match self.stage {
            Stage::Scheduled => {
                let DepartFlight { at, delay_minutes } = *command;
                Ok(FlightEvent::Departed { route: self.route.clone(), at, delay_minutes })
            }
            Stage::Unknown => Err(FlightError::NotScheduled),
            Stage::Cancelled => Err(FlightError::Cancelled),
            Stage::InTheAir | Stage::Ended => Err(FlightError::AlreadyDeparted),
        }
    }

    fn arrive(&self, command: &ArriveFlight) -> Result<FlightEvent, FlightError> {
        self.must_be_in_the_air()?;
        let ArriveFlight { at, delay_minutes, air_minutes } = *command;
        Ok(FlightEvent::Arrived { route: self.route.clone(), at, delay_minutes, air_minutes })
    }

    fn divert(&self) -> Result<FlightEvent, FlightError> {
        self.must_be_in_the_air()?;
        Ok(FlightEvent::Diverted { route: self.route.clone() })
    }

    fn must_be_in_the_air(&self) -> Result<(), FlightError> {
        match self.stage {
            Stage::InTheAir => Ok(()),
            Stage::Unknown | Stage::Scheduled => Err(FlightError::NotDeparted),
            Stage::Cancelled => Err(FlightError::Cancelled),
            Stage::Ended => Err(FlightError::AlreadyEnded),
        }
    }
}

impl Aggregate for Flight {
    type Event = FlightEvent;

    fn apply_event(&mut self, event: &FlightEvent) {
        self.stage = match event {
            FlightEvent::Scheduled { route, .. } => {
                self.route = route.clone();
                Stage::Scheduled
            }
            FlightEvent::Cancelled { .. } => Stage::Cancelled,
            FlightEvent::Departed { .. } => Stage::InTheAir,
            FlightEvent::Arrived { .. } | FlightEvent::Diverted { .. } => Stage::Ended,
        };
        self.told.push(event.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> FlightCommand {
        let route =
            Route { carrier: "UA".into(), number: 1545, origin: "EWR".into(), destination: "IAH".into() };
        FlightCommand::Schedule(ScheduleFlight {
            route,
            tail_number: Some("N14228".into()),
            hour: "2013-01-01T10:00:00Z".into(),
            departure: ClockTime(515),
            arrival: ClockTime(819),
            distance_miles: 1400,
        })
    }

    fn depart() -> FlightCommand {
        FlightCommand::Depart(DepartFlight { at: ClockTime(517), delay_minutes: 2 })
    }

    fn arrive() -> FlightCommand {
        FlightCommand::Arrive(ArriveFlight {
            at: Some(ClockTime(830)),
            delay_minutes: 11,
            air_minutes: Some(227),
        })
    }

    const CANCEL: FlightCommand = FlightCommand::Cancel(CancelFlight);
    const DIVERT: FlightCommand = FlightCommand::Divert(DivertFlight);

    fn outcome(commands: &[FlightCommand]) -> Result<usize, FlightError> {
        Flight::default().record(commands).map(|events| events.len())
    }

    #[test]
    fn a_flight_departs_and_then_arrives_or_is_diverted() {
        assert_eq!(outcome(&[schedule(), depart(), arrive()]), Ok(3));
        assert_eq!(outcome(&[schedule(), depart(), DIVERT]), Ok(3));
        assert_eq!(outcome(&[schedule(), CANCEL]), Ok(2));
    }

    #[test]
    fn nothing_happens_to_a_flight_that_is_not_scheduled() {
        assert_eq!(outcome(&[depart()]), Err(FlightError::NotScheduled));
        assert_eq!(outcome(&[CANCEL]), Err(FlightError::NotScheduled));
        assert_eq!(outcome(&[schedule(), schedule()]), Err(FlightError::AlreadyScheduled));
    }

    #[test]
    fn a_flight_cannot_arrive_before_departing() {
        assert_eq!(outcome(&[schedule(), arrive()]), Err(FlightError::NotDeparted));
        assert_eq!(outcome(&[schedule(), DIVERT]), Err(FlightError::NotDeparted));
    }

    #[test]
    fn a_flight_cannot_depart_twice() {
        assert_eq!(outcome(&[schedule(), depart(), depart()]), Err(FlightError::AlreadyDeparted));
        assert_eq!(outcome(&[schedule(), depart(), arrive(), depart()]), Err(FlightError::AlreadyDeparted));
    }

    #[test]
    fn a_flight_cannot_be_cancelled_after_departure() {
        assert_eq!(outcome(&[schedule(), depart(), CANCEL]), Err(FlightError::AlreadyDeparted));
        assert_eq!(outcome(&[schedule(), CANCEL, depart()]), Err(FlightError::Cancelled));
        assert_eq!(outcome(&[schedule(), CANCEL, CANCEL]), Err(FlightError::Cancelled));
    }

    #[test]
    fn a_flight_ends_once() {
        assert_eq!(outcome(&[schedule(), depart(), arrive(), DIVERT]), Err(FlightError::AlreadyEnded));
        assert_eq!(outcome(&[schedule(), depart(), DIVERT, arrive()]), Err(FlightError::AlreadyEnded));
    }

    #[test]
    fn what_is_told_again_changes_nothing_and_what_is_told_differently_is_refused() {
        let mut flight = Flight::default();
        for event in flight.record(&[schedule(), depart(), arrive()]).unwrap() {
            flight.apply_event(&event);
        }
        assert_eq!(flight.record(&[schedule(), depart(), arrive()]), Ok(vec![]));
        assert_eq!(flight.record(&[schedule(), CANCEL]), Err(FlightError::ToldDifferently));
    }

    #[test]
    fn a_clock_has_no_61st_minute() {
        assert_eq!(ClockTime::new(2400), Some(ClockTime(2400)));
        assert_eq!(ClockTime::new(960), None);
        assert_eq!(ClockTime::new(2401), None);
    }
}
