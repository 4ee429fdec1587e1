//! What the service says over HTTP. `README.md` has a table of it.

mod commands;
mod connections;
mod correlated;
mod named;
mod observed;
mod position;
mod problem;
mod queries;
mod serving;
mod shared;
mod trace_parent;
mod whole_body;

use anyhow::Result;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn,
    routing::{get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

pub(crate) use self::connections::Patience;
use self::{problem::Problem, shared::Shared};
use crate::{health, lifecycle::Lifecycle};

/// The longest command, in bytes. The command bus takes what it is given: the limit is ours.
const LONGEST_BODY: usize = 64 << 10;

/// Serves until the service ends, and then those whose requests are under way. When it returns, nobody is at work any more, unless the
/// error says so.
///
/// # Errors
///
/// Says that requests were cut off, where they took longer than they may, and whether any of them are still at work.
pub(crate) async fn serve(
    listener: TcpListener,
    lifecycle: Lifecycle,
    metrics: PrometheusHandle,
    patience: Patience,
) -> Result<()> {
    let router = router(Shared { lifecycle: lifecycle.clone(), patience: patience.read }, metrics);
    connections::serve(listener, router, lifecycle, patience).await
}

fn router(shared: Shared, metrics: PrometheusHandle) -> Router {
    let business = Router::new()
        .route("/commands/{command}", post(commands::dispatch))
        .route("/commands/{command}/schema", get(commands::schema))
        .route("/workshops", get(queries::workshops))
        .route("/workshops/{workshop}", get(queries::workshop))
        .route("/bookings/{booking}", get(queries::booking))
        .route("/wallets/{customer}", get(queries::wallet))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        // Not around what operators ask for every few seconds.
        .route_layer(from_fn(correlated::correlated))
        .route_layer(from_fn(observed::observed));
    let operations = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(async move || metrics.render()));
    business
        .merge(operations)
        .fallback(async || Problem::not_found("there is nothing here"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .with_state(shared)
}
