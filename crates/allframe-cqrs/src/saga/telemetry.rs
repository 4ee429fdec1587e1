//! What is told of sagas: with the feature `metrics`, how many are where, and how long they took.
//! `docs/observability.md` lists the names.

use eventstore_api::Timestamp;

use super::{SagaEvent, SagaId, index::Counts, state::SagaState};

/// Tells of what has been stored.
#[derive(Debug, Default)]
pub(super) struct SagaTelemetry {
    /// What was told last of how many are not over.
    #[cfg(feature = "metrics")]
    open: std::sync::Mutex<std::collections::HashMap<String, Counts>>,
}

impl SagaTelemetry {
    /// A saga that is driven here now is in this state, by these events.
    pub(super) fn came_to(&self, saga: &SagaId, state: &SagaState, events: &[SagaEvent], now: Timestamp) {
        for event in events {
            if let SagaEvent::Parked { reason, .. } = event {
                let correlation_id = &*state.correlation_id;
                tracing::warn!(%saga, reason, correlation_id, "a saga waits for a person");
            }
            #[cfg(feature = "metrics")]
            if let Some(outcome) = outcome_of(event).filter(|_| state.has_ended()) {
                meters::took(saga.saga(), outcome, crate::clock::between(state.started_at, now));
            }
        }
        #[cfg(not(feature = "metrics"))]
        let _ = now;
    }

    /// So many sagas of each type are not over, in whatever process.
    pub(super) fn open<'a>(&self, counts: impl Iterator<Item = (&'a str, Counts)>) {
        #[cfg(feature = "metrics")]
        {
            let mut told = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (saga, counts) in counts {
                if told.get(saga) != Some(&counts) {
                    told.insert(saga.to_owned(), counts);
                    meters::open(saga, counts);
                }
            }
        }
        #[cfg(not(feature = "metrics"))]
        let _ = counts;
    }
}

/// These were stored of a saga, by whomever.
pub(super) fn wrote(saga: &SagaId, events: &[SagaEvent]) {
    for event in events {
        let outcome = outcome_of(event);
        if let Some(outcome) = outcome {
            tracing::debug!(%saga, outcome, "a saga has come further");
        }
        #[cfg(feature = "metrics")]
        match (event, outcome) {
            (SagaEvent::StepFailed(_) | SagaEvent::UndoFailed(_), _) => meters::attempt_failed(saga.saga()),
            (_, Some(outcome)) => meters::came_to(saga.saga(), outcome),
            _ => {}
        }
    }
}

fn outcome_of(event: &SagaEvent) -> Option<&'static str> {
    Some(match event {
        SagaEvent::Started(_) => "started",
        SagaEvent::Completed => "completed",
        SagaEvent::Compensated => "compensated",
        SagaEvent::Parked { .. } => "parked",
        SagaEvent::Abandoned { .. } => "abandoned",
        _ => return None,
    })
}

#[cfg(feature = "metrics")]
mod meters {
    use std::time::Duration;

    use super::Counts;

    pub(super) fn came_to(saga: &str, outcome: &'static str) {
        metrics::counter!("allframe_sagas_total", "saga" => saga.to_owned(), "outcome" => outcome)
            .increment(1);
    }

    pub(super) fn took(saga: &str, outcome: &'static str, took: Duration) {
        metrics::histogram!(
            "allframe_saga_duration_seconds", "saga" => saga.to_owned(), "outcome" => outcome
        )
        .record(took);
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    pub(super) fn open(saga: &str, counts: Counts) {
        for (status, count) in [("running", counts.running), ("parked", counts.parked)] {
            metrics::gauge!("allframe_sagas_open", "saga" => saga.to_owned(), "status" => status)
                .set(count as f64);
        }
    }

    pub(super) fn attempt_failed(saga: &str) {
        metrics::counter!("allframe_saga_failed_attempts_total", "saga" => saga.to_owned()).increment(1);
    }
}
