use std::{error::Error, fmt, marker::PhantomData};

use eventstore_api::RecordedEvent;

use super::Output;

/// Why a transform did not say what becomes of an event: whatever error it has.
pub type TransformError = Box<dyn Error + Send + Sync>;

/// Says what becomes of each event on its way from one store to another.
///
/// It must be a function of the record alone: asked again about the same record, it answers the same. A copy that goes on
/// after it was interrupted asks it anew, and so does [`verify`](super::StoreCopy::verify), which finds one that answers
/// otherwise: from a clock, a random number, a counter, the order of a `HashMap`. What it has to know of other events is read
/// before the copy begins, and must stay the same as long as the copy is in use.
///
/// Most are closures, given to [`StoreCopy::transform`](super::StoreCopy::transform).
///
/// ```
/// use allframe_cqrs::{api::RecordedEvent, copy::{Output, Transform, TransformError}};
///
/// /// Leaves out what a test customer has done.
/// struct WithoutTests;
///
/// impl Transform for WithoutTests {
///     fn transform(&self, record: &RecordedEvent, output: &mut Output<'_>) -> Result<(), TransformError> {
///         if record.tags.contains("customer:test") { output.discard() } else { output.keep() }
///         Ok(())
///     }
/// }
/// ```
pub trait Transform: Send + Sync {
    /// Says through `output` what becomes of this event.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from saying so: the copy ends there, and names the event. A panic is an error too.
    fn transform(&self, record: &RecordedEvent, output: &mut Output<'_>) -> Result<(), TransformError>;
}

impl<T: Transform + ?Sized> Transform for &T {
    fn transform(&self, record: &RecordedEvent, output: &mut Output<'_>) -> Result<(), TransformError> {
        (**self).transform(record, output)
    }
}

/// Keeps every event as it is: what a copy does that is given no transform.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepAll;

impl Transform for KeepAll {
    fn transform(&self, _record: &RecordedEvent, output: &mut Output<'_>) -> Result<(), TransformError> {
        output.keep();
        Ok(())
    }
}

/// The transform that a closure is.
pub struct TransformFunction<F, R> {
    function: F,
    answer: PhantomData<fn() -> R>,
}

impl<F, R> TransformFunction<F, R> {
    pub(super) fn new(function: F) -> Self {
        Self { function, answer: PhantomData }
    }
}

impl<F, R> fmt::Debug for TransformFunction<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransformFunction").finish_non_exhaustive()
    }
}

impl<F, R> Transform for TransformFunction<F, R>
where
    F: Fn(&RecordedEvent, &mut Output<'_>) -> R + Send + Sync,
    R: IntoTransformed,
{
    fn transform(&self, record: &RecordedEvent, output: &mut Output<'_>) -> Result<(), TransformError> {
        (self.function)(record, output).into_transformed()
    }
}

/// What a closure that transforms may answer: nothing, or a `Result` with any error.
pub trait IntoTransformed {
    /// The answer as a `Result`.
    ///
    /// # Errors
    ///
    /// The error that it is.
    fn into_transformed(self) -> Result<(), TransformError>;
}

impl IntoTransformed for () {
    fn into_transformed(self) -> Result<(), TransformError> {
        Ok(())
    }
}

impl<E: Into<TransformError>> IntoTransformed for Result<(), E> {
    fn into_transformed(self) -> Result<(), TransformError> {
        self.map_err(Into::into)
    }
}
