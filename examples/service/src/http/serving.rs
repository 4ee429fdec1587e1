use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::problem::Problem;
use crate::{lifecycle::Lifecycle, studio::Studio};

/// The studio, for a request that needs it: refused as long as the service starts.
pub(super) struct Serving(pub(super) Arc<Studio>);

impl FromRequestParts<Lifecycle> for Serving {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, lifecycle: &Lifecycle) -> Result<Self, Problem> {
        match lifecycle.studio() {
            Some(studio) => Ok(Self(Arc::clone(studio))),
            None => Err(Problem::unavailable("the service is starting")),
        }
    }
}
