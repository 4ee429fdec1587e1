use std::{any::Any, error::Error as StdError, fmt, sync::Arc, time::Duration};

use eventstore_api::message_with_causes;

use super::ValidationError;
use crate::{Error, ErrorOrText, Panicked};

/// Why a command was refused or failed.
///
/// In a function whose errors are plain text, `?` turns it into its message with those of its causes.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The command itself is not as it must be; every failing field is listed.
    #[error("validation failed: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Validation(Vec<ValidationError>),
    /// A rule of the domain forbids it, as the handler says in its own type.
    #[error("{0}")]
    Rejected(Rejection),
    /// A rule of the domain forbids it, as the handler says in words.
    #[error("{0}")]
    BusinessLogic(String),
    /// Nobody handles such commands.
    #[error(
        "no handler is registered for {0}; mark one with #[command_handler] and let the bus `discover` it, or give it by hand"
    )]
    NotFound(String),
    /// The command has no form in JSON.
    #[error("`{command}` is not read from JSON; declare it with #[command(json)]")]
    NoJsonForm {
        /// Its name.
        command: &'static str,
    },
    /// It has been carried out before.
    #[error("already executed: {0}")]
    AlreadyExecuted(String),
    /// The idempotency key belongs to another command.
    #[error(
        "the key `{key}` was used for another command, a `{first}`; a key belongs to one command, take a new one"
    )]
    KeyReused {
        /// The key.
        key: String,
        /// The name of the command that it belongs to.
        first: String,
    },
    /// The command has a key, and its handler stores by itself, where the key cannot be stored with the events.
    #[error("`{command}` takes no key, since its handler stores by itself; let it answer the events instead")]
    StoresByItself {
        /// Its name.
        command: &'static str,
    },
    /// The handler answered with events and nobody said where to store them.
    #[error(
        "`{command}` does not say which stream its events go to; declare it with #[command(stream = \"..\")], \
         or let the handler answer a `Decision` that names the streams"
    )]
    NoStream {
        /// Its name.
        command: &'static str,
    },
    /// Who asked may not.
    #[error("denied: {0}")]
    Denied(String),
    /// It took too long, and was given up. Whether it was carried out is not known, unless it had a key: then try again with it.
    #[error(
        "given up after {0:?}; what it did by then is not known, a retry is safe with an idempotency key"
    )]
    TimedOut(Duration),
    /// More wait for their turn than may.
    #[error("{waiting} others wait already; try again later")]
    Overloaded {
        /// How many.
        waiting: usize,
    },
    /// The handler panicked, and nothing was stored by the bus; or a layer around it did, or what reads the command from JSON.
    #[error("the handler of `{command}` failed, or what stands around it")]
    Panicked {
        /// The name of the command.
        command: &'static str,
        /// How.
        source: Panicked,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] Error),
    /// Something else went wrong on the way.
    #[error("{0}")]
    Internal(String),
}

impl CommandError {
    /// What a handler answers that did not want to: any error, or a text. A `CommandError` stays as it is, one of the store
    /// becomes [`CommandError::Store`], and the rest are [rejections](CommandError::Rejected).
    ///
    /// ```
    /// use allframe_cqrs::CommandError;
    ///
    /// #[derive(Debug, PartialEq, thiserror::Error)]
    /// #[error("{missing} is missing")]
    /// struct Overdrawn { missing: u64 }
    ///
    /// let refused = CommandError::rejected(Overdrawn { missing: 5 });
    /// assert_eq!(refused.rejection::<Overdrawn>(), Some(&Overdrawn { missing: 5 }));
    /// assert_eq!(refused.to_string(), "5 is missing");
    /// ```
    pub fn rejected(reason: impl ErrorOrText) -> Self {
        let reason = match reason.into_error().downcast::<Self>() {
            Ok(this) => return *this,
            Err(reason) => reason,
        };
        match reason.downcast::<Error>() {
            Ok(error) => Self::Store(*error),
            Err(reason) => Self::Rejected(Rejection::new(reason)),
        }
    }

    /// The error that the domain rejected the command with, if it is of this type.
    #[must_use]
    pub fn rejection<R: StdError + 'static>(&self) -> Option<&R> {
        match self {
            Self::Rejected(rejection) => rejection.downcast_ref(),
            _ => None,
        }
    }

    /// One word for what became of the command, as in metrics.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Validation(_) => "invalid",
            Self::Rejected(_) | Self::BusinessLogic(_) | Self::AlreadyExecuted(_) => "rejected",
            Self::NotFound(_)
            | Self::NoJsonForm { .. }
            | Self::NoStream { .. }
            | Self::StoresByItself { .. } => "unhandled",
            Self::KeyReused { .. } => "key_reused",
            Self::Denied(_) => "denied",
            Self::TimedOut(_) => "timed_out",
            Self::Overloaded { .. } => "overloaded",
            Self::Panicked { .. } => "panicked",
            Self::Store(error) if error.is_conflict() => "conflict",
            Self::Store(_) | Self::Internal(_) => "failed",
        }
    }

    /// How often it was decided before it was given up, where that is why.
    pub(crate) fn attempts(&self) -> Option<u32> {
        match self {
            Self::Store(Error::ConflictsExhausted { attempts, .. }) => Some(*attempts),
            _ => None,
        }
    }

    pub(crate) fn panicked(command: &'static str, payload: &(dyn Any + Send)) -> Self {
        Self::Panicked { command, source: Panicked::new(payload) }
    }
}

impl From<CommandError> for String {
    fn from(error: CommandError) -> Self {
        message_with_causes(&error)
    }
}

/// Why a handler refused: its error, whatever type that is.
#[derive(Clone)]
pub struct Rejection(Arc<dyn StdError + Send + Sync>);

impl Rejection {
    pub(crate) fn new(reason: Box<dyn StdError + Send + Sync>) -> Self {
        Self(reason.into())
    }

    /// The handler's error, if it is of this type.
    #[must_use]
    pub fn downcast_ref<R: StdError + 'static>(&self) -> Option<&R> {
        self.0.downcast_ref()
    }

    /// The handler's error.
    #[must_use]
    pub fn reason(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_rejects_in_its_own_words_or_passes_on_what_it_met() {
        assert_eq!(CommandError::rejected("not today").to_string(), "not today");
        assert_eq!(CommandError::rejected(String::from("not today")).outcome(), "rejected");
        let passed_on = CommandError::rejected(CommandError::Denied("you".into()));
        assert!(matches!(passed_on, CommandError::Denied(who) if who == "you"));
        assert!(matches!(CommandError::rejected(Error::NoRuntime), CommandError::Store(Error::NoRuntime)));
    }
}
