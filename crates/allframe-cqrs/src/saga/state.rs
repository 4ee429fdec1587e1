use std::sync::Arc;

use eventstore_api::{Timestamp, Version};
use serde_json::Value;

use super::{AttemptFailed, SagaEvent, Started, StepErrorKind};

/// What the events of a saga's stream add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct SagaState {
    pub(super) started: Started,
    pub(super) started_at: Timestamp,
    pub(super) input: Arc<Value>,
    pub(super) correlation_id: Arc<str>,
    /// Who drives it.
    pub(super) worker: Option<String>,
    /// The version with which that one took it over: a later owner's is greater.
    pub(super) token: Version,
    pub(super) phase: Phase,
    /// Those that something is known of, in the order in which they were first begun or skipped.
    pub(super) steps: Vec<StepState>,
    /// How many steps have come to their end, to know in which order they did.
    ended_steps: u32,
}

/// Where a saga is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Phase {
    /// There is none.
    #[default]
    Missing,
    Forward,
    Compensating {
        reason: String,
    },
    /// It waits for a person.
    Parked {
        reason: String,
        /// At which step.
        step: Option<String>,
        /// Why it was turning round, if it was.
        turning_round_for: Option<String>,
    },
    Completed,
    Compensated {
        reason: String,
    },
    Abandoned {
        reason: String,
    },
}

/// What is known of a step.
#[derive(Clone, Debug)]
pub(super) struct StepState {
    pub(super) name: Arc<str>,
    pub(super) status: StepStatus,
    /// How often it was tried: the step, or once it is being undone, that.
    pub(super) attempts: u32,
    /// Whether it was ever begun.
    pub(super) was_begun: bool,
    /// How often a process has been taken over from in the middle of the attempt.
    pub(super) takeovers: u32,
    /// Whether it may have been done though it is not known to be: in any of its attempts, also one that a process died in.
    pub(super) may_be_done: bool,
    /// The last failure, and what it means.
    pub(super) failure: Option<(StepErrorKind, String)>,
    pub(super) output: Option<Arc<Value>>,
    /// What was decided to be done, where that is decided first.
    pub(super) order: Option<Arc<Value>>,
    /// Its place among those that came to their end.
    pub(super) ended: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum StepStatus {
    Running {
        deadline: Timestamp,
    },
    Retrying {
        at: Timestamp,
    },
    Completed,
    Skipped,
    /// For good. Where it may have been done all the same, it is undone.
    Failed,
    Undoing {
        deadline: Timestamp,
    },
    UndoRetrying {
        at: Timestamp,
    },
    UndoFailed,
    Undone,
}

impl SagaState {
    pub(super) fn step(&self, name: &str) -> Option<&StepState> {
        self.steps.iter().find(|step| &*step.name == name)
    }

    /// Whether nothing will ever happen to it again by itself.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Completed | Phase::Compensated { .. } | Phase::Abandoned { .. })
    }

    /// Takes in what happened at a version.
    pub(super) fn apply(&mut self, event: &SagaEvent, version: Version, at: Timestamp) {
        match event {
            SagaEvent::Started(started) => {
                self.input = Arc::new(started.input.clone());
                self.correlation_id = started.correlation_id.as_str().into();
                self.worker.clone_from(&started.worker);
                self.started = started.clone();
                self.started_at = at;
                self.token = version;
                self.phase = Phase::Forward;
            }
            SagaEvent::Claimed { worker } => {
                self.worker = Some(worker.clone());
                self.token = version;
                for step in &mut self.steps {
                    step.taken_over();
                }
            }
            SagaEvent::StepBegun { step, attempt, deadline, order } => {
                let state = self.step_mut(step);
                state.status = StepStatus::Running { deadline: *deadline };
                (state.attempts, state.was_begun, state.takeovers) = (*attempt, true, 0);
                state.order = order.clone().map(Arc::new);
            }
            SagaEvent::StepCompleted { step, output } => {
                self.end(step, StepStatus::Completed);
                self.step_mut(step).output = Some(Arc::new(output.clone()));
            }
            SagaEvent::StepSkipped { step } => self.end(step, StepStatus::Skipped),
            SagaEvent::StepFailed(failed) => {
                let state = self.step_mut(&failed.step);
                state.attempts = failed.attempt;
                state.may_be_done = match failed.kind {
                    // With its key, the step knows: of all attempts, in whatever process.
                    StepErrorKind::Rejected => false,
                    StepErrorKind::Retryable => state.may_be_done,
                    StepErrorKind::Uncertain => true,
                };
                match failed.retry_at {
                    Some(at) => self.step_mut(&failed.step).status = StepStatus::Retrying { at },
                    None => self.end(&failed.step, StepStatus::Failed),
                }
                self.note_failure(failed);
            }
            SagaEvent::CompensationBegun { reason } => {
                self.phase = Phase::Compensating { reason: reason.clone() };
            }
            SagaEvent::UndoBegun { step, attempt, deadline } => {
                let state = self.step_mut(step);
                state.status = StepStatus::Undoing { deadline: *deadline };
                (state.attempts, state.takeovers) = (*attempt, 0);
            }
            SagaEvent::StepUndone { step } => {
                self.step_mut(step).status = StepStatus::Undone;
            }
            SagaEvent::UndoFailed(failed) => {
                self.step_mut(&failed.step).status = match failed.retry_at {
                    Some(at) => StepStatus::UndoRetrying { at },
                    None => StepStatus::UndoFailed,
                };
                self.note_failure(failed);
            }
            SagaEvent::Parked { reason, step } => {
                let turning_round_for = match &self.phase {
                    Phase::Compensating { reason } => Some(reason.clone()),
                    _ => None,
                };
                self.phase = Phase::Parked { reason: reason.clone(), step: step.clone(), turning_round_for };
            }
            SagaEvent::Retried { .. } => self.retry(),
            SagaEvent::Resumed { output, .. } => self.resume(output),
            SagaEvent::Completed => self.phase = Phase::Completed,
            SagaEvent::Compensated => {
                let reason = match &self.phase {
                    Phase::Compensating { reason } => reason.clone(),
                    _ => String::new(),
                };
                self.phase = Phase::Compensated { reason };
            }
            SagaEvent::Abandoned { reason } => self.phase = Phase::Abandoned { reason: reason.clone() },
        }
    }

    /// What failed for good may be tried as often as at first, at once.
    fn retry(&mut self) {
        self.unpark();
        let is_forward = self.phase == Phase::Forward;
        let at = Timestamp::from_micros(0);
        for step in &mut self.steps {
            step.status = match step.status {
                StepStatus::Failed if is_forward => StepStatus::Retrying { at },
                StepStatus::Retrying { .. } => StepStatus::Retrying { at },
                StepStatus::UndoFailed | StepStatus::UndoRetrying { .. } => StepStatus::UndoRetrying { at },
                _ => continue,
            };
            step.attempts = 0;
        }
    }

    /// What it was parked for counts as done, or undone.
    fn resume(&mut self, output: &Value) {
        let parked_at = match &self.phase {
            Phase::Parked { step, .. } => step.clone(),
            _ => None,
        };
        self.unpark();
        let Some(name) = parked_at else { return };
        if self.phase == Phase::Forward {
            self.end(&name, StepStatus::Completed);
            self.step_mut(&name).output = Some(Arc::new(output.clone()));
        } else {
            self.step_mut(&name).status = StepStatus::Undone;
        }
    }

    /// A person has taken it in hand: its time is what that person gives it.
    fn unpark(&mut self) {
        self.started.deadline = None;
        if let Phase::Parked { turning_round_for, .. } = &self.phase {
            self.phase = match turning_round_for {
                Some(reason) => Phase::Compensating { reason: reason.clone() },
                None => Phase::Forward,
            };
        }
    }

    fn note_failure(&mut self, failed: &AttemptFailed) {
        self.step_mut(&failed.step).failure = Some((failed.kind, failed.error.clone()));
    }

    fn end(&mut self, step: &str, status: StepStatus) {
        self.ended_steps += 1;
        let ended = self.ended_steps;
        let state = self.step_mut(step);
        (state.status, state.ended) = (status, ended);
    }

    #[expect(clippy::indexing_slicing, reason = "it was found there, or put there")]
    fn step_mut(&mut self, name: &str) -> &mut StepState {
        let place = self.steps.iter().position(|step| &*step.name == name).unwrap_or_else(|| {
            self.steps.push(StepState::new(name));
            self.steps.len() - 1
        });
        &mut self.steps[place]
    }
}

impl StepState {
    /// Another process drives its saga: what the last one was at may have been done.
    fn taken_over(&mut self) {
        match self.status {
            StepStatus::Running { .. } => (self.may_be_done, self.takeovers) = (true, self.takeovers + 1),
            StepStatus::Undoing { .. } => self.takeovers += 1,
            _ => {}
        }
    }

    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            status: StepStatus::Skipped,
            attempts: 0,
            was_begun: false,
            takeovers: 0,
            may_be_done: false,
            failure: None,
            output: None,
            order: None,
            ended: 0,
        }
    }
}
