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
    #[error("`{handler}` asks for a `{type_name}`; give the bus one with `provide`")]
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
    #[error("`{first}` and `{second}` are both called `{name}`; override `Command::name` of one of them")]
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
