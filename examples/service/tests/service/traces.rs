//! Spans, at a collector.

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

use crate::{
    collector::{Collector, attribute, hex},
    process::{Answer, Service},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// What has not been sent is sent when the process ends: until then, nothing is, for an hour.
#[tokio::test]
async fn the_spans_of_a_request_are_within_the_trace_of_its_caller_and_are_sent_before_the_end() {
    let collector = Collector::start().await;
    let hour = ("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let service = Service::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint), hour]).await;
    service.becomes_ready().await;
    let body = json!({ "customer": "ann", "amount": 700 });
    let request = service
        .post("TopUpWallet", &body)
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .header("x-correlation-id", "visit-9");
    assert!(Answer::of(request).await.status.is_success());
    assert!(collector.trace(TRACE).is_empty());
    service.ends_well().await;

    let spans = collector.trace(TRACE);
    let [http] = named(&spans, "POST /commands/{command}")[..] else { panic!("{spans:?}") };
    assert_eq!(hex(&http.parent_span_id), CALLER);
    assert_eq!(attribute(http, "http.response.status_code").as_deref(), Some("200"));
    let [command] = named(&spans, "command")[..] else { panic!("{spans:?}") };
    assert_eq!(command.parent_span_id, http.span_id);
    for (key, value) in [("name", "TopUpWallet"), ("correlation_id", "visit-9"), ("outcome", "ok")] {
        assert_eq!(attribute(command, key).as_deref(), Some(value));
    }
    let store = named(&spans, "store");
    let append = store.iter().find(|span| attribute(span, "operation").as_deref() == Some("append")).unwrap();
    assert_eq!(append.parent_span_id, command.span_id);
    assert_eq!(attribute(append, "stream").as_deref(), Some("wallet-ann"));
    assert_eq!(collector.service().as_deref(), Some("service"));
}

/// Its own name, and a query this time.
#[tokio::test]
async fn a_request_without_a_caller_begins_a_trace_that_is_of_the_service_as_it_is_called() {
    let collector = Collector::start().await;
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()), ("OTEL_SERVICE_NAME", "studio")];
    let service = Service::start(&variables).await;
    service.becomes_ready().await;
    let request = service.get("/workshops").header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    Answer::of(request).await;
    Answer::of(service.get("/workshops").header("traceparent", "nonsense")).await;
    service.ends_well().await;
    let spans = collector.trace(TRACE);
    let [http] = named(&spans, "GET /workshops")[..] else { panic!("{spans:?}") };
    let [query] = named(&spans, "query")[..] else { panic!("{spans:?}") };
    assert_eq!(query.parent_span_id, http.span_id);
    assert_eq!(attribute(query, "name").as_deref(), Some("Workshops"));
    assert_eq!(collector.service().as_deref(), Some("studio"));
}

#[tokio::test]
async fn a_collector_that_is_away_keeps_nobody_from_being_served_or_the_service_from_ending() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let service = Service::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    service.becomes_ready().await;
    service.top_up("ann", 1).await;
    service.ends_well().await;
}
