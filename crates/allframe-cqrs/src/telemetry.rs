//! What is told of a dispatch, of a command or a query: a span, and with the feature `metrics` a count and a duration. And of
//! caches, with that feature, how well they serve.

use std::{error::Error as StdError, time::Instant};

use tracing::{Span, field};

#[cfg(feature = "metrics")]
use crate::event::last_path_segment;
use crate::{DispatchContext, middleware::Outcome};

/// What is dispatched.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Command,
    Query,
}

/// A dispatch that has begun. What becomes of it is told once: where its caller goes away before, that it was dropped.
pub(crate) struct Dispatch {
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "a label of metrics"))]
    kind: Kind,
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "a label of metrics"))]
    name: &'static str,
    begun: Instant,
    span: Span,
    told: bool,
}

impl Dispatch {
    pub(crate) fn begin(kind: Kind, context: &DispatchContext) -> Self {
        let name = context.name();
        let span = match kind {
            Kind::Command => tracing::info_span!(
                "command",
                name,
                id = %context.id(),
                correlation_id = %context.correlation_id(),
                idempotency_key = context.idempotency_key(),
                outcome = field::Empty,
                attempts = field::Empty,
            ),
            Kind::Query => tracing::info_span!(
                "query",
                name,
                id = %context.id(),
                correlation_id = %context.correlation_id(),
                outcome = field::Empty,
            ),
        };
        Self { kind, name, begun: Instant::now(), span, told: false }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// It went well, as one word says, after so many attempts.
    pub(crate) fn succeeded(mut self, outcome: &'static str, attempts: u32) {
        self.attempted(attempts);
        self.ended(outcome);
    }

    /// It did not, after so many attempts where the error knows of them.
    pub(crate) fn failed<X: Outcome + StdError + 'static>(mut self, error: &X, attempts: Option<u32>) {
        self.span.in_scope(|| {
            let error: &(dyn StdError + 'static) = error;
            tracing::debug!(error, "it was not done");
        });
        if let Some(attempts) = attempts {
            self.attempted(attempts);
        }
        self.ended(error.outcome());
    }

    fn attempted(&self, attempts: u32) {
        self.span.record("attempts", attempts);
        #[cfg(feature = "metrics")]
        meters::retried(self.name, attempts.saturating_sub(1));
    }

    fn ended(&mut self, outcome: &'static str) {
        self.told = true;
        self.span.record("outcome", outcome);
        #[cfg(feature = "metrics")]
        meters::ended(self.kind, self.name, outcome, self.begun.elapsed());
        #[cfg(not(feature = "metrics"))]
        self.span.in_scope(|| tracing::trace!(outcome, took = ?self.begun.elapsed(), "it is done"));
    }
}

/// A dispatch whose future was dropped ends too.
impl Drop for Dispatch {
    fn drop(&mut self) {
        if !self.told {
            self.ended("dropped");
        }
    }
}

/// A cache was asked for a state of this type, by its path, and had it or not.
pub(crate) fn asked_cache(state_type: &'static str, is_hit: bool) {
    #[cfg(feature = "metrics")]
    meters::asked_cache(last_path_segment(state_type), is_hit);
    #[cfg(not(feature = "metrics"))]
    let _ = (state_type, is_hit);
}

/// The names that `docs/observability.md` lists.
#[cfg(feature = "metrics")]
mod meters {
    use std::time::Duration;

    use super::Kind;

    pub(super) fn ended(kind: Kind, name: &'static str, outcome: &'static str, took: Duration) {
        let (label, total, duration) = match kind {
            Kind::Command => ("command", "allframe_commands_total", "allframe_command_duration_seconds"),
            Kind::Query => ("query", "allframe_queries_total", "allframe_query_duration_seconds"),
        };
        metrics::counter!(total, label => name, "outcome" => outcome).increment(1);
        metrics::histogram!(duration, label => name).record(took);
    }

    pub(super) fn asked_cache(state: &'static str, is_hit: bool) {
        let outcome = if is_hit { "hit" } else { "miss" };
        metrics::counter!("allframe_state_cache_total", "state" => state, "outcome" => outcome).increment(1);
    }

    pub(super) fn retried(name: &'static str, retries: u32) {
        if retries > 0 {
            metrics::counter!("allframe_command_retries_total", "command" => name)
                .increment(u64::from(retries));
        }
    }
}
