use async_trait::async_trait;

use crate::Event;

/// A request to change something, which may be refused. `#[command]` implements it.
///
/// ```
/// use allframe_cqrs::{command, Command};
///
/// #[command]
/// struct OpenAccount { owner: String }
///
/// fn is_command<C: Command>(_: &C) {}
/// is_command(&OpenAccount { owner: "ann".into() });
/// ```
pub trait Command: Send + Sync + 'static {}

/// What a command handler answers: the events to store, or why not.
pub type CommandResult<E> = Result<Vec<E>, CommandError>;

/// What carries out commands of type `C`, by deciding on events of type `E`.
///
/// ```
/// use allframe_cqrs::{async_trait, command, event, CommandError, CommandHandler, CommandResult, ValidationError};
///
/// #[command]
/// struct OpenAccount { owner: String }
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct AccountOpened { owner: String }
///
/// struct OpenAccountHandler;
///
/// #[async_trait]
/// impl CommandHandler<OpenAccount, AccountOpened> for OpenAccountHandler {
///     async fn handle(&self, command: OpenAccount) -> CommandResult<AccountOpened> {
///         if command.owner.is_empty() {
///             return Err(CommandError::Validation(vec![ValidationError::new("owner", "must not be empty")]));
///         }
///         Ok(vec![AccountOpened { owner: command.owner }])
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let refused = OpenAccountHandler.handle(OpenAccount { owner: String::new() }).await;
/// assert_eq!(refused.err().unwrap().to_string(), "validation failed: owner: must not be empty");
/// # });
/// ```
#[async_trait]
pub trait CommandHandler<C: Command, E: Event>: Send + Sync {
    /// Carries a command out.
    ///
    /// # Errors
    ///
    /// [`CommandError`] with why it was refused or failed.
    async fn handle(&self, command: C) -> CommandResult<E>;
}

/// Why a command was refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The command itself is not as it must be; every failing field is listed.
    #[error("validation failed: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Validation(Vec<ValidationError>),
    /// A rule of the domain forbids it.
    #[error("{0}")]
    BusinessLogic(String),
    /// Nobody handles such commands.
    #[error("no handler is registered for {0}")]
    NotFound(String),
    /// It has been carried out before.
    #[error("already executed: {0}")]
    AlreadyExecuted(String),
    /// Something else went wrong on the way.
    #[error("{0}")]
    Internal(String),
}

/// What is wrong with one field of a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ValidationError {
    /// Which field.
    pub field: String,
    /// What is wrong, for a person.
    pub message: String,
    /// What is wrong, for a program; `validation_failed` unless said otherwise.
    pub code: String,
}

impl ValidationError {
    /// An error in this field, with the code `validation_failed`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with_code(field, message, "validation_failed")
    }

    /// An error in this field, with this code.
    pub fn with_code(field: impl Into<String>, message: impl Into<String>, code: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), code: code.into() }
    }
}
