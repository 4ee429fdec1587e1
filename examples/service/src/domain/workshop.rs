//! Workshops and their seats.

use std::collections::BTreeMap;

use allframe_cqrs::{Aggregate, command, command_handler};
use serde::{Deserialize, Serialize};

use super::{
    Refused,
    StudioEvent::{self, SeatsAdded, SeatsHeld, SeatsReleased, WorkshopPublished},
};

/// A workshop, as its events make it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workshop {
    offer: Option<Offer>,
    /// How many seats each booking has.
    held: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    seats: u32,
    price: u64,
}

impl Aggregate for Workshop {
    type Event = StudioEvent;

    fn apply_event(&mut self, event: &StudioEvent) {
        match event {
            WorkshopPublished { seats, price, .. } => {
                self.offer = Some(Offer { seats: *seats, price: *price });
            }
            SeatsAdded { seats, .. } => {
                if let Some(offer) = &mut self.offer {
                    offer.seats = offer.seats.saturating_add(*seats);
                }
            }
            SeatsHeld { booking, seats, .. } => {
                self.held.insert(booking.clone(), *seats);
            }
            SeatsReleased { booking, .. } => {
                self.held.remove(booking);
            }
            _ => {}
        }
    }
}

impl Workshop {
    fn on_offer(&self, workshop: &str) -> Result<Offer, Refused> {
        self.offer.ok_or_else(|| Refused::NoSuchWorkshop { workshop: workshop.to_owned() })
    }
}

/// Puts a workshop on offer. From outside, as all commands that have a form in JSON.
#[command(json, stream = "workshop-{workshop}")]
#[derive(Serialize, Deserialize)]
pub(crate) struct PublishWorkshop {
    #[validate(length(min = 1, max = 64))]
    pub(crate) workshop: String,
    #[validate(length(min = 3, max = 120))]
    pub(crate) title: String,
    #[validate(range(min = 1, max = 1_000))]
    pub(crate) seats: u32,
    /// Of one seat, in cents.
    #[validate(range(max = 1_000_000))]
    pub(crate) price: u64,
}

#[command_handler]
fn publish_workshop(command: &PublishWorkshop, workshop: &Workshop) -> Result<Vec<StudioEvent>, Refused> {
    let PublishWorkshop { workshop: name, title, seats, price } = command;
    match workshop.offer {
        Some(_) => Err(Refused::WorkshopIsThere { workshop: name.clone() }),
        None => Ok(vec![WorkshopPublished {
            workshop: name.clone(),
            title: title.clone(),
            seats: *seats,
            price: *price,
        }]),
    }
}

/// Makes room for more people.
#[command(json, stream = "workshop-{workshop}")]
#[derive(Serialize, Deserialize)]
pub(crate) struct AddSeats {
    #[validate(length(min = 1, max = 64))]
    pub(crate) workshop: String,
    #[validate(range(min = 1, max = 1_000))]
    pub(crate) seats: u32,
}

#[command_handler]
fn add_seats(command: &AddSeats, workshop: &Workshop) -> Result<Vec<StudioEvent>, Refused> {
    workshop.on_offer(&command.workshop)?;
    Ok(vec![SeatsAdded { workshop: command.workshop.clone(), seats: command.seats }])
}

/// Keeps seats for a booking. A step of the [saga](super::booking_saga), which nobody outside can ask for: it has no form in JSON.
#[command(
    stream = "workshop-{workshop}",
    inverse = ReleaseSeats { workshop, booking }
)]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct HoldSeats {
    pub(crate) workshop: String,
    pub(crate) booking: String,
    pub(crate) seats: u32,
}

#[command_handler]
fn hold_seats(command: &HoldSeats, workshop: &Workshop) -> Result<Vec<StudioEvent>, Refused> {
    let HoldSeats { workshop: name, booking, seats } = command;
    let offer = workshop.on_offer(name)?;
    let free = offer.seats.saturating_sub(workshop.held.values().sum());
    if *seats > free {
        return Err(Refused::NotEnoughSeats { seats: *seats, free });
    }
    let price = offer.price.saturating_mul(u64::from(*seats));
    Ok(vec![SeatsHeld { workshop: name.clone(), booking: booking.clone(), seats: *seats, price }])
}

/// Gives the seats of a booking to others.
#[command(stream = "workshop-{workshop}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ReleaseSeats {
    pub(crate) workshop: String,
    pub(crate) booking: String,
}

#[command_handler]
fn release_seats(command: &ReleaseSeats, workshop: &Workshop) -> Vec<StudioEvent> {
    let ReleaseSeats { workshop: name, booking } = command;
    match workshop.held.get(booking) {
        Some(&seats) => vec![SeatsReleased { workshop: name.clone(), booking: booking.clone(), seats }],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knitting(events: &[StudioEvent]) -> Workshop {
        let published =
            WorkshopPublished { workshop: "knitting".into(), title: "Knitting".into(), seats: 3, price: 500 };
        let mut workshop = Workshop::default();
        for event in [&[published], events].concat() {
            workshop.apply_event(&event);
        }
        workshop
    }

    fn hold(booking: &str, seats: u32) -> HoldSeats {
        HoldSeats { workshop: "knitting".into(), booking: booking.into(), seats }
    }

    #[test]
    fn no_more_seats_are_held_than_there_are() {
        let two = hold_seats(&hold("ann", 2), &knitting(&[])).unwrap();
        let full = hold_seats(&hold("bob", 2), &knitting(&two));
        assert_eq!(full, Err(Refused::NotEnoughSeats { seats: 2, free: 1 }));
        assert!(hold_seats(&hold("bob", 1), &knitting(&two)).is_ok());
    }

    #[test]
    fn what_was_released_can_be_held_again() {
        let mut events = hold_seats(&hold("ann", 3), &knitting(&[])).unwrap();
        let release = ReleaseSeats { workshop: "knitting".into(), booking: "ann".into() };
        events.extend(release_seats(&release, &knitting(&events)));
        assert!(hold_seats(&hold("bob", 3), &knitting(&events)).is_ok());
        assert_eq!(release_seats(&release, &knitting(&events)), []);
    }
}
