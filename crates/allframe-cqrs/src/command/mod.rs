mod error;
mod fingerprint;
mod handler;
mod inverse_of;
mod invertible;
mod json_form;
mod validation;

pub use error::{CommandError, Rejection};
use eventstore_api::{InvalidInput, StreamId};
pub use fingerprint::Fingerprint;
#[cfg(feature = "schema")]
pub(crate) use fingerprint::sorted;
#[doc(hidden)]
pub use fingerprint::{Fingerprinted, OfAny, OfSerialize};
pub use handler::{CommandHandler, CommandResult};
#[doc(hidden)]
pub use inverse_of::{InverseOf, InverseVisitor, OfAnyCommand, OfInvertible};
pub use invertible::Invertible;
pub use json_form::JsonForm;
#[doc(hidden)]
pub use json_form::ReadFromJson;
pub use validation::ValidationError;
#[cfg(feature = "validation")]
#[doc(hidden)]
pub use validation::{check_with_garde, rule_fits};

use crate::event::last_path_segment;

/// A request to change something, which may be refused. `#[command]` implements it, and writes what its attributes say.
///
/// By hand, as with AllFrame, `impl Command for OpenAccount {}` is enough; whatever is not said is then left to the handler.
///
/// ```
/// use allframe_cqrs::{Command, command};
///
/// #[command(stream = "account-{account}")]
/// struct OpenAccount { account: u32, owner: String }
///
/// let open = OpenAccount { account: 7, owner: "ann".into() };
/// assert_eq!(open.target().unwrap()?.as_str(), "account-7");
/// assert_eq!(OpenAccount::name(), "OpenAccount");
/// # Ok::<_, allframe_cqrs::InvalidInput>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no command",
    note = "write `#[command]` on it; the command is the first argument of its handler"
)]
pub trait Command: Send + Sync + 'static {
    /// What it is called: in `dispatch_json`, in the metadata of its events, in spans and metrics. The name of its type, without
    /// path and parameters, unless overridden.
    #[must_use]
    fn name() -> &'static str
    where
        Self: Sized,
    {
        last_path_segment(std::any::type_name::<Self>())
    }

    /// The stream that it is for, to which its events are appended; `None` where only its handler knows.
    fn target(&self) -> Option<Result<StreamId, InvalidInput>> {
        None
    }

    /// Checks what its declaration says of its fields, before any handler sees it.
    ///
    /// # Errors
    ///
    /// Every field that is not as it must be.
    fn check(&self) -> Result<(), Vec<ValidationError>> {
        Ok(())
    }

    /// What tells one command from another of its type under one idempotency key; `None` where nothing does.
    /// `#[command]` takes it of every command that is `Serialize`.
    fn fingerprint(&self) -> Option<Fingerprint> {
        None
    }

    /// How it is read from JSON; `None` where it is not. `#[command(json)]` gives it one.
    #[must_use]
    fn json_form() -> Option<JsonForm<Self>>
    where
        Self: Sized,
    {
        None
    }
}

/// A command that a handler takes by value and that decides on an aggregate: it may have to decide again, when another writer was
/// faster.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decided on again when another writer was faster",
    label = "is not `Clone`",
    note = "take the command by reference, `command: &{Self}`, or derive `Clone` for it"
)]
pub trait DecidedAgain {
    /// The command for one more decision.
    #[must_use]
    fn again(&self) -> Self;
}

impl<C: Clone> DecidedAgain for C {
    fn again(&self) -> Self {
        self.clone()
    }
}

/// A command that says which stream it is for. `#[command(stream = "..")]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which stream it is for",
    note = "write `#[command(stream = \"account-{{account}}\")]`, with the fields of the command that name it; the command is the \
            first argument of its handler"
)]
pub trait Addressed: Command {
    /// The stream.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when its fields make no legal stream id.
    fn stream_id(&self) -> Result<StreamId, InvalidInput>;
}
