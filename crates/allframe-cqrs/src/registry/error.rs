use std::time::Duration;

use eventstore_api::{GlobalPosition, InvalidInput, message_with_causes};

use super::{FaultCause, ProjectionFault};
use crate::Error;

/// Why a [`ProjectionRegistry`](crate::ProjectionRegistry) did not do what was asked.
///
/// In a function whose errors are plain text, `?` turns it into its message with those of its causes.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// Nothing is registered under this name.
    #[error("no projection `{name}` is registered; register it first, or see `names` for those that are")]
    NotRegistered {
        /// The name, or the type that was asked for.
        name: String,
    },
    /// More than one projection is of the type that was asked for.
    #[error("{} are all of type `{type_name}`; say by name which one", names.join(", "))]
    Ambiguous {
        /// The type.
        type_name: &'static str,
        /// The names of all that are of it.
        names: Vec<String>,
    },
    /// The projection of this name is of another type.
    #[error("projection `{name}` is no `{type_name}`")]
    OtherType {
        /// The name.
        name: String,
        /// The type that was asked for.
        type_name: &'static str,
    },
    /// Two projections would have one name, and one stored state.
    #[error("a projection `{name}` is registered already; give one of them another name")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The name cannot be a part of a stream's name, under which the state is kept.
    #[error("`{name}` is no name for a projection")]
    InvalidName {
        /// The name.
        name: String,
        /// Why not.
        source: InvalidInput,
    },
    /// The projection has stopped at an event, and does not come to what was waited for.
    #[error(
        "projection `{name}` has stopped; mend the cause and resume it, or pass the event over by policy"
    )]
    Stopped {
        /// The name.
        name: String,
        /// Where and why.
        source: Box<ProjectionFault>,
    },
    /// The projection was told to wait, and does not come to what was waited for.
    #[error("projection `{name}` is paused; resume it first")]
    Paused {
        /// The name.
        name: String,
    },
    /// The state is half changed by an event that failed, and cannot be made anew.
    #[error(
        "the state of projection `{name}` is half changed by an event that failed, and it was registered as a value, \
         which cannot be made anew; register it with a `Registration`"
    )]
    HalfApplied {
        /// The name.
        name: String,
        /// Where and why.
        source: Box<ProjectionFault>,
    },
    /// The time was up first.
    #[error("projection `{name}` came only to position {position} of {wanted} in {timeout:?}")]
    TimedOut {
        /// The name.
        name: String,
        /// What was waited for.
        wanted: GlobalPosition,
        /// How far it had come.
        position: GlobalPosition,
        /// How long was waited.
        timeout: Duration,
    },
    /// There is no second place for its state: it was registered as a value, or its read model is in a database.
    #[error(
        "projection `{name}` cannot be built anew where it is: register a value with a `Registration`, which can make \
         as many as it takes, and a read model in a database under a new name or version, beside this one"
    )]
    CannotRebuild {
        /// The name.
        name: String,
    },
    /// The read model in a database could not be opened.
    #[error("the read model of projection `{name}` could not be opened")]
    ReadModel {
        /// The name.
        name: String,
        /// Why not.
        source: FaultCause,
    },
    /// The read model has events in it that the store does not have, as after a backup of the store was restored.
    #[error(
        "the read model of projection `{name}` stands at position {position}, and its store ends at {head}: it is of \
         another store, or of events that are lost; build it under a new name or version"
    )]
    AheadOfStore {
        /// The name.
        name: String,
        /// Where the read model stands.
        position: GlobalPosition,
        /// Where the store ends.
        head: GlobalPosition,
    },
    /// The new state could not be built. The old one goes on serving; where there was none, what was built up to the event
    /// that failed.
    #[error(
        "projection `{name}` could not be built; the state that it had, or the part that could be built, serves"
    )]
    RebuildFailed {
        /// The name.
        name: String,
        /// Where and why.
        source: Box<ProjectionFault>,
    },
    /// It runs no more: it was closed, or its runtime has ended.
    #[error("projection `{name}` is closed; start a new registry")]
    Closed {
        /// The name.
        name: String,
    },
    /// The store did not answer.
    #[error("the store failed projection `{name}`")]
    Store {
        /// The name.
        name: String,
        /// What it said.
        source: Error,
    },
    /// A task was to be spawned outside a tokio runtime.
    #[error(
        "projections need a tokio runtime; register them from a task, or from within `Runtime::block_on`"
    )]
    NoRuntime,
}

impl From<ProjectionError> for String {
    fn from(error: ProjectionError) -> Self {
        message_with_causes(&error)
    }
}
