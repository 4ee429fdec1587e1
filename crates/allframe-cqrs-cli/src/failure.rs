use std::{error::Error, io, io::Write, process::ExitCode};

use eventstore_api::{StoreError, message_with_causes};

/// Why a command was not carried out, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("cannot open {what}")]
    Open { what: String, source: Box<dyn Error + Send + Sync> },
    #[error("cannot read {what}")]
    Read { what: String, source: io::Error },
    #[error("cannot write to {what}")]
    Write { what: String, source: io::Error },
    #[error("{what}")]
    System { what: &'static str, source: io::Error },
    /// A line of a file that cannot be taken.
    #[error("{place}")]
    BadLine { place: String, source: Box<dyn Error + Send + Sync> },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{store} could not be checked")]
    NotChecked { store: String, source: StoreError },
    #[error("stream `{0}` has no events")]
    NoSuchStream(eventstore_api::StreamId),
    #[cfg(feature = "schemas")]
    #[error(transparent)]
    Schemas(#[from] allframe_cqrs::schema::SchemaError),
    #[cfg(feature = "schemas")]
    #[error("no schema of `{0}` is registered")]
    NoSchema(String),
    /// Whoever read the output has seen enough.
    #[error("nobody reads the output")]
    NobodyReads,
}

impl Failure {
    /// A store cannot be opened.
    pub(crate) fn open(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Open { what: what.into(), source: source.into() }
    }

    /// Says what went wrong, for people on standard error and for programs with the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        if matches!(self, Self::NobodyReads) {
            return ExitCode::SUCCESS;
        }
        // If standard error is closed, the exit code is all that can be told.
        let _ = writeln!(io::stderr(), "error: {}", message_with_causes(self));
        ExitCode::from(match self {
            Self::Usage(_) | Self::NotChecked { .. } => 2,
            Self::Open { source, .. } if !is_damage(&**source) => 2,
            _ => 1,
        })
    }
}

fn is_damage(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref::<StoreError>(), Some(StoreError::Corrupted { .. }))
}
