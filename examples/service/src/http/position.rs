use allframe_cqrs::GlobalPosition;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};

use super::problem::Problem;

const EVENT_POSITION: HeaderName = HeaderName::from_static("event-position");

/// How far somebody has seen: a command answers with it, and a query that is given it answers with what the command has done, also
/// from another process.
pub(super) struct EventPosition(pub(super) GlobalPosition);

impl EventPosition {
    pub(super) fn insert_into(self, headers: &mut HeaderMap) {
        headers.insert(EVENT_POSITION, HeaderValue::from(self.0.get()));
    }
}

/// Where there is one.
pub(super) struct AsOf(pub(super) Option<GlobalPosition>);

impl<S: Sync> FromRequestParts<S> for AsOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(position) = parts.headers.get(EVENT_POSITION) else { return Ok(Self(None)) };
        let position = position.to_str().ok().and_then(|text| text.parse().ok());
        let position = position.ok_or_else(|| Problem::bad_request("Event-Position is no position"))?;
        Ok(Self(Some(GlobalPosition::new(position))))
    }
}
