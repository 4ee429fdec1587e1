use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use serde_json::Value;
use tracing::Instrument;

use super::{
    StepError,
    context::{Attempt, Direction},
    decide::timed_out,
    step::Run,
};
use crate::{Clock, Panicked, dispatch_context};

/// How an attempt has ended.
pub(super) struct Ended {
    pub(super) step: Arc<str>,
    pub(super) direction: Direction,
    pub(super) number: u32,
    pub(super) result: Result<Value, StepError>,
}

/// Carries an attempt out. Its time over, it is dropped, and whether it was done is not known; nor is it where it panics.
pub(super) fn carry_out(clock: Arc<dyn Clock>, run: Run, attempt: Attempt) -> BoxFuture<'static, Ended> {
    let (step, direction, number) = (Arc::clone(&attempt.step), attempt.direction, attempt.number);
    let (deadline, context) = (attempt.deadline, attempt.dispatch_context());
    let span = tracing::info_span!(
        "saga_step",
        saga = %attempt.saga,
        step = &*step,
        attempt = number,
        undo = direction == Direction::Undo,
        correlation_id = &*attempt.correlation_id,
    );
    let attempt = Arc::new(attempt);
    // The closure may panic before it answers a future.
    let work = AssertUnwindSafe(async move { run(attempt).await }).catch_unwind();
    let work = dispatch_context::scope(context, work);
    Box::pin(
        async move {
            let result = tokio::select! {
                biased;
                answer = work => match answer {
                    Ok(answer) => answer,
                    Err(payload) => Err(StepError::uncertain(Panicked::new(&*payload))),
                },
                () = clock.sleep_until(deadline) => Err(timed_out()),
            };
            if let Err(error) = &result {
                let cause: &(dyn std::error::Error + 'static) = error;
                tracing::debug!(error = cause, kind = ?error.kind(), "the attempt failed");
            }
            Ended { step, direction, number, result }
        }
        .instrument(span),
    )
}
