use allframe_cqrs::DispatchContext;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Span;

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The longest that is taken over, in bytes: it goes into the metadata of every event.
const LONGEST: usize = 128;

/// Whatever a request leads to belongs together, under the id that it has or is given: events have it in their metadata, also those of
/// sagas, and spans and the answer have it too.
pub(super) async fn correlated(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(CORRELATION_ID).and_then(|it| it.to_str().ok());
    let given = given.filter(|it| (1..=LONGEST).contains(&it.len()));
    let context = match given {
        Some(id) => DispatchContext::new().with_correlation_id(id),
        None => DispatchContext::new(),
    };
    let id = context.correlation_id().into_owned();
    Span::current().record("correlation_id", &id);
    request.extensions_mut().insert(context);
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(CORRELATION_ID, id);
    }
    response
}
