//! Where spans, logs and metrics go: spans to OpenTelemetry, logs to standard error, metrics to whoever asks for `/metrics`.

use std::time::Duration;

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterExt, Targets, dynamic_filter_fn},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::configuration::Configuration;

/// How often what was measured is put together while nobody asks for it, so that it does not grow.
const UPKEEP: Duration = Duration::from_secs(5);

/// From half a millisecond, an append that is made durable, to the patience of a caller, in seconds.
const DURATIONS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Sagas take longer: up to a day.
const SAGA_DURATIONS: &[f64] = &[0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 86_400.0];

/// How many events an append has.
const APPENDS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 100.0, 1_000.0];

/// What is told, on its way out of the process.
pub(crate) struct Telemetry {
    metrics: PrometheusHandle,
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// From now on everything is told. Once in a process.
    pub(crate) fn start(configuration: &Configuration) -> Result<Self> {
        let traces = configuration.otlp_endpoint.as_deref().map(traces).transpose()?;
        let log: Targets = configuration.log.parse().context("SERVICE_LOG is no filter, as `info`")?;
        Registry::default()
            .with(traces.as_ref().map(spans))
            .with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr).with_filter(log))
            .try_init()
            .context("the log does not begin")?;
        global::set_text_map_propagator(TraceContextPropagator::new());
        let metrics = metrics()?;
        tokio::spawn(upkeep(metrics.clone()));
        Ok(Self { metrics, traces })
    }

    /// What `/metrics` answers with.
    pub(crate) fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Sends what has not been sent yet.
    pub(crate) async fn flush(self) {
        let Some(traces) = self.traces else { return };
        // It waits, for five seconds at most.
        match tokio::task::spawn_blocking(move || traces.shutdown()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not sent"),
            Err(error) => tracing::warn!(%error, "the last spans were not sent"),
        }
    }
}

fn traces(endpoint: &str) -> Result<SdkTracerProvider> {
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build();
    let exporter = exporter.context("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used")?;
    // `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are looked at by the SDK, `OTEL_TRACES_SAMPLER` and `OTEL_BSP_..` too.
    let resource = Resource::builder().with_attribute(opentelemetry::KeyValue::new("service.name", named()));
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build())
}

fn named() -> String {
    // An empty one is as good as none, as with every variable.
    let given = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    given.unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned())
}

/// Those of this program and of the toolkit. Not those of HTTP clients: sending spans would make spans.
fn spans<S>(traces: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let targets = [env!("CARGO_CRATE_NAME"), "allframe_cqrs"];
    let ours = targets.into_iter().map(|target| (target, LevelFilter::DEBUG)).collect::<Targets>();
    // What projections and sagas read while nothing happens would be traces of one span each, for ever.
    let of_something = dynamic_filter_fn(|metadata, context| {
        metadata.name() != "store" || context.lookup_current().is_some()
    });
    tracing_opentelemetry::layer().with_tracer(traces.tracer("service")).with_filter(ours.and(of_something))
}

fn metrics() -> Result<PrometheusHandle> {
    let suffix = |text: &str| Matcher::Suffix(text.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(suffix("_duration_seconds"), DURATIONS)?
        .set_buckets_for_metric(Matcher::Full("allframe_saga_duration_seconds".to_owned()), SAGA_DURATIONS)?
        .set_buckets_for_metric(suffix("_append_events"), APPENDS)?
        .install_recorder()
        .context("the metrics do not begin")
}

async fn upkeep(metrics: PrometheusHandle) {
    let mut due = tokio::time::interval(UPKEEP);
    loop {
        due.tick().await;
        metrics.run_upkeep();
    }
}
