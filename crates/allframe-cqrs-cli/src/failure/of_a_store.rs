use eventstore_api::StoreError;
use eventstore_migrate::MigrationError;

use super::Failure;

impl Failure {
    /// What a store has said; of two stores, one of them.
    ///
    /// By hand: an error that is transparent is not among the causes of what it is in.
    pub(super) fn of_a_store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error)
            | Self::Append { source: error, .. }
            | Self::NotClosed { source: error, .. }
            | Self::Migration(MigrationError::Source(error) | MigrationError::Target(error)) => Some(error),
            Self::CutImport(failure) => failure.of_a_store(),
            #[cfg(feature = "schemas")]
            Self::Schemas(allframe_cqrs::schema::SchemaError::Store(error)) => Some(error),
            #[cfg(feature = "toolkit")]
            other => other.through_the_toolkit(),
            #[cfg(not(feature = "toolkit"))]
            _ => None,
        }
    }

    #[cfg(feature = "toolkit")]
    fn through_the_toolkit(&self) -> Option<&StoreError> {
        use allframe_cqrs::{Error, consumer_group::GroupError, process::ProcessError, saga::SagaError};

        let (Self::Toolkit(error)
        | Self::Sagas(SagaError::Store(error))
        | Self::Groups(GroupError::Store(error))
        | Self::Processes(
            ProcessError::Store(error)
            | ProcessError::Group(GroupError::Store(error))
            | ProcessError::Saga(SagaError::Store(error)),
        )) = self
        else {
            return None;
        };
        match error {
            Error::Store(error) | Error::OutcomeUnknown { source: error, .. } => Some(error),
            _ => None,
        }
    }
}
