use std::collections::BTreeMap;

use allframe_cqrs::{Projection, projection, query, query_handler};
use serde::{Deserialize, Serialize};

use super::flight::FlightEvent;

/// What goes on at every airport.
#[projection(name = "airport-board", version = 1)]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AirportBoard {
    airports: BTreeMap<String, AirportTraffic>,
}

/// What went on at one airport.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AirportTraffic {
    pub(crate) departed: u64,
    pub(crate) cancelled: u64,
    pub(crate) arrived: u64,
    /// Flights that were to land here and landed elsewhere.
    pub(crate) diverted: u64,
    departure_delay_minutes: i64,
}

impl AirportTraffic {
    /// How late flights left on average, in minutes; negative is early.
    #[expect(clippy::cast_precision_loss, reason = "minutes and flights are far below 2^52")]
    pub(crate) fn mean_departure_delay(&self) -> Option<f64> {
        (self.departed > 0).then(|| self.departure_delay_minutes as f64 / self.departed as f64)
    }
}

impl Projection for AirportBoard {
    type Event = FlightEvent;

    fn apply(&mut self, event: &FlightEvent) {
        match event {
            FlightEvent::Scheduled { .. } => {}
            FlightEvent::Cancelled { route } => self.at(&route.origin).cancelled += 1,
            FlightEvent::Departed { route, delay_minutes, .. } => {
                let airport = self.at(&route.origin);
                airport.departed += 1;
                airport.departure_delay_minutes += i64::from(*delay_minutes);
            }
            FlightEvent::Arrived { route, .. } => self.at(&route.destination).arrived += 1,
            FlightEvent::Diverted { route } => self.at(&route.destination).diverted += 1,
        }
    }
}

impl AirportBoard {
    fn at(&mut self, airport: &str) -> &mut AirportTraffic {
        self.airports.entry(airport.to_owned()).or_default()
    }
}

/// Which airports have the most traffic?
#[query]
pub(crate) struct BusiestAirports {
    pub(crate) limit: usize,
}

#[query_handler]
pub(crate) fn busiest_airports(
    query: BusiestAirports,
    board: &AirportBoard,
) -> Vec<(String, AirportTraffic)> {
    let mut airports: Vec<_> =
        board.airports.iter().map(|(airport, traffic)| (airport.clone(), traffic.clone())).collect();
    airports.sort_by_key(|(_, traffic)| std::cmp::Reverse(traffic.departed + traffic.arrived));
    airports.truncate(query.limit);
    airports
}
