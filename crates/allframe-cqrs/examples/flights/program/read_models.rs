use allframe_cqrs::Projection;

use super::{airport_board::AirportBoard, flight::FlightEvent, punctuality::Punctuality};

/// All that this program can tell, built of the events in one go.
#[derive(Debug, Default)]
pub(crate) struct ReadModels {
    pub(crate) board: AirportBoard,
    pub(crate) punctuality: Punctuality,
    pub(crate) tally: Tally,
}

/// How often each thing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) scheduled: u64,
    pub(crate) cancelled: u64,
    pub(crate) departed: u64,
    pub(crate) arrived: u64,
    pub(crate) diverted: u64,
}

impl Projection for ReadModels {
    type Event = FlightEvent;

    fn apply(&mut self, event: &FlightEvent) {
        self.board.apply(event);
        self.punctuality.apply(event);
        self.tally.apply(event);
    }
}

impl Projection for Tally {
    type Event = FlightEvent;

    fn apply(&mut self, event: &FlightEvent) {
        *match event {
            FlightEvent::Scheduled { .. } => &mut self.scheduled,
            FlightEvent::Cancelled { .. } => &mut self.cancelled,
            FlightEvent::Departed { .. } => &mut self.departed,
            FlightEvent::Arrived { .. } => &mut self.arrived,
            FlightEvent::Diverted { .. } => &mut self.diverted,
        } += 1;
    }
}
