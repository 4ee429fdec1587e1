//! What a booking takes: seats and money, both or neither.

use allframe_cqrs::{
    CommandBus,
    process::ProcessManager,
    saga,
    saga::{Saga, StepError},
};
use serde::{Deserialize, Serialize};

use super::{
    StudioEvent,
    booking::{BeginBooking, ConfirmBooking},
    wallet::ChargeWallet,
    workshop::HoldSeats,
};

/// Books: the steps, each a command with an inverse.
pub(crate) struct BookingSaga {
    pub(crate) bus: CommandBus<StudioEvent>,
}

/// What one is begun with.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wanted {
    booking: String,
    workshop: String,
    customer: String,
    seats: u32,
}

#[saga(name = "booking", timeout = "15m")]
impl BookingSaga {
    #[saga_step(command)]
    fn begin(&self, input: &Wanted) -> BeginBooking {
        BeginBooking { booking: input.booking.clone() }
    }

    #[saga_step(command, after(begin))]
    fn hold_seats(&self, input: &Wanted) -> HoldSeats {
        HoldSeats { workshop: input.workshop.clone(), booking: input.booking.clone(), seats: input.seats }
    }

    /// The price is that of the moment in which the seats were held.
    #[saga_step(command)]
    fn charge(&self, input: &Wanted, hold_seats: &[StudioEvent]) -> Result<ChargeWallet, StepError> {
        let price = hold_seats.iter().find_map(|event| match event {
            StudioEvent::SeatsHeld { price, .. } => Some(*price),
            _ => None,
        });
        let amount = price.ok_or_else(|| StepError::rejected("no seats were held"))?;
        Ok(ChargeWallet { customer: input.customer.clone(), booking: input.booking.clone(), amount })
    }

    /// All is done by then. Where this fails, a person has to look: nobody is to lose a seat that is paid for.
    #[saga_step(command, after(charge), on_failure = park)]
    fn confirm(&self, input: &Wanted) -> ConfirmBooking {
        ConfirmBooking { booking: input.booking.clone() }
    }
}

/// Starts one for each booking that is asked for, also where the process died between the two.
pub(crate) fn starter() -> ProcessManager<(), StudioEvent> {
    ProcessManager::starting_sagas("bookings", BookingSaga::NAME, |event: &StudioEvent| match event {
        StudioEvent::BookingRequested { booking, workshop, customer, seats } => {
            let wanted = Wanted {
                booking: booking.clone(),
                workshop: workshop.clone(),
                customer: customer.clone(),
                seats: *seats,
            };
            Some((booking.clone(), wanted))
        }
        _ => None,
    })
}
