use std::time::Duration;

use axum::extract::FromRef;

use crate::lifecycle::Lifecycle;

/// What whoever answers a request may ask for.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) lifecycle: Lifecycle,
    /// How long a body may take to come.
    pub(super) patience: Duration,
}

impl FromRef<Shared> for Lifecycle {
    fn from_ref(shared: &Shared) -> Self {
        shared.lifecycle.clone()
    }
}
