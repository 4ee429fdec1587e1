use std::fmt;

/// Why events of a type cannot be read as they were stored: everything that is wrong with the way from their earlier forms to
/// that of today.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersioningError {
    /// The Rust type of the events.
    pub event: &'static str,
    /// What is wrong.
    pub problems: Vec<VersioningProblem>,
}

impl fmt::Display for VersioningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "earlier events cannot be read as `{}`", self.event)?;
        for problem in &self.problems {
            write!(f, "\n- {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for VersioningError {}

impl From<VersioningError> for String {
    fn from(error: VersioningError) -> Self {
        error.to_string()
    }
}

/// One thing that is wrong with the way from earlier forms of events to those of today.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersioningProblem {
    /// Nothing reads this form.
    #[error("nothing reads `{event_type}` version {schema_version}{}", way_out(*.schema_version, .reached_from.as_deref()))]
    Gap {
        /// The name under which it is stored.
        event_type: String,
        /// The version of its schema.
        schema_version: u32,
        /// The upcaster that makes it, where it is not stored so.
        reached_from: Option<String>,
    },
    /// Two ways lead on from this form.
    #[error(
        "`{event_type}` version {schema_version} is read by {first} and by {second}; leave one of them out"
    )]
    Fork {
        /// The name under which it is stored.
        event_type: String,
        /// The version of its schema.
        schema_version: u32,
        /// One of the two.
        first: String,
        /// The other.
        second: String,
    },
    /// A way comes back to where it was.
    #[error("upcasters go round in a circle: {}", .path.join(" -> "))]
    Cycle {
        /// The forms on it; the first is the last.
        path: Vec<String>,
    },
    /// An upcaster that is never called.
    #[error(
        "{upcaster} has nothing to do: `{type_name}` is stored as today's type is; give it the name and version under which the \
         earlier events are stored, with #[event(rename = \"..\", version = N)], or raise today's version"
    )]
    Idle {
        /// The upcaster.
        upcaster: String,
        /// The type that it takes.
        type_name: &'static str,
    },
    /// Unknown events are to be passed through, and the type has no place for them.
    #[error(
        "unknown events are to be passed through, and `{type_name}` has no variant for them; add one, \
         `#[event(unknown)] Unknown(UnknownEvent)`"
    )]
    NoUnknownVariant {
        /// The type of the events.
        type_name: &'static str,
    },
}

/// What to do about a gap.
fn way_out(schema_version: u32, reached_from: Option<&str>) -> String {
    match reached_from {
        Some(step) => {
            format!(
                ", which {step} makes; let that make a form that is read, or give the registry an upcaster from this one"
            )
        }
        None => format!(
            "; say what has changed since, with #[added], #[renamed], #[removed] or #[converted] on its fields or `unchanged({})` \
             on the event, or give the registry an upcaster from it",
            schema_version.saturating_add(1)
        ),
    }
}
