use std::sync::Arc;

use allframe_cqrs::{
    CommandBus,
    saga::{OnFailure, SagaDefinition, SagaStep, StepContext, StepError},
};

use super::{
    ground::{GroundEvent, NotifyPassengers, ReleaseGate},
    seats::{HoldSeats, HowMany, PASSENGERS},
    timetable::{Cause, Stranded, Timetable, WayOn},
};

/// The name of the type of these sagas.
pub(crate) const REACCOMMODATION: &str = "reaccommodation";

// The names of the steps, by which later ones ask for what earlier ones have answered.
const FIND_FLIGHT: &str = "find_flight";
const HOLD_SEATS: &str = "hold_seats";
const HOLD_MORE_SEATS: &str = "hold_more_seats";

type Bus = CommandBus<GroundEvent>;
type CommandStep = SagaStep<Stranded, Vec<GroundEvent>>;

/// Brings the passengers of a flight onto the next one, and those who have no room there onto the one that follows: all of them,
/// or none.
pub(crate) fn reaccommodation(bus: &Bus, timetable: Arc<Timetable>) -> SagaDefinition<Stranded> {
    SagaDefinition::new(REACCOMMODATION)
        .then(find_flight(timetable))
        .then(hold_seats(bus))
        .then(hold_more_seats(bus))
        .then(notify(bus))
        .then(release_gate(bus))
}

fn find_flight(timetable: Arc<Timetable>) -> SagaStep<Stranded, WayOn> {
    SagaStep::new(FIND_FLIGHT, move |context: StepContext<Stranded>| {
        let way_on = timetable.way_on(context.input());
        async move { way_on.ok_or_else(|| StepError::rejected("no later flight goes there within a day")) }
    })
}

/// What is held is released where the saga turns round, by the inverse of the command.
fn hold_seats(bus: &Bus) -> CommandStep {
    SagaStep::invertible_command(HOLD_SEATS, bus, |context: &StepContext<Stranded>| {
        let flight = way_on(context)?.next;
        let stranded = context.input().flight.clone();
        Ok(HoldSeats { flight, stranded, seats: HowMany::UpTo(PASSENGERS) })
    })
}

/// For those who had no room on the next flight.
fn hold_more_seats(bus: &Bus) -> CommandStep {
    SagaStep::invertible_command(HOLD_MORE_SEATS, bus, |context: &StepContext<Stranded>| {
        let following = way_on(context)?.following;
        let flight = following.ok_or_else(|| StepError::rejected("no second flight goes within a day"))?;
        let stranded = context.input().flight.clone();
        Ok(HoldSeats { flight, stranded, seats: HowMany::All(without_seat(context)?) })
    })
    .when(|context| Ok(without_seat(context)? > 0))
}

/// There is no way back behind it: what people have been told cannot be taken back.
fn notify(bus: &Bus) -> CommandStep {
    SagaStep::command("notify", bus, |context: &StepContext<Stranded>| {
        let more = context.try_output::<Vec<GroundEvent>>(HOLD_MORE_SEATS)?.unwrap_or_default();
        let held = context.output::<Vec<GroundEvent>>(HOLD_SEATS)?.into_iter().chain(more);
        let flights = held.filter_map(|event| match event {
            GroundEvent::SeatsHeld { flight, .. } => Some(flight),
            _ => None,
        });
        Ok(NotifyPassengers { stranded: context.input().flight.clone(), flights: flights.collect() })
    })
    .on_failure(OnFailure::Park)
}

/// A flight that was diverted has left its gate long ago.
fn release_gate(bus: &Bus) -> CommandStep {
    SagaStep::command("release_gate", bus, |context: &StepContext<Stranded>| {
        let Stranded { flight, route, .. } = context.input().clone();
        Ok(ReleaseGate { stranded: flight, airport: route.origin })
    })
    .when(|context| Ok(context.input().by == Cause::Cancelled))
    .on_failure(OnFailure::Park)
}

fn way_on(context: &StepContext<Stranded>) -> Result<WayOn, StepError> {
    context.output(FIND_FLIGHT)
}

/// How many have no seat on the next flight.
fn without_seat(context: &StepContext<Stranded>) -> Result<u32, StepError> {
    let held = context.output::<Vec<GroundEvent>>(HOLD_SEATS)?;
    let seats = held.iter().map(|event| match event {
        GroundEvent::SeatsHeld { seats, .. } => *seats,
        _ => 0,
    });
    Ok(PASSENGERS.saturating_sub(seats.sum()))
}
