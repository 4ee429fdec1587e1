use crate::Command;

/// A command that says which command undoes it. `#[command(inverse = ..)]` implements it.
///
/// What happened stays in the log; to undo it is a command of its own, which may be refused like any other. A saga derives the
/// compensation of a step from it: where a later step fails, it dispatches the inverse of each command that was carried out.
///
/// ```
/// use allframe_cqrs::{Invertible, command};
///
/// #[command(stream = "flight-{flight}", inverse = ReleaseSeats { flight, seats, why: format!("{passenger} stays") })]
/// struct HoldSeats { flight: u32, seats: u32, passenger: String }
///
/// #[command(stream = "flight-{flight}")]
/// #[derive(Debug, PartialEq)]
/// struct ReleaseSeats { flight: u32, seats: u32, why: String }
///
/// let hold = HoldSeats { flight: 1545, seats: 2, passenger: "ann".into() };
/// assert_eq!(hold.inverse(), ReleaseSeats { flight: 1545, seats: 2, why: "ann stays".into() });
/// ```
///
/// By hand, where the inverse is more than its fields:
///
/// ```
/// use allframe_cqrs::{Invertible, command};
///
/// #[command(stream = "account-{account}")]
/// struct Book { account: u32, cents: i64 }
///
/// impl Book {
///     fn of(account: u32, cents: i64) -> Self { Self { account, cents } }
/// }
///
/// impl Invertible for Book {
///     type Inverse = Self;
///     fn inverse(&self) -> Self { Self::of(self.account, -self.cents) }
/// }
///
/// assert_eq!(Book::of(7, 500).inverse().cents, -500);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which command undoes it",
    note = "write `#[command(inverse = Release {{ seats }})]` on it, with the command that undoes it, or implement `Invertible` \
            by hand"
)]
pub trait Invertible: Command {
    /// The type of the command that undoes it.
    type Inverse: Command;

    /// The command that undoes this one, once this one was carried out.
    #[must_use]
    fn inverse(&self) -> Self::Inverse;
}
