//! What is told of a dispatch, of a command or a query: a span, and with the feature `metrics` a count and a duration.

use std::{error::Error as StdError, time::Instant};

use tracing::{Span, field};

use crate::{DispatchContext, middleware::Outcome};

/// What is dispatched.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Command,
    Query,
}

/// A dispatch that has begun.
pub(crate) struct Dispatch {
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "a label of metrics"))]
    kind: Kind,
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "a label of metrics"))]
    name: &'static str,
    begun: Instant,
    span: Span,
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
        Self { kind, name, begun: Instant::now(), span }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// It went well, as one word says, after so many attempts.
    pub(crate) fn succeeded(self, outcome: &'static str, attempts: u32) {
        self.span.record("attempts", attempts);
        self.ended(outcome);
        self.count_retries(attempts.saturating_sub(1));
    }

    pub(crate) fn failed<X: Outcome + StdError + 'static>(self, error: &X) {
        self.span.in_scope(|| {
            let error: &(dyn StdError + 'static) = error;
            tracing::debug!(error, "it was not done");
        });
        self.ended(error.outcome());
    }

    fn ended(&self, outcome: &'static str) {
        self.span.record("outcome", outcome);
        #[cfg(feature = "metrics")]
        meters::ended(self.kind, self.name, outcome, self.begun.elapsed());
        #[cfg(not(feature = "metrics"))]
        self.span.in_scope(|| tracing::trace!(outcome, took = ?self.begun.elapsed(), "it is done"));
    }

    fn count_retries(&self, retries: u32) {
        #[cfg(feature = "metrics")]
        meters::retried(self.name, retries);
        #[cfg(not(feature = "metrics"))]
        let _ = retries;
    }
}

/// The names that `docs/commands.md` lists.
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

    pub(super) fn retried(name: &'static str, retries: u32) {
        if retries > 0 {
            metrics::counter!("allframe_command_retries_total", "command" => name)
                .increment(u64::from(retries));
        }
    }
}
