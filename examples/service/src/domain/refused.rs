/// Why the studio does not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no workshop `{workshop}`")]
    NoSuchWorkshop { workshop: String },
    #[error("there is a workshop `{workshop}` already")]
    WorkshopIsThere { workshop: String },
    #[error("{seats} seats were asked for, and {free} are free")]
    NotEnoughSeats { seats: u32, free: u32 },
    #[error("{missing} cents are missing in the wallet of `{customer}`")]
    NotEnoughCredit { customer: String, missing: u64 },
    #[error("there is a booking `{booking}` already")]
    BookingIsThere { booking: String },
    #[error("the booking `{booking}` is not under way")]
    BookingNotUnderWay { booking: String },
}
