//! What the code is made of that `#[saga]` generates.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::{SagaStep, StepContext, StepError};

/// The output of a declared step, for those that take it: its type is inferred, so that a parameter of another is refused.
#[derive(Debug)]
pub struct DeclaredOutput<O> {
    step: &'static str,
    types: PhantomData<fn() -> O>,
}

impl<O: DeserializeOwned> DeclaredOutput<O> {
    /// That of this step, which has this name.
    pub fn of<I>(_: &SagaStep<I, O>, step: &'static str) -> Self {
        Self { step, types: PhantomData }
    }

    /// Of a step that has been carried out.
    ///
    /// # Errors
    ///
    /// As [`StepContext::output`].
    pub fn get<I>(self, context: &StepContext<I>) -> Result<O, StepError> {
        context.output(self.step)
    }

    /// Of a step that may have been skipped.
    ///
    /// # Errors
    ///
    /// As [`StepContext::try_output`].
    pub fn find<I>(self, context: &StepContext<I>) -> Result<Option<O>, StepError> {
        context.try_output(self.step)
    }

    /// For what undoes this step and cannot without it.
    ///
    /// # Errors
    ///
    /// A rejection where there is none, so that a person looks.
    pub fn known(self, own: Option<O>) -> Result<O, StepError> {
        own.ok_or_else(|| {
            StepError::rejected(format!(
                "the outcome of the step `{}` is not known, and what undoes it needs it",
                self.step
            ))
        })
    }
}

impl<O> Clone for DeclaredOutput<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for DeclaredOutput<O> {}

/// What a declared method answers. Whether that is a `Result` is for its type to say, however it is written there.
#[derive(Debug)]
pub struct Answer<T>(pub T);

impl<T, E> Answer<Result<T, E>> {
    // The bound stands here, and not at the block: a `Result` with another error is then refused, and not taken for a plain value.
    /// Of a method that may fail.
    ///
    /// # Errors
    ///
    /// That of the method.
    pub fn into_result(self) -> Result<T, StepError>
    where
        E: Into<StepError>,
    {
        self.0.map_err(Into::into)
    }
}

/// What a method answers that cannot fail: where [`Answer`] has no `into_result` of its own.
pub trait PlainAnswer {
    /// The value.
    type Value;

    /// The value, in the form of the others.
    ///
    /// # Errors
    ///
    /// None.
    fn into_result(self) -> Result<Self::Value, StepError>;
}

impl<T> PlainAnswer for Answer<T> {
    type Value = T;

    fn into_result(self) -> Result<T, StepError> {
        Ok(self.0)
    }
}
