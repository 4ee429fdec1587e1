//! What is done on the ground for those who did not get away: the events beside those of the flights.

use allframe_cqrs::{Projection, command, command_handler, event};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroundEvent {
    SeatsHeld { flight: String, stranded: String, seats: u32 },
    SeatsReleased { flight: String, stranded: String, seats: u32 },
    PassengersNotified { stranded: String, flights: Vec<String> },
    GateReleased { stranded: String, airport: String },
}

/// Tells the passengers of a flight with which flights they get on.
#[command(stream = "ground-{stranded}")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NotifyPassengers {
    pub(crate) stranded: String,
    pub(crate) flights: Vec<String>,
}

#[command_handler]
async fn notify_passengers(command: NotifyPassengers) -> Vec<GroundEvent> {
    let NotifyPassengers { stranded, flights } = command;
    vec![GroundEvent::PassengersNotified { stranded, flights }]
}

/// Gives the gate of a flight that does not need it to others.
#[command(stream = "ground-{stranded}")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReleaseGate {
    pub(crate) stranded: String,
    pub(crate) airport: String,
}

#[command_handler]
async fn release_gate(command: ReleaseGate) -> Vec<GroundEvent> {
    let ReleaseGate { stranded, airport } = command;
    vec![GroundEvent::GateReleased { stranded, airport }]
}

/// How often each thing was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct GroundTally {
    pub(crate) seats_held: u64,
    pub(crate) seats_released: u64,
    pub(crate) flights_notified: u64,
    pub(crate) gates_released: u64,
}

impl Projection for GroundTally {
    type Event = GroundEvent;

    fn apply(&mut self, event: &GroundEvent) {
        match event {
            GroundEvent::SeatsHeld { seats, .. } => self.seats_held += u64::from(*seats),
            GroundEvent::SeatsReleased { seats, .. } => self.seats_released += u64::from(*seats),
            GroundEvent::PassengersNotified { .. } => self.flights_notified += 1,
            GroundEvent::GateReleased { .. } => self.gates_released += 1,
        }
    }
}
