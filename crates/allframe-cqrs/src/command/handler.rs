use async_trait::async_trait;

use super::{Command, CommandError};
use crate::Event;

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
