use std::{ops::Deref, sync::Arc};

use eventstore_api::Version;

use crate::Aggregate;

/// The state of an aggregate as of a version of its stream.
pub(super) struct State<A> {
    pub(super) aggregate: Held<A>,
    pub(super) version: Version,
    /// The version of the snapshot it was built on, or of the last one taken of it.
    pub(super) snapshot_version: Version,
}

impl<A: Aggregate> State<A> {
    pub(super) fn initial() -> Self {
        Self::of_snapshot(A::default(), Version::NONE)
    }

    pub(super) fn of_snapshot(aggregate: A, version: Version) -> Self {
        Self { aggregate: Held::Owned(aggregate), version, snapshot_version: version }
    }
}

/// An aggregate that is ours alone, or one that the cache may hold too.
pub(super) enum Held<A> {
    Owned(A),
    Shared { aggregate: Arc<A>, clone: fn(&A) -> A },
}

impl<A> Held<A> {
    /// The aggregate, to be changed: a copy only where somebody else still holds it.
    pub(super) fn into_owned(self) -> A {
        match self {
            Self::Owned(aggregate) => aggregate,
            Self::Shared { aggregate, clone } => {
                Arc::try_unwrap(aggregate).unwrap_or_else(|shared| clone(&shared))
            }
        }
    }

    /// The aggregate, to be handed around.
    pub(super) fn into_shared(self) -> Arc<A> {
        match self {
            Self::Owned(aggregate) => Arc::new(aggregate),
            Self::Shared { aggregate, .. } => aggregate,
        }
    }
}

impl<A> Deref for Held<A> {
    type Target = A;

    fn deref(&self) -> &A {
        match self {
            Self::Owned(aggregate) => aggregate,
            Self::Shared { aggregate, .. } => aggregate,
        }
    }
}
