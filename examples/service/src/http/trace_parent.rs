use axum::http::HeaderMap;
use opentelemetry::{Context, global, propagation::Extractor};

/// The trace that a request belongs to, as it says in `traceparent` (W3C Trace Context); a new one where it says nothing.
pub(super) fn of(headers: &HeaderMap) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)))
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
