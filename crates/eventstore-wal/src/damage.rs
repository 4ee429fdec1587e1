use std::{io, sync::Arc};

use eventstore_api::StoreError;

use crate::other_store::OtherStore;

/// Bytes that are not what was written, where that is known to have been durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, byte {offset}: {detail}")]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub detail: String,
}

impl From<Damage> for StoreError {
    fn from(damage: Damage) -> Self {
        let Damage { file, offset, detail } = damage;
        Self::Corrupted { place: format!("{file}, byte {offset}"), detail }
    }
}

/// What to say of events of which nothing is left.
pub(crate) fn not_to_be_found(first: u64, last: u64) -> String {
    format!("the events at positions {first} to {last} are not to be found")
}

/// What keeps the engine from its files.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{doing}")]
    Io { doing: String, source: Arc<io::Error> },
    #[error(transparent)]
    Damaged(#[from] Damage),
    #[error(transparent)]
    OtherStore(#[from] OtherStore),
    /// The answer is not in memory, and waiting for the disk was not allowed.
    #[error("it takes waiting for the disk")]
    WouldWait,
    #[error("the store is closed")]
    Closed,
}

impl Failure {
    /// `doing` is only asked when something has failed.
    pub(crate) fn io(doing: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::WouldBlock => Self::WouldWait,
            _ => Self::Io { doing: doing(), source: Arc::new(source) },
        }
    }
}

/// Whether something has failed since a file is not there.
pub(crate) fn is_missing_file(failure: &Failure) -> bool {
    matches!(failure, Failure::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Damaged(damage) => damage.into(),
            Failure::Closed => Self::Closed,
            Failure::Io { .. } | Failure::OtherStore(_) | Failure::WouldWait => Self::storage(failure),
        }
    }
}
