//! What is told of projections with the feature `metrics`: where they stand, and what they could not take in.
//! `docs/observability.md` lists the names.

use super::{OnFault, status::Gauges};

/// A projection stands here now.
pub(super) fn stands(name: &str, gauges: &Gauges) {
    #[cfg(feature = "metrics")]
    meters::stands(name, gauges.position.get(), gauges.state.goes_on(), gauges.parked);
    #[cfg(not(feature = "metrics"))]
    let _ = (name, gauges);
}

/// It has taken in so many events of those that it asks for.
pub(super) fn applied(name: &str, events: u64) {
    #[cfg(feature = "metrics")]
    meters::applied(name, events);
    #[cfg(not(feature = "metrics"))]
    let _ = (name, events);
}

/// It could not take an event in, or the store or its read model failed.
pub(super) fn met_fault(name: &str, outcome: &'static str) {
    #[cfg(feature = "metrics")]
    meters::met_fault(name, outcome);
    #[cfg(not(feature = "metrics"))]
    let _ = (name, outcome);
}

/// What became of an event that it goes on without.
pub(super) fn passed_over(how: OnFault) -> &'static str {
    match how {
        OnFault::Skip => "skipped",
        OnFault::Park => "parked",
        OnFault::Stop => "stopped",
    }
}

#[cfg(feature = "metrics")]
mod meters {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    pub(super) fn stands(name: &str, position: u64, runs: bool, parked: usize) {
        let label = || [("projection", name.to_owned())];
        metrics::gauge!("allframe_projection_position", &label()).set(position as f64);
        metrics::gauge!("allframe_projection_running", &label()).set(f64::from(u8::from(runs)));
        metrics::gauge!("allframe_projection_parked_events", &label()).set(parked as f64);
    }

    pub(super) fn applied(name: &str, events: u64) {
        if events > 0 {
            metrics::counter!("allframe_projection_events_total", "projection" => name.to_owned())
                .increment(events);
        }
    }

    pub(super) fn met_fault(name: &str, outcome: &'static str) {
        metrics::counter!(
            "allframe_projection_faults_total", "projection" => name.to_owned(), "outcome" => outcome
        )
        .increment(1);
    }
}
