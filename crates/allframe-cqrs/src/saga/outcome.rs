use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    StepError,
    context::read,
    state::{Phase, SagaState},
};

/// How a saga has ended, or why it does not go on by itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SagaOutcome {
    /// All steps have been carried out.
    Completed(StepOutputs),
    /// What was done has been undone.
    Compensated {
        /// Why.
        reason: String,
    },
    /// It waits for a person.
    Parked {
        /// Why.
        reason: String,
    },
    /// A person has ended it as it was.
    Abandoned {
        /// Why.
        reason: String,
    },
}

/// What the steps of a saga have answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Value>", into = "BTreeMap<String, Value>")]
pub struct StepOutputs(BTreeMap<Arc<str>, Arc<Value>>);

impl SagaOutcome {
    /// The outcome of a saga in this state; `None` while it goes on.
    pub(super) fn of(state: &SagaState) -> Option<Self> {
        Some(match &state.phase {
            Phase::Missing | Phase::Forward | Phase::Compensating { .. } => return None,
            Phase::Completed => Self::Completed(StepOutputs::of(state)),
            Phase::Compensated { reason } => Self::Compensated { reason: reason.clone() },
            Phase::Parked { reason, .. } => Self::Parked { reason: reason.clone() },
            Phase::Abandoned { reason } => Self::Abandoned { reason: reason.clone() },
        })
    }

    /// Whether all steps have been carried out.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        matches!(self, Self::Completed(_))
    }

    /// What a step has answered, of a saga that is completed.
    ///
    /// # Errors
    ///
    /// A rejection for a saga that is not, a step that was skipped, or an answer of another type.
    pub fn output<T: DeserializeOwned>(&self, step: &str) -> Result<T, StepError> {
        match self {
            Self::Completed(outputs) => outputs.get(step),
            _ => Err(StepError::rejected("the saga was not completed")),
        }
    }
}

impl StepOutputs {
    pub(super) fn of(state: &SagaState) -> Self {
        let outputs = state
            .steps
            .iter()
            .filter_map(|step| Some((Arc::clone(&step.name), Arc::clone(step.output.as_ref()?))));
        Self(outputs.collect())
    }

    /// What a step has answered.
    ///
    /// # Errors
    ///
    /// A rejection for a step that was not carried out, or has answered something else.
    pub fn get<T: DeserializeOwned>(&self, step: &str) -> Result<T, StepError> {
        let output = self
            .0
            .get(step)
            .ok_or_else(|| StepError::rejected(format!("the step `{step}` has no output here")))?;
        read(output).map_err(|error| {
            StepError::rejected(format!("the output of the step `{step}` cannot be read: {error}"))
        })
    }

    /// What all steps have answered, as it is stored.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(step, output)| (&**step, &**output))
    }
}

impl From<BTreeMap<String, Value>> for StepOutputs {
    fn from(outputs: BTreeMap<String, Value>) -> Self {
        Self(outputs.into_iter().map(|(step, output)| (step.into(), Arc::new(output))).collect())
    }
}

impl From<StepOutputs> for BTreeMap<String, Value> {
    fn from(outputs: StepOutputs) -> Self {
        let owned = |output: Arc<Value>| Arc::try_unwrap(output).unwrap_or_else(|shared| (*shared).clone());
        outputs.0.into_iter().map(|(step, output)| (step.to_string(), owned(output))).collect()
    }
}
