use std::sync::Arc;

use eventstore_api::Timestamp;
use serde_json::Value;

use super::{
    SagaEvent, SagaId,
    state::{Phase, SagaState, StepState, StepStatus},
};
use crate::{Recorded, clock::NEVER};

/// Where a saga is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SagaStatus {
    /// Its steps are being carried out, or wait for their time.
    Running,
    /// Its steps are being undone.
    Compensating,
    /// It waits for a person.
    Parked,
    /// All its steps have been carried out.
    Completed,
    /// All that was done has been undone.
    Compensated,
    /// A person has ended it as it was.
    Abandoned,
}

/// A saga among others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SagaSummary {
    /// Which.
    pub saga: SagaId,
    /// Where it is.
    pub status: SagaStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// When something was last seen of it; of steps that go well, nothing is.
    pub changed_at: Timestamp,
    /// Who drives it, or did.
    pub worker: Option<String>,
    /// Before then nothing is done, as far as is known.
    pub due: Option<Timestamp>,
    /// Why it turned round, waits for a person or was abandoned, or the last failure.
    pub reason: Option<String>,
    pub(super) turned_round: bool,
}

/// A saga with all that is known of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SagaDetails {
    /// Which.
    pub saga: SagaId,
    /// Where it is.
    pub status: SagaStatus,
    /// Why it turned round, waits for a person or was abandoned.
    pub reason: Option<String>,
    /// What it was begun with.
    pub input: Arc<Value>,
    /// What it belongs to.
    pub correlation_id: Arc<str>,
    /// Who drives it, or did.
    pub worker: Option<String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it turns round, if it has not ended.
    pub deadline: Option<Timestamp>,
    /// When something happens next though nothing happens: the next attempt, or a deadline.
    pub next_deadline: Option<Timestamp>,
    /// Its steps as far as they were begun, in the order in which they were.
    pub steps: Vec<StepDetails>,
    /// All that has happened to it.
    pub history: Vec<Recorded<SagaEvent>>,
}

/// A step of a saga.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepDetails {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is.
    pub progress: StepProgress,
    /// How often it was tried; once it is being undone, how often that was.
    pub attempts: u32,
    /// The last failure.
    pub failure: Option<String>,
    /// What it has answered.
    pub output: Option<Arc<Value>>,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepProgress {
    /// It is being carried out.
    Running {
        /// Until then at most.
        deadline: Timestamp,
    },
    /// It has failed, and is tried again.
    Retrying {
        /// When.
        at: Timestamp,
    },
    /// It has been carried out.
    Completed,
    /// Its condition did not hold.
    Skipped,
    /// It has failed for good.
    Failed,
    /// It is being undone.
    Undoing {
        /// Until then at most.
        deadline: Timestamp,
    },
    /// It could not be undone, and that is tried again.
    UndoRetrying {
        /// When.
        at: Timestamp,
    },
    /// It could not be undone.
    UndoFailed,
    /// It has been undone, or had nothing to undo.
    Undone,
}

impl SagaStatus {
    /// Whether nothing happens to it any more by itself.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated | Self::Abandoned)
    }

    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Parked => "parked",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::Abandoned => "abandoned",
        }
    }

    pub(super) fn of(phase: &Phase) -> Option<Self> {
        Some(match phase {
            Phase::Missing => return None,
            Phase::Forward => Self::Running,
            Phase::Compensating { .. } => Self::Compensating,
            Phase::Parked { .. } => Self::Parked,
            Phase::Completed => Self::Completed,
            Phase::Compensated { .. } => Self::Compensated,
            Phase::Abandoned { .. } => Self::Abandoned,
        })
    }
}

impl std::fmt::Display for SagaStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl SagaDetails {
    /// A saga in this state; `None` where there is none.
    pub(super) fn of(saga: SagaId, state: &SagaState, history: Vec<Recorded<SagaEvent>>) -> Option<Self> {
        let steps: Vec<_> = state.steps.iter().map(StepDetails::of).collect();
        let next_deadline = match state.phase {
            Phase::Forward | Phase::Compensating { .. } => {
                let of_saga = state.started.deadline.filter(|_| state.phase == Phase::Forward);
                let begins = state.started.not_before.filter(|_| steps.is_empty());
                let moments = steps.iter().filter_map(StepDetails::moment).chain(of_saga).chain(begins);
                moments.filter(|moment| *moment < NEVER).min()
            }
            _ => None,
        };
        Some(Self {
            saga,
            status: SagaStatus::of(&state.phase)?,
            reason: reason_of(&state.phase).map(str::to_owned),
            input: Arc::clone(&state.input),
            correlation_id: Arc::clone(&state.correlation_id),
            worker: state.worker.clone(),
            started_at: state.started_at,
            deadline: state.started.deadline,
            next_deadline,
            steps,
            history,
        })
    }

    /// The step that is being carried out or undone now, or is tried again next; the first where there are several.
    #[must_use]
    pub fn current_step(&self) -> Option<&StepDetails> {
        self.steps.iter().find(|step| {
            !matches!(
                step.progress,
                StepProgress::Completed | StepProgress::Skipped | StepProgress::Failed | StepProgress::Undone
            )
        })
    }
}

impl StepDetails {
    fn of(step: &StepState) -> Self {
        Self {
            name: Arc::clone(&step.name),
            progress: match step.status {
                StepStatus::Running { deadline } => StepProgress::Running { deadline },
                StepStatus::Retrying { at } => StepProgress::Retrying { at },
                StepStatus::Completed => StepProgress::Completed,
                StepStatus::Skipped => StepProgress::Skipped,
                StepStatus::Failed => StepProgress::Failed,
                StepStatus::Undoing { deadline } => StepProgress::Undoing { deadline },
                StepStatus::UndoRetrying { at } => StepProgress::UndoRetrying { at },
                StepStatus::UndoFailed => StepProgress::UndoFailed,
                StepStatus::Undone => StepProgress::Undone,
            },
            attempts: step.attempts,
            failure: step.failure.as_ref().map(|(_, failure)| failure.clone()),
            output: step.output.clone(),
        }
    }

    fn moment(&self) -> Option<Timestamp> {
        match self.progress {
            StepProgress::Running { deadline } | StepProgress::Undoing { deadline } => Some(deadline),
            StepProgress::Retrying { at } | StepProgress::UndoRetrying { at } => Some(at),
            _ => None,
        }
    }
}

fn reason_of(phase: &Phase) -> Option<&str> {
    match phase {
        Phase::Compensating { reason }
        | Phase::Parked { reason, .. }
        | Phase::Compensated { reason }
        | Phase::Abandoned { reason } => Some(reason),
        _ => None,
    }
}
