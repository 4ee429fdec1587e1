use allframe_cqrs::{DispatchContext, Execution, GlobalPosition};
use axum::{
    Extension, Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    named::Named, position::EventPosition, problem::Problem, serving::Serving, whole_body::WholeBody,
};
use crate::domain::StudioEvent;

/// Whoever sends a command again with the key that it had gets the first answer, and nothing is done twice.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that an answer is that of an earlier request with the same key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a command has come to.
#[derive(Serialize)]
struct Done {
    events: Vec<StudioEvent>,
    /// That of the last event, for `Event-Position`; `null` where there was nothing to do.
    position: Option<u64>,
}

/// `POST /commands/{command}`: carries a command out, which is the body.
pub(super) async fn dispatch(
    Serving(studio): Serving,
    Extension(context): Extension<DispatchContext>,
    Named(command): Named,
    headers: HeaderMap,
    WholeBody(body): WholeBody,
) -> Result<Response, Problem> {
    let context = match key(&headers)? {
        Some(key) => context.with_idempotency_key(key),
        None => context,
    };
    let done = studio.commands.dispatch_json_with(context, &command, json(&body)?).await?;
    let position = done.position;
    let answer = Json(Done { events: done.events, position: position.map(GlobalPosition::get) });
    let mut response = (StatusCode::OK, answer).into_response();
    if let Some(position) = position {
        EventPosition(position).insert_into(response.headers_mut());
    }
    if done.execution == Execution::Repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// `GET /commands/{command}/schema`: what a command has to look like.
pub(super) async fn schema(Serving(studio): Serving, Named(command): Named) -> Result<Json<Value>, Problem> {
    studio
        .commands
        .json_schema(&command)
        .map(Json)
        .ok_or_else(|| Problem::not_found("there is no such command"))
}

/// Whatever type it says that it is of: nothing but JSON is taken.
fn json(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("the body is no JSON: {error}")))
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    // Read as nothing, it would be done twice.
    key.to_str().map(Some).map_err(|_| Problem::bad_request("Idempotency-Key is not of visible ASCII"))
}
