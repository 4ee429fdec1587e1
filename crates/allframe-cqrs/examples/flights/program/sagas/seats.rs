use std::collections::BTreeMap;

use allframe_cqrs::{Aggregate, command, command_handler};
use serde::{Deserialize, Serialize};

use super::ground::GroundEvent;

/// How many passengers of a flight have to get on. The data set knows neither them nor seats, so they are said here.
pub(crate) const PASSENGERS: u32 = 80;
/// How many seats are free on each flight before anybody was stranded.
pub(crate) const FREE_SEATS: u32 = 50;

/// The free seats of one flight, and for whom they are held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seats {
    /// By the flight that stranded them.
    held: BTreeMap<String, u32>,
}

/// Holds seats on a flight for the passengers of another.
#[command(stream = "seats-{flight}", inverse = ReleaseSeats { flight, stranded })]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HoldSeats {
    pub(crate) flight: String,
    pub(crate) stranded: String,
    pub(crate) seats: HowMany,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HowMany {
    /// As many of these as are free, and at least one.
    UpTo(u32),
    /// These, or none.
    All(u32),
}

/// Gives back what is held on a flight for the passengers of another.
#[command(stream = "seats-{flight}")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReleaseSeats {
    pub(crate) flight: String,
    pub(crate) stranded: String,
}

/// Why seats are not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SeatsRefused {
    #[error("the flight is full")]
    Full,
    #[error("the flight has too few free seats")]
    TooFew,
}

#[command_handler]
fn hold_seats(command: &HoldSeats, seats: &Seats) -> Result<Vec<GroundEvent>, SeatsRefused> {
    let free = FREE_SEATS.saturating_sub(seats.held.values().sum());
    let seats = match command.seats {
        _ if free == 0 => return Err(SeatsRefused::Full),
        HowMany::UpTo(wanted) => wanted.min(free),
        HowMany::All(wanted) if wanted > free => return Err(SeatsRefused::TooFew),
        HowMany::All(wanted) => wanted,
    };
    let HoldSeats { flight, stranded, .. } = command.clone();
    Ok(vec![GroundEvent::SeatsHeld { flight, stranded, seats }])
}

/// Where none are held there are none to give back: it may not be known whether they ever were.
#[command_handler]
fn release_seats(command: &ReleaseSeats, seats: &Seats) -> Vec<GroundEvent> {
    let ReleaseSeats { flight, stranded } = command.clone();
    let held = seats.held.get(&stranded).copied();
    held.map(|seats| GroundEvent::SeatsReleased { flight, stranded, seats }).into_iter().collect()
}

impl Aggregate for Seats {
    type Event = GroundEvent;

    fn apply_event(&mut self, event: &GroundEvent) {
        match event {
            GroundEvent::SeatsHeld { stranded, seats, .. } => {
                *self.held.entry(stranded.clone()).or_default() += seats;
            }
            GroundEvent::SeatsReleased { stranded, .. } => {
                self.held.remove(stranded);
            }
            GroundEvent::PassengersNotified { .. } | GroundEvent::GateReleased { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(seats: &mut Seats, stranded: &str, how_many: HowMany) -> Result<u32, SeatsRefused> {
        let command = HoldSeats { flight: "next".into(), stranded: stranded.into(), seats: how_many };
        let events = hold_seats(&command, seats)?;
        let before: u32 = seats.held.values().sum();
        events.iter().for_each(|event| seats.apply_event(event));
        Ok(seats.held.values().sum::<u32>() - before)
    }

    #[test]
    fn a_flight_gives_away_the_seats_that_it_has_and_no_more() {
        let mut seats = Seats::default();
        assert_eq!(hold(&mut seats, "a", HowMany::All(30)), Ok(30));
        assert_eq!(hold(&mut seats, "b", HowMany::All(21)), Err(SeatsRefused::TooFew));
        assert_eq!(hold(&mut seats, "b", HowMany::UpTo(80)), Ok(20));
        assert_eq!(hold(&mut seats, "c", HowMany::UpTo(1)), Err(SeatsRefused::Full));
    }

    #[test]
    fn what_is_given_back_is_free_again_and_is_given_back_once() {
        let mut seats = Seats::default();
        hold(&mut seats, "a", HowMany::UpTo(80)).unwrap();
        let command = ReleaseSeats { flight: "next".into(), stranded: "a".into() };
        let released = release_seats(&command, &seats);
        assert_eq!(
            released,
            [GroundEvent::SeatsReleased { flight: "next".into(), stranded: "a".into(), seats: 50 }]
        );
        released.iter().for_each(|event| seats.apply_event(event));
        assert_eq!(release_seats(&command, &seats), []);
        assert_eq!(hold(&mut seats, "b", HowMany::All(50)), Ok(50));
    }
}
