use std::fmt;

/// Why a bus was not built: everything that is wrong with it, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildError {
    /// What is wrong, in the order in which the handlers were given.
    pub problems: Vec<BuildProblem>,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bus cannot be built")?;
        for problem in &self.problems {
            write!(f, "\n- {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

impl From<BuildError> for String {
    fn from(error: BuildError) -> Self {
        error.to_string()
    }
}

/// One thing that is wrong with a bus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildProblem {
    /// A handler has an argument that nobody gave to the bus.
    #[error("`{handler}` asks for a `{type_name}`; {}", way_to_give(type_name))]
    MissingDependency {
        /// The path of the handler.
        handler: &'static str,
        /// The type of the argument.
        type_name: &'static str,
    },
    /// Two handlers handle the same.
    #[error("`{handled}` is handled by `{first}` and by `{second}`; leave one of them out")]
    DuplicateHandler {
        /// The name of the command or query.
        handled: &'static str,
        /// The path of the first handler.
        first: &'static str,
        /// The path of the second.
        second: &'static str,
    },
    /// Two commands have one name, by which they are known in JSON, metadata and metrics.
    #[error(
        "`{first}` and `{second}` are both called `{name}`; give one another, with #[command(name = \"..\")] or `Command::name`"
    )]
    SameName {
        /// The name.
        name: &'static str,
        /// The type of the first.
        first: &'static str,
        /// The type of the second.
        second: &'static str,
    },
    /// The schema of a command is none that can be checked against.
    #[error("the JSON schema of `{command}` cannot be used: {reason}")]
    InvalidSchema {
        /// The name of the command.
        command: &'static str,
        /// Why not.
        reason: String,
    },
}

/// A bus, or all that is wrong with it.
pub(crate) fn built<T>(bus: T, problems: Vec<BuildProblem>) -> Result<T, BuildError> {
    if problems.is_empty() { Ok(bus) } else { Err(BuildError { problems }) }
}

/// How a bus is given something of a type.
fn way_to_give(type_name: &str) -> &'static str {
    match type_name {
        handle if handle.contains("ProjectionHandle<") => "give the bus one with `projection`",
        repository if repository.contains("Repository<") => {
            "give the bus one with `repository`, and take it as an `Arc<Repository<A, Arc<dyn EventStoreBackend>>>`"
        }
        store if store.contains("EventStore<") => {
            "the store of the bus is taken as it was given, or as an `EventStore<E, Arc<dyn EventStoreBackend>>`; give the bus \
             another one with `provide`"
        }
        _ => {
            "give the bus one with `provide`; if it is the aggregate to decide on, the handler is a function that is not async, \
             and takes it second and by reference"
        }
    }
}
