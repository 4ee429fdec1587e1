//! A studio that holds workshops: people pay from a wallet, and book seats.
//!
//! Everything here is rules and words. It knows neither HTTP nor which store the events are in.

pub(crate) mod booking;
pub(crate) mod booking_saga;
pub(crate) mod bookings;
pub(crate) mod catalogue;
pub(crate) mod event;
pub(crate) mod refused;
pub(crate) mod wallet;
pub(crate) mod wallets;
pub(crate) mod workshop;

pub(crate) use event::StudioEvent;
pub(crate) use refused::Refused;
