//! What became of each booking: a read model, and what the saga of the booking says.

use std::collections::BTreeMap;

use allframe_cqrs::{
    Projection, ProjectionHandle, QueryError, projection, query, query_handler,
    saga::{Saga, SagaError, SagaId, Sagas},
};
use serde::{Deserialize, Serialize};

use super::{StudioEvent, booking_saga::BookingSaga};

#[projection(name = "bookings", version = 1)]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Bookings {
    bookings: BTreeMap<String, Seen>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seen {
    workshop: String,
    customer: String,
    seats: u32,
    status: BookingStatus,
}

/// How far a booking is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BookingStatus {
    Pending,
    Confirmed,
    Declined,
}

impl Projection for Bookings {
    type Event = StudioEvent;

    fn apply(&mut self, event: &StudioEvent) {
        match event {
            StudioEvent::BookingRequested { booking, workshop, customer, seats } => {
                let seen = Seen {
                    workshop: workshop.clone(),
                    customer: customer.clone(),
                    seats: *seats,
                    status: BookingStatus::Pending,
                };
                self.bookings.insert(booking.clone(), seen);
            }
            StudioEvent::BookingConfirmed { booking } => self.becomes(booking, BookingStatus::Confirmed),
            StudioEvent::BookingDeclined { booking } => self.becomes(booking, BookingStatus::Declined),
            _ => {}
        }
    }
}

impl Bookings {
    fn becomes(&mut self, booking: &str, status: BookingStatus) {
        if let Some(seen) = self.bookings.get_mut(booking) {
            seen.status = status;
        }
    }
}

/// A booking, as who asked for it sees it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BookingSeen {
    #[serde(flatten)]
    seen: Seen,
    /// Why it was declined, or does not get on.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of this booking?
#[query]
pub(crate) struct BookingNamed {
    pub(crate) booking: String,
}

#[query_handler]
async fn booking_named(
    query: BookingNamed,
    bookings: ProjectionHandle<Bookings>,
    sagas: Sagas,
) -> Result<Option<BookingSeen>, QueryError> {
    // The view is let go before the saga is read: nothing is applied while there is one.
    let seen = bookings.read().await?.bookings.get(&query.booking).cloned();
    let Some(seen) = seen else { return Ok(None) };
    let reason = match seen.status {
        BookingStatus::Confirmed => None,
        BookingStatus::Pending | BookingStatus::Declined => reason(&sagas, &query.booking).await?,
    };
    Ok(Some(BookingSeen { seen, reason }))
}

async fn reason(sagas: &Sagas, booking: &str) -> Result<Option<String>, QueryError> {
    let saga = SagaId::new(BookingSaga::NAME, booking).map_err(QueryError::failed)?;
    match sagas.show(&saga).await {
        Ok(details) => Ok(details.reason),
        // It has been asked for, and nothing has been done yet.
        Err(SagaError::NotFound { .. }) => Ok(None),
        Err(SagaError::Store(error)) => Err(error.into()),
        Err(error) => Err(QueryError::failed(error)),
    }
}
