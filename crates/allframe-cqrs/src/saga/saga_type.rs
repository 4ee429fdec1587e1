use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use super::SagaDefinition;

/// A type whose methods are the steps of a saga; its fields are what they need. `#[saga]` on its impl block implements it.
pub trait Saga: Send + Sync + Sized + 'static {
    /// What one is begun with.
    type Input: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// The name of the type of sagas, for [`start`](super::SagaOrchestrator::start) too.
    const NAME: &'static str;

    /// The steps.
    fn definition(self: Arc<Self>) -> SagaDefinition<Self::Input>;
}

/// What an orchestrator can drive: a [`SagaDefinition`], or a type that is a [`Saga`].
pub trait IntoSagaDefinition {
    /// What one is begun with.
    type Input;

    /// The steps.
    fn into_definition(self) -> SagaDefinition<Self::Input>;
}

impl<I> IntoSagaDefinition for SagaDefinition<I> {
    type Input = I;

    fn into_definition(self) -> Self {
        self
    }
}

impl<S: Saga> IntoSagaDefinition for S {
    type Input = S::Input;

    fn into_definition(self) -> SagaDefinition<S::Input> {
        Arc::new(self).definition()
    }
}

impl<S: Saga> IntoSagaDefinition for Arc<S> {
    type Input = S::Input;

    fn into_definition(self) -> SagaDefinition<S::Input> {
        self.definition()
    }
}
