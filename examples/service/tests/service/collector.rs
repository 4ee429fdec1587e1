//! What takes spans, as an OpenTelemetry collector does: OTLP over HTTP, in protobuf.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message;
use tokio::net::TcpListener;

type Kept = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

pub(crate) struct Collector {
    pub(crate) endpoint: String,
    kept: Kept,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let kept = Kept::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { endpoint, kept }
    }

    /// The spans of a trace, whose id is in hexadecimal.
    pub(crate) fn trace(&self, id: &str) -> Vec<Span> {
        let kept = self.kept.lock().unwrap();
        let spans = kept.iter().flat_map(|it| &it.resource_spans).flat_map(|it| &it.scope_spans);
        spans.flat_map(|it| &it.spans).filter(|span| hex(&span.trace_id) == id).cloned().collect()
    }

    /// Of which service they say that they are.
    pub(crate) fn service(&self) -> Option<String> {
        let kept = self.kept.lock().unwrap();
        let resource = kept.first()?.resource_spans.first()?.resource.clone()?;
        let name = resource.attributes.into_iter().find(|it| it.key == "service.name")?;
        match name.value?.value? {
            Value::StringValue(name) => Some(name),
            _ => None,
        }
    }
}

async fn take(State(kept): State<Kept>, body: Bytes) -> Bytes {
    kept.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
    // An answer without fields.
    Bytes::new()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of an attribute.
pub(crate) fn attribute(span: &Span, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|it| it.key == key)?;
    Some(match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}
