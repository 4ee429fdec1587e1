//! What is told of reactions: with the feature `metrics`, how many there were, and what became of them.
//! `docs/observability.md` lists the names.

use super::{ProcessError, event::Trigger, log::Found};

/// An instance was to react to something.
pub(super) fn reacted(process: &str, to: &Trigger, answer: &Result<Option<Found>, ProcessError>) {
    let outcome = match answer {
        Ok(Some(found)) if found.is_new => "reacted",
        Ok(Some(_)) => "repeated",
        Ok(None) => "ignored",
        Err(_) => "failed",
    };
    tracing::debug!(outcome, "an instance was to react");
    #[cfg(feature = "metrics")]
    {
        let to = match to {
            Trigger::Happened { .. } => "event",
            Trigger::Timer { .. } => "timer",
            Trigger::Refused { .. } => "refusal",
        };
        let process = process.to_owned();
        metrics::counter!("allframe_process_reactions_total", "process" => process, "to" => to, "outcome" => outcome)
            .increment(1);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (process, to);
}
