use allframe_cqrs::{Projection, projection};
use serde::{Deserialize, Serialize};

use super::flight::FlightEvent;

/// How often each thing happened.
#[projection(name = "tally", version = 1)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) scheduled: u64,
    pub(crate) cancelled: u64,
    pub(crate) departed: u64,
    pub(crate) arrived: u64,
    pub(crate) diverted: u64,
}

impl Tally {
    /// How many events there are of flights; the store may hold others, of sagas.
    pub(crate) fn events(self) -> u64 {
        let Self { scheduled, cancelled, departed, arrived, diverted } = self;
        scheduled + cancelled + departed + arrived + diverted
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
