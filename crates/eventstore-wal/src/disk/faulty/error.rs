//! The errors of a faulty disk, and how to tell them from real ones.

use std::{error::Error, io};

/// The power went out: everything fails from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the power of the faulty disk went out")]
pub struct PowerLost;

/// The process that opened the file was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the process that used the faulty disk was killed")]
pub struct Killed;

/// A fault that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}, as the faulty disk was told")]
pub struct Injected(&'static str);

/// Whether this is what a disk says after its power went out, or comes from that.
#[must_use]
pub fn is_power_loss(error: &(dyn Error + 'static)) -> bool {
    holds::<PowerLost>(error)
}

/// Whether this is what a disk says to a process that was killed, or comes from that.
#[must_use]
pub fn is_killed(error: &(dyn Error + 'static)) -> bool {
    holds::<Killed>(error)
}

/// Whether this is a fault of a [`Faults`](super::Faults) plan, or comes from one.
#[must_use]
pub fn is_injected(error: &(dyn Error + 'static)) -> bool {
    holds::<Injected>(error)
}

pub(super) fn power_lost() -> io::Error {
    io::Error::other(PowerLost)
}

pub(super) fn killed() -> io::Error {
    io::Error::other(Killed)
}

pub(super) fn interrupted() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, Injected("the call was interrupted"))
}

pub(super) fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, Injected("no space is left"))
}

pub(super) fn broken(what: &'static str) -> io::Error {
    io::Error::other(Injected(what))
}

fn holds<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        next = match error.downcast_ref::<io::Error>() {
            // Its `source` is that of the error within, which it skips.
            Some(error) => error.get_ref().map(|within| within as _),
            None => error.source(),
        };
    }
    false
}
