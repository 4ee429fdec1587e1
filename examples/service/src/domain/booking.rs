//! A booking: asked for at once, and decided by a [saga](super::booking_saga).

use allframe_cqrs::{Aggregate, command, command_handler};
use serde::{Deserialize, Serialize};

use super::{
    Refused,
    StudioEvent::{self, BookingBegun, BookingConfirmed, BookingDeclined, BookingRequested},
};

/// A booking, as its events make it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Booking {
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Unknown,
    Requested,
    UnderWay,
    Over,
}

impl Aggregate for Booking {
    type Event = StudioEvent;

    fn apply_event(&mut self, event: &StudioEvent) {
        self.stage = match event {
            BookingRequested { .. } => Stage::Requested,
            BookingBegun { .. } => Stage::UnderWay,
            BookingConfirmed { .. } | BookingDeclined { .. } => Stage::Over,
            _ => self.stage,
        };
    }
}

/// Asks for seats. What follows is up to the saga that this starts: ask for the booking to learn of it.
#[command(json, stream = "booking-{booking}")]
#[derive(Serialize, Deserialize)]
pub(crate) struct RequestBooking {
    /// Chosen by who asks.
    #[validate(length(min = 1, max = 64))]
    pub(crate) booking: String,
    #[validate(length(min = 1, max = 64))]
    pub(crate) workshop: String,
    #[validate(length(min = 1, max = 64))]
    pub(crate) customer: String,
    #[validate(range(min = 1, max = 20))]
    pub(crate) seats: u32,
}

#[command_handler]
fn request_booking(command: &RequestBooking, known: &Booking) -> Result<Vec<StudioEvent>, Refused> {
    let RequestBooking { booking, workshop, customer, seats } = command;
    match known.stage {
        Stage::Unknown => Ok(vec![BookingRequested {
            booking: booking.clone(),
            workshop: workshop.clone(),
            customer: customer.clone(),
            seats: *seats,
        }]),
        _ => Err(Refused::BookingIsThere { booking: booking.clone() }),
    }
}

/// The first step of the saga. What undoes it comes last, when all else is undone: the booking is declined.
#[command(stream = "booking-{booking}", inverse = DeclineBooking { booking })]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct BeginBooking {
    pub(crate) booking: String,
}

#[command_handler]
fn begin_booking(command: &BeginBooking, known: &Booking) -> Result<Vec<StudioEvent>, Refused> {
    match known.stage {
        Stage::Requested => Ok(vec![BookingBegun { booking: command.booking.clone() }]),
        _ => Err(not_under_way(&command.booking)),
    }
}

#[command(stream = "booking-{booking}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DeclineBooking {
    pub(crate) booking: String,
}

#[command_handler]
fn decline_booking(command: &DeclineBooking, known: &Booking) -> Result<Vec<StudioEvent>, Refused> {
    match known.stage {
        Stage::UnderWay => Ok(vec![BookingDeclined { booking: command.booking.clone() }]),
        _ => Err(not_under_way(&command.booking)),
    }
}

#[command(stream = "booking-{booking}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ConfirmBooking {
    pub(crate) booking: String,
}

#[command_handler]
fn confirm_booking(command: &ConfirmBooking, known: &Booking) -> Result<Vec<StudioEvent>, Refused> {
    match known.stage {
        Stage::UnderWay => Ok(vec![BookingConfirmed { booking: command.booking.clone() }]),
        _ => Err(not_under_way(&command.booking)),
    }
}

fn not_under_way(booking: &str) -> Refused {
    Refused::BookingNotUnderWay { booking: booking.to_owned() }
}
