//! One call of a backend, from its beginning to what became of it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use eventstore_api::{Appended, GlobalPosition, Page, RecordedEvent, StoreError};
use tracing::{Instrument, Span, field};

/// How far the store goes, as far as it has been seen from here.
#[derive(Debug, Default)]
pub(super) struct Head(AtomicU64);

impl Head {
    pub(super) fn seen(&self, position: GlobalPosition) {
        let before = self.0.fetch_max(position.get(), Ordering::SeqCst);
        #[cfg(feature = "metrics")]
        if before < position.get() {
            self.show();
        }
        #[cfg(not(feature = "metrics"))]
        let _ = before;
    }

    /// Again where it has moved meanwhile: otherwise the slower of two would leave behind what is no longer true.
    #[cfg(feature = "metrics")]
    fn show(&self) {
        let mut shown = None;
        loop {
            let head = self.0.load(Ordering::SeqCst);
            if shown.replace(head) == Some(head) {
                return;
            }
            meters::head(head);
        }
    }

    pub(super) fn appended(&self, appended: &[Appended]) {
        if let Some(last) = appended.iter().map(|it| it.last_position).max() {
            self.seen(last);
        }
    }

    pub(super) fn read(&self, page: &Page) {
        if let Some(last) = page.events.iter().map(|it| it.position).max() {
            self.seen(last);
        }
    }
}

/// What of a call can be counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) events: usize,
    /// Of payloads.
    pub(super) bytes: usize,
}

impl Size {
    pub(super) fn of(payloads: impl Iterator<Item = usize>) -> Self {
        payloads.fold(Self::default(), |size, bytes| Self {
            events: size.events + 1,
            bytes: size.bytes.saturating_add(bytes),
        })
    }

    pub(super) fn of_events(events: &[RecordedEvent]) -> Self {
        Self::of(events.iter().map(|event| event.payload.len()))
    }
}

/// A call that is under way. Where its future is dropped before it is answered, that is what became of it.
pub(super) struct Call {
    operation: &'static str,
    begun: Instant,
    span: Span,
    told: bool,
}

impl Call {
    /// Does what a backend is asked for, and tells of it. `size` is of what is asked for or of what is answered.
    pub(super) async fn of<T>(
        operation: &'static str,
        stream: Option<&str>,
        work: impl Future<Output = Result<T, StoreError>>,
        size: impl FnOnce(&T) -> Option<Size>,
    ) -> Result<T, StoreError> {
        let mut call = Self::begin(operation, stream);
        let answer = work.instrument(call.span.clone()).await;
        match &answer {
            Ok(done) => call.ended("ok", size(done)),
            Err(error) => {
                call.span.in_scope(|| {
                    let error: &(dyn std::error::Error + 'static) = error;
                    tracing::debug!(error, "the store did not do it");
                });
                call.ended(outcome_of(error), None);
            }
        }
        answer
    }

    fn begin(operation: &'static str, stream: Option<&str>) -> Self {
        let span = tracing::debug_span!(
            "store",
            operation,
            stream,
            outcome = field::Empty,
            events = field::Empty,
            bytes = field::Empty,
        );
        #[cfg(feature = "metrics")]
        meters::begun(operation);
        Self { operation, begun: Instant::now(), span, told: false }
    }

    fn ended(&mut self, outcome: &'static str, size: Option<Size>) {
        self.told = true;
        self.span.record("outcome", outcome);
        if let Some(size) = size {
            self.span.record("events", size.events).record("bytes", size.bytes);
        }
        #[cfg(feature = "metrics")]
        meters::ended(self.operation, outcome, self.begun.elapsed(), size);
        #[cfg(not(feature = "metrics"))]
        self.span.in_scope(|| {
            tracing::trace!(operation = self.operation, outcome, took = ?self.begun.elapsed(), "it is done");
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.told {
            self.ended("dropped", None);
        }
    }
}

fn outcome_of(error: &StoreError) -> &'static str {
    match error {
        StoreError::WrongExpectedVersion { .. } | StoreError::ConditionFailed { .. } => "conflict",
        StoreError::InvalidInput(_) => "invalid",
        StoreError::Unavailable { .. } => "unavailable",
        StoreError::OutcomeUnknown { .. } => "outcome_unknown",
        StoreError::Closed => "closed",
        StoreError::ReadOnly => "read_only",
        StoreError::Corrupted { .. } => "corrupted",
        _ => "failed",
    }
}

#[cfg(feature = "metrics")]
mod meters {
    use std::time::Duration;

    use super::Size;

    pub(super) fn begun(operation: &'static str) {
        metrics::gauge!("allframe_store_operations_in_flight", "operation" => operation).increment(1.0);
    }

    #[expect(clippy::cast_precision_loss, reason = "a histogram is of floats")]
    pub(super) fn ended(operation: &'static str, outcome: &'static str, took: Duration, size: Option<Size>) {
        metrics::gauge!("allframe_store_operations_in_flight", "operation" => operation).decrement(1.0);
        metrics::counter!("allframe_store_operations_total", "operation" => operation, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("allframe_store_operation_duration_seconds", "operation" => operation)
            .record(took);
        if let Some(Size { events, bytes }) = size {
            metrics::counter!("allframe_store_events_total", "operation" => operation)
                .increment(events as u64);
            metrics::counter!("allframe_store_payload_bytes_total", "operation" => operation)
                .increment(bytes as u64);
            if operation == "append" {
                metrics::histogram!("allframe_store_append_events").record(events as f64);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    pub(super) fn head(position: u64) {
        metrics::gauge!("allframe_store_head_position").set(position as f64);
    }
}
