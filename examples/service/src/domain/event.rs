use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

/// All that happens in the studio. Amounts are in cents.
#[event]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StudioEvent {
    WorkshopPublished { workshop: String, title: String, seats: u32, price: u64 },
    SeatsAdded { workshop: String, seats: u32 },
    SeatsHeld { workshop: String, booking: String, seats: u32, price: u64 },
    SeatsReleased { workshop: String, booking: String, seats: u32 },
    WalletToppedUp { customer: String, amount: u64 },
    WalletCharged { customer: String, booking: String, amount: u64 },
    WalletRefunded { customer: String, booking: String, amount: u64 },
    BookingRequested { booking: String, workshop: String, customer: String, seats: u32 },
    BookingBegun { booking: String },
    BookingConfirmed { booking: String },
    BookingDeclined { booking: String },
}
