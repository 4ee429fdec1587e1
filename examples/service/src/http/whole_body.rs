use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
};
use tokio::time::timeout;

use super::{problem::Problem, shared::Shared};

/// The body of a request, whole and in time: who sends it byte by byte does not keep a connection for as long as they like.
pub(super) struct WholeBody(pub(super) Bytes);

impl FromRequest<Shared> for WholeBody {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let come = timeout(shared.patience, Bytes::from_request(request, shared)).await;
        come.map_err(|_| Problem::too_slow())?.map(Self).map_err(|rejected| match rejected.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
            _ => Problem::bad_request("the body did not come whole"),
        })
    }
}
