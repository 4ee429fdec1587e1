use std::{ops::Deref, sync::Arc};

use eventstore_api::Version;

/// What the events of a stream add up to, as of a version of it.
pub(crate) struct StreamState<S> {
    pub(crate) value: Held<S>,
    pub(crate) version: Version,
    /// The version of the snapshot it was built on, or of the last one taken of it.
    pub(crate) snapshot_version: Version,
}

impl<S> StreamState<S> {
    pub(crate) fn initial() -> Self
    where
        S: Default,
    {
        Self::of_snapshot(S::default(), Version::NONE)
    }

    pub(crate) fn of_snapshot(value: S, version: Version) -> Self {
        Self { value: Held::Owned(value), version, snapshot_version: version }
    }
}

/// A state that is ours alone, or one that the cache may hold too.
pub(crate) enum Held<S> {
    Owned(S),
    Shared { value: Arc<S>, clone: fn(&S) -> S },
}

impl<S> Held<S> {
    /// The state, to be changed: a copy only where somebody else still holds it.
    pub(crate) fn into_owned(self) -> S {
        match self {
            Self::Owned(value) => value,
            Self::Shared { value, clone } => Arc::try_unwrap(value).unwrap_or_else(|shared| clone(&shared)),
        }
    }

    /// The state, to be handed around.
    pub(crate) fn into_shared(self) -> Arc<S> {
        match self {
            Self::Owned(value) => Arc::new(value),
            Self::Shared { value, .. } => value,
        }
    }
}

impl<S> Deref for Held<S> {
    type Target = S;

    fn deref(&self) -> &S {
        match self {
            Self::Owned(value) => value,
            Self::Shared { value, .. } => value,
        }
    }
}
