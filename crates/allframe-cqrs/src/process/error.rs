use std::sync::Arc;

use eventstore_api::{StreamId, Version};

use crate::{CommandError, Error, Panicked, consumer_group::GroupError, saga::SagaError};

/// Why a process manager was not opened, or an instance of one did not react.
///
/// What keeps an instance from reacting to an event fails the delivery of the event: it is delivered again, and parked at last with
/// this as the reason.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// What the store answered.
    #[error(transparent)]
    Store(#[from] Error),
    /// What the consumer group answered through which the events come.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// What the orchestrator answered that starts sagas, timers and scheduled commands.
    #[error(transparent)]
    Saga(#[from] SagaError),
    /// It cannot name a process manager.
    #[error("`{name}` cannot name a process manager: it has 1 to 48 letters, digits, `_` and `.`")]
    InvalidName {
        /// The name.
        name: String,
    },
    /// Two process managers have one name.
    #[error("there are two process managers `{name}`; give one another name")]
    TwoProcesses {
        /// The name.
        name: String,
    },
    /// Two commands of one process manager have one name, or one was given twice.
    #[error("the process manager `{process}` was given two commands `{command}`; give it each once")]
    TwoCommands {
        /// The process manager.
        process: String,
        /// The name of the command.
        command: String,
    },
    /// Two handlers are for timers of one name.
    #[error("the process manager `{process}` has two handlers for the timer `{timer}`")]
    TwoTimers {
        /// The process manager.
        process: String,
        /// The name of the timers.
        timer: String,
    },
    /// There is no process manager of this name here.
    #[error("there is no process manager `{name}` here")]
    NoProcess {
        /// The name.
        name: String,
    },
    /// An event belongs to an instance whose key makes no legal stream.
    #[error("`{key}` cannot be the key of an instance of `{process}`: {reason}")]
    InvalidKey {
        /// The process manager.
        process: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A handler has set a timer for which there is no handler, or there is none for one whose time has come.
    #[error(
        "the process manager `{process}` has no handler for the timer `{timer}`; give it one with `on_timer`"
    )]
    UnknownTimer {
        /// The process manager.
        process: String,
        /// The name of the timer.
        timer: String,
    },
    /// A handler has dispatched a command that its process manager was not given.
    #[error("the process manager `{process}` does not know where `{command}` goes; say so with `dispatches`")]
    UnknownCommand {
        /// The process manager.
        process: String,
        /// The name of the command.
        command: String,
    },
    /// What an instance knows cannot be read as its state is today. It is left as it is.
    #[error(
        "the state of version {version} of `{stream}` cannot be read; let the type of the state read what it has written"
    )]
    UnreadableState {
        /// The stream of the instance.
        stream: StreamId,
        /// The version.
        version: Version,
        /// What stood in the way.
        source: Arc<serde_json::Error>,
    },
    /// A command or the payload of a timer, as it was stored, cannot be read as its type is today.
    #[error("`{name}` cannot be read as it was stored; let its type read what it has written")]
    Unreadable {
        /// The name of the command or the timer.
        name: String,
        /// What stood in the way.
        source: Arc<serde_json::Error>,
    },
    /// Something that a handler has decided on cannot be stored.
    #[error("{what} cannot be stored")]
    Unwritable {
        /// What.
        what: String,
        /// What stood in the way.
        source: Arc<serde_json::Error>,
    },
    /// A handler panicked, or a function for keys. Nothing of what it decided was stored.
    #[error("a handler of the process manager `{process}` failed")]
    Panicked {
        /// The process manager.
        process: String,
        /// How.
        source: Panicked,
    },
    /// A handler will not react to this. Nothing of what it decided was stored.
    #[error("{reason}")]
    Failed {
        /// Why.
        reason: String,
    },
    /// A command was refused, and the process manager has no handler for that, or the instance has ended.
    #[error("the command `{command}` was refused, and no handler takes that: give one with `on_refused`")]
    Refused {
        /// The name of the command.
        command: String,
        /// Why.
        source: CommandError,
    },
    /// A handler of refusals has dispatched commands that were refused, again and again.
    #[error("commands were refused that were dispatched because others were refused, {times} times in a row")]
    RefusedTooOften {
        /// How often.
        times: usize,
    },
    /// A command was not carried out, for no reason of the domain.
    #[error("the command `{command}` was not carried out")]
    Command {
        /// The name of the command.
        command: String,
        /// Why.
        source: CommandError,
    },
    /// Others wrote to the instance again and again while it decided.
    #[error("others were faster {attempts} times in a row at `{stream}`")]
    Overtaken {
        /// The stream of the instance.
        stream: StreamId,
        /// How often.
        attempts: u32,
    },
    /// The process managers are closed, or not open yet.
    #[error("the process managers are closed")]
    Closed,
}

impl From<ProcessError> for String {
    fn from(error: ProcessError) -> Self {
        eventstore_api::message_with_causes(&error)
    }
}
