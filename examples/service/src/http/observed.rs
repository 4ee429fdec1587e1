use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::trace_parent;

/// One span and one measurement for each request: by its route, never by its path, of which there are as many as people make up.
pub(super) async fn observed(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let method = method(request.method());
    let span = tracing::info_span!(
        "http_request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
        correlation_id = field::Empty,
    );
    // It fails where the span is not wanted by anybody.
    let _ = span.set_parent(trace_parent::of(request.headers()));
    let under_way = UnderWay::begin(method, route);
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    under_way.answered(response.status().as_u16());
    response
}

/// The names that there are. Others can be made up, and would each be a label.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "_OTHER",
    }
}

/// A request that is under way, or whose caller has gone away.
struct UnderWay {
    method: &'static str,
    route: String,
    begun: Instant,
    status: Option<u16>,
}

impl UnderWay {
    fn begin(method: &'static str, route: String) -> Self {
        metrics::gauge!("http_server_active_requests").increment(1.0);
        Self { method, route, begun: Instant::now(), status: None }
    }

    fn answered(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        metrics::gauge!("http_server_active_requests").decrement(1.0);
        let status = self.status.map_or_else(|| "dropped".to_owned(), |status| status.to_string());
        metrics::histogram!(
            "http_server_request_duration_seconds",
            "method" => self.method, "route" => std::mem::take(&mut self.route), "status" => status
        )
        .record(self.begun.elapsed());
    }
}
