use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{problem::Problem, shared::Shared};
use crate::studio::Studio;

/// The studio, for a request that needs it: refused as long as the service starts.
pub(super) struct Serving(pub(super) Arc<Studio>);

impl FromRequestParts<Shared> for Serving {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        match shared.lifecycle.studio() {
            Some(studio) => Ok(Self(Arc::clone(studio))),
            None => Err(Problem::unavailable("the service is starting")),
        }
    }
}
