//! Whether the process lives, and whether it is of use.

use std::time::Duration;

use allframe_cqrs::{EventStoreBackend, ProjectionState, ProjectionStatus, StoreError};
use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use tokio::time::timeout;

use crate::{
    lifecycle::{Lifecycle, Phase},
    studio::Studio,
};

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many events a read model may be behind.
const LAG: u64 = 1_000;

/// `/health/live`: it answers. Whoever restarts it for anything else, as a store that is away, makes nothing better.
pub(crate) async fn live() -> &'static str {
    "live"
}

/// `/health/ready`: it serves, the store answers, and the read models have what is in it.
pub(crate) async fn ready(State(lifecycle): State<Lifecycle>) -> (StatusCode, Json<Readiness>) {
    let readiness = Readiness::of(&lifecycle).await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// What is said of it.
#[derive(Debug, Serialize)]
pub(crate) struct Readiness {
    ready: bool,
    phase: &'static str,
    /// `ok`, or what is wrong; nothing before it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    projections: Vec<ProjectionReadiness>,
}

#[derive(Debug, Serialize)]
struct ProjectionReadiness {
    name: String,
    ready: bool,
    state: String,
    lag_events: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Readiness {
    async fn of(lifecycle: &Lifecycle) -> Self {
        let phase = lifecycle.phase();
        let Some(studio) = lifecycle.studio() else {
            return Self { ready: false, phase: phase.as_str(), store: None, projections: Vec::new() };
        };
        let (store, projections) = tokio::join!(store(studio), projections(studio));
        let answers = store.and(projections);
        let ready = matches!(&answers, Ok(projections) if projections.iter().all(|it| it.ready));
        let (store, projections) = match answers {
            Ok(projections) => ("ok".to_owned(), projections),
            Err(why) => (why, Vec::new()),
        };
        Self {
            ready: phase == Phase::Serving && ready,
            phase: phase.as_str(),
            store: Some(store),
            projections,
        }
    }
}

async fn store(studio: &Studio) -> Result<(), String> {
    match timeout(PATIENCE, studio.store.backend().head()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(explained(error)),
        Err(_) => Err(format!("it has not answered for {PATIENCE:?}")),
    }
}

fn explained(error: StoreError) -> String {
    String::from(error)
}

/// Of which nothing is known, nobody is told that they are well.
async fn projections(studio: &Studio) -> Result<Vec<ProjectionReadiness>, String> {
    match timeout(PATIENCE, studio.projections.status()).await {
        Ok(Ok(all)) => Ok(all.into_iter().map(ProjectionReadiness::of).collect()),
        Ok(Err(error)) => Err(format!("how far projections are cannot be told: {error}")),
        Err(_) => Err(format!("how far projections are was not told within {PATIENCE:?}")),
    }
}

impl ProjectionReadiness {
    fn of(status: ProjectionStatus) -> Self {
        let goes_on = matches!(status.state, ProjectionState::Live | ProjectionState::CatchingUp);
        Self {
            name: status.name,
            ready: goes_on && status.lag_events <= LAG,
            state: format!("{:?}", status.state),
            lag_events: status.lag_events,
            error: status.last_error.filter(|_| !goes_on).map(|error| error.to_string()),
        }
    }
}
