use std::collections::BTreeMap;

use allframe_cqrs::{Projection, projection, query, query_handler};
use serde::{Deserialize, Serialize};

use super::flight::FlightEvent;

/// How late an arrival may be and still count as on time, in minutes: what the US Department of Transportation says.
const ON_TIME_MINUTES: i32 = 15;

/// How well every airline keeps its timetable.
#[projection(name = "punctuality", version = 1)]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Punctuality {
    airlines: BTreeMap<String, AirlineRecord>,
}

/// How well one airline does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AirlineRecord {
    pub(crate) scheduled: u64,
    pub(crate) cancelled: u64,
    pub(crate) arrived: u64,
    pub(crate) on_time: u64,
    arrival_delay_minutes: i64,
}

impl AirlineRecord {
    /// How many of the flights that were scheduled arrived on time, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "flights are far below 2^52")]
    pub(crate) fn on_time_share(&self) -> f64 {
        if self.scheduled == 0 { 0.0 } else { self.on_time as f64 / self.scheduled as f64 }
    }

    /// How late flights arrived on average, in minutes; negative is early.
    #[expect(clippy::cast_precision_loss, reason = "minutes and flights are far below 2^52")]
    pub(crate) fn mean_arrival_delay(&self) -> Option<f64> {
        (self.arrived > 0).then(|| self.arrival_delay_minutes as f64 / self.arrived as f64)
    }
}

impl Projection for Punctuality {
    type Event = FlightEvent;

    fn apply(&mut self, event: &FlightEvent) {
        match event {
            FlightEvent::Scheduled { route, .. } => self.of(&route.carrier).scheduled += 1,
            FlightEvent::Cancelled { route } => self.of(&route.carrier).cancelled += 1,
            FlightEvent::Arrived { route, delay_minutes, .. } => {
                let airline = self.of(&route.carrier);
                airline.arrived += 1;
                airline.on_time += u64::from(*delay_minutes < ON_TIME_MINUTES);
                airline.arrival_delay_minutes += i64::from(*delay_minutes);
            }
            FlightEvent::Departed { .. } | FlightEvent::Diverted { .. } => {}
        }
    }
}

impl Punctuality {
    fn of(&mut self, carrier: &str) -> &mut AirlineRecord {
        self.airlines.entry(carrier.to_owned()).or_default()
    }
}

/// Which airlines are the most punctual?
#[query]
pub(crate) struct AirlinesByPunctuality;

#[query_handler]
pub(crate) fn airlines_by_punctuality(
    _query: AirlinesByPunctuality,
    punctuality: &Punctuality,
) -> Vec<(String, AirlineRecord)> {
    let mut airlines: Vec<_> =
        punctuality.airlines.iter().map(|(carrier, record)| (carrier.clone(), record.clone())).collect();
    airlines.sort_by(|(_, one), (_, other)| other.on_time_share().total_cmp(&one.on_time_share()));
    airlines
}
