use std::{any::type_name, fmt};

use crate::{BuildError, Command, CommandHandler, CommandResult, Event};

/// The bus that hands events back, as AllFrame's does: it is made empty, filled while it runs, and stores nothing. Whoever
/// dispatches stores the events. Idempotency keys are remembered as long as the bus lives.
///
/// [`allframe_cqrs::CommandBus`](crate::CommandBus) stores them, and what it knows of keys outlives it.
///
/// ```
/// use allframe_cqrs::compat::CommandBus;
/// use allframe_cqrs::{Command, CommandHandler, CommandResult, async_trait};
/// # use allframe_cqrs::event;
/// # #[event]
/// # #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// # struct Opened;
///
/// struct Open;
/// impl Command for Open {}
///
/// struct OpenHandler;
///
/// #[async_trait]
/// impl CommandHandler<Open, Opened> for OpenHandler {
///     async fn handle(&self, _command: Open) -> CommandResult<Opened> { Ok(vec![Opened]) }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let bus = CommandBus::new();
/// bus.register(OpenHandler).await.unwrap();
/// let events: Vec<Opened> = bus.dispatch(Open).await.unwrap();
/// assert_eq!(events, [Opened]);
/// # });
/// ```
pub struct CommandBus<E>(crate::CommandBus<E>);

impl<E: Event> CommandBus<E> {
    /// A bus without handlers.
    #[must_use]
    pub fn new() -> Self {
        Self(crate::CommandBus::that_hands_back())
    }

    /// Handles commands of type `C` from now on.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when there is a handler for them, which stays: AllFrame's bus forgets it.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn register<C: Command, H: CommandHandler<C, E> + 'static>(
        &self,
        handler: H,
    ) -> Result<(), BuildError> {
        self.0.add_handler::<C, H>(type_name::<H>(), handler)
    }

    /// Takes a command to its handler, and answers with the events that this decides on.
    ///
    /// # Errors
    ///
    /// As [`CommandBus::dispatch`](crate::CommandBus::dispatch).
    pub async fn dispatch<C: Command>(&self, command: C) -> CommandResult<E> {
        self.0.dispatch(command).await.map(|done| done.events)
    }

    /// The same, once for a key: later dispatches answer with the events of the first.
    ///
    /// # Errors
    ///
    /// As [`CommandBus::dispatch_idempotent`](crate::CommandBus::dispatch_idempotent).
    pub async fn dispatch_idempotent<C: Command>(
        &self,
        command: C,
        idempotency_key: String,
    ) -> CommandResult<E> {
        self.0.dispatch_idempotent(command, idempotency_key).await.map(|done| done.events)
    }

    /// How many handlers there are.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn handlers_count(&self) -> usize {
        self.0.commands().len()
    }
}

impl<E: Event> Default for CommandBus<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Clone for CommandBus<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> fmt::Debug for CommandBus<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommandBus").field(&self.0).finish()
    }
}
