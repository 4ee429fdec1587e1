use std::{any::type_name, fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{DefinitionProblem, SagaError, SagaStep, context::read, id::check_type, step::StepEntry};

/// The steps of all sagas of one type, which are begun with an `I`.
///
/// Steps that need not wait for each other are carried out at the same time.
///
/// ```
/// use allframe_cqrs::saga::{SagaDefinition, SagaStep, StepContext, StepError};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Trip { traveller: String }
///
/// let step = |name: &'static str| {
///     SagaStep::new(name, |_: StepContext<Trip>| async { Ok::<_, StepError>(()) })
/// };
/// let trip = SagaDefinition::new("trip")
///     .step(step("book_hotel"))
///     .step(step("book_flight"))
///     .step(step("send_tickets").after(["book_hotel", "book_flight"]));
/// assert_eq!(trip.name(), "trip");
/// ```
pub struct SagaDefinition<I> {
    pub(super) steps: Steps,
    input: PhantomData<fn(I)>,
}

/// A definition whose types are forgotten.
pub(super) struct Steps {
    pub(super) name: Arc<str>,
    pub(super) version: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) entries: Vec<StepEntry>,
    input_type: &'static str,
    check_input: fn(&Value) -> Result<(), serde_json::Error>,
}

impl<I: Serialize + DeserializeOwned + Send + Sync + 'static> SagaDefinition<I> {
    /// Sagas of this type, without steps: 1 to 64 letters, digits, `_` and `.`.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let steps = Steps {
            name: name.into(),
            version: 1,
            timeout: None,
            entries: Vec::new(),
            input_type: type_name::<I>(),
            check_input: |input| read::<I>(input).map(drop),
        };
        Self { steps, input: PhantomData }
    }

    /// The same sagas with one more step, which waits for those alone that it is said to be [after](SagaStep::after).
    #[must_use]
    pub fn step<O>(mut self, step: SagaStep<I, O>) -> Self {
        self.steps.entries.push(step.entry);
        self
    }

    /// The same sagas with one more step, which waits for all that were added before it, and for no others.
    #[must_use]
    pub fn then<O>(mut self, mut step: SagaStep<I, O>) -> Self {
        step.entry.after = self.steps.entries.iter().map(|entry| Arc::clone(&entry.name)).collect();
        self.steps.entries.push(step.entry);
        self
    }

    /// The same sagas, which may take so long: what is not over by then is undone. Without this they take as long as they take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.steps.timeout = Some(timeout);
        self
    }

    /// The same sagas as of this version, which is stored with each that is started; without this, 1. A saga that was started under
    /// another version goes on with these steps: those that it has behind it are known by their names. It is for people and projections,
    /// and decides nothing.
    #[must_use]
    pub fn with_version(mut self, version: u32) -> Self {
        self.steps.version = version;
        self
    }

    /// The name of the type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.steps.name
    }
}

impl Steps {
    pub(super) fn entry(&self, name: &str) -> Option<&StepEntry> {
        self.entries.iter().find(|entry| &*entry.name == name)
    }

    /// Refuses an input that no step could read.
    pub(super) fn check_input(&self, input: &Value) -> Result<(), SagaError> {
        (self.check_input)(input).map_err(|source| SagaError::WrongInput {
            saga: self.name.to_string(),
            expected: self.input_type,
            source: Arc::new(source),
        })
    }

    /// Refuses what could not be carried out, with everything that is wrong.
    pub(super) fn check(&self) -> Result<(), SagaError> {
        check_type(&self.name)?;
        let mut problems = Vec::new();
        if self.entries.is_empty() {
            problems.push(DefinitionProblem::NoSteps);
        }
        for (place, entry) in self.entries.iter().enumerate() {
            let step = || entry.name.to_string();
            if check_type(&entry.name).is_err() {
                problems.push(DefinitionProblem::InvalidStepName { step: step() });
            }
            if self.entries.iter().take(place).any(|other| other.name == entry.name) {
                problems.push(DefinitionProblem::TwoSteps { step: step() });
            }
            for after in &entry.after {
                if self.entry(after).is_none() {
                    let after = after.to_string();
                    problems.push(DefinitionProblem::NoSuchStep { step: step(), after });
                }
            }
        }
        if let Some(step) = self.first_in_a_circle() {
            problems.push(DefinitionProblem::Circle { step });
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(SagaError::InvalidDefinition { saga: self.name.to_string(), problems }),
        }
    }

    /// A step that waits for itself: one of those that are left when all are taken away again and again that wait for none.
    fn first_in_a_circle(&self) -> Option<String> {
        let mut left: Vec<&StepEntry> = self.entries.iter().collect();
        loop {
            let before = left.len();
            let names: Vec<Arc<str>> = left.iter().map(|entry| Arc::clone(&entry.name)).collect();
            left.retain(|entry| entry.after.iter().any(|after| names.contains(after)));
            if left.len() == before {
                return left.first().map(|entry| entry.name.to_string());
            }
        }
    }
}

impl<I> fmt::Debug for SagaDefinition<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.steps.entries.iter().map(|entry| &entry.name).collect();
        f.debug_struct("SagaDefinition")
            .field("name", &self.steps.name)
            .field("steps", &steps)
            .finish_non_exhaustive()
    }
}
