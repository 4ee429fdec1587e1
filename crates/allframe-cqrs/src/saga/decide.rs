//! What a saga does next: of what has happened, and of the time, alone.

use std::sync::Arc;

use eventstore_api::{Timestamp, Version, limits::MAX_PAYLOAD_BYTES};

use super::{
    AttemptFailed, OnFailure, SagaEvent, SagaId, StepError, StepErrorKind,
    context::{Attempt, Direction},
    definition::Steps,
    state::{Phase, SagaState, StepState, StepStatus},
    step::{Action, StepEntry},
};
use crate::clock::{NEVER, after};

/// How often a process may have died in the middle of an attempt before nobody tries it again by itself: it may be the step that
/// kills them.
const MAX_TAKEOVERS: u32 = 5;

/// How long what a step is going to do may be, as JSON: with it, the event that it is begun is one that any store takes.
const MAX_ORDER_BYTES: usize = MAX_PAYLOAD_BYTES - (64 << 10);

/// What is known where it is decided.
pub(super) struct Decider<'a> {
    pub(super) steps: &'a Steps,
    pub(super) saga: &'a SagaId,
    pub(super) now: Timestamp,
    /// The steps that are being carried out, or undone, in this process.
    pub(super) live: &'a [Arc<str>],
}

impl Decider<'_> {
    /// Decides all that can be decided now, and takes it into the state, which is as of a version; answers which it is as of then.
    /// The events are to be stored before anything is done.
    pub(super) fn decide(
        &self,
        state: &mut SagaState,
        mut version: Version,
        events: &mut Vec<SagaEvent>,
    ) -> Version {
        while let Some(event) = self.next(state) {
            version = version.next();
            state.apply(&event, version, self.now);
            events.push(event);
        }
        version
    }

    /// When there may be something to decide though nothing happens; `None` where never.
    pub(super) fn due(&self, state: &SagaState) -> Option<Timestamp> {
        // What could be begun by now and is not waits for what is under way: its step is gone from the definition.
        let is_awaited = |at: Timestamp| at > self.now || self.live.is_empty();
        match state.phase {
            // Whatever else its stream says: nothing is decided before then.
            Phase::Forward if state.started.not_before.is_some_and(|moment| moment > self.now) => {
                earliest(state.started.not_before, self.deadline(state))
            }
            Phase::Forward => {
                // What has failed waits for what is under way, and what waits to be tried again for both.
                let has_failed = state.steps.iter().any(is_failed);
                let retries = state.steps.iter().filter_map(|step| match step.status {
                    StepStatus::Retrying { at } if !has_failed && is_awaited(at) => Some(at),
                    StepStatus::Running { deadline } if self.is_saga(step) => limit(deadline),
                    _ => None,
                });
                earliest(retries.min(), self.deadline(state))
            }
            Phase::Compensating { .. } => {
                let next = self.next_to_undo(state).map(|step| &step.name);
                let is_next = |step: &StepState| next == Some(&step.name);
                let retries = state.steps.iter().filter_map(|step| match step.status {
                    StepStatus::UndoRetrying { at } if is_next(step) && is_awaited(at) => Some(at),
                    StepStatus::Undoing { deadline } if self.is_saga(step) => limit(deadline),
                    _ => None,
                });
                retries.min()
            }
            _ => None,
        }
    }

    /// Whether an attempt is decided on that is not a saga of its own: it is made now, or was when its process died.
    pub(super) fn is_under_way(&self, state: &SagaState) -> bool {
        state.steps.iter().any(|step| {
            matches!(step.status, StepStatus::Running { .. } | StepStatus::Undoing { .. })
                && !self.is_saga(step)
        })
    }

    /// The attempts that are decided on, and that nobody here carries out.
    pub(super) fn attempts<'s>(
        &'s self,
        state: &'s SagaState,
    ) -> impl Iterator<Item = (&'s StepState, Direction)> {
        let is_parked = matches!(state.phase, Phase::Parked { .. });
        state.steps.iter().filter_map(move |step| match step.status {
            _ if is_parked || self.is_live(step) => None,
            StepStatus::Running { .. } => Some((step, Direction::Forward)),
            StepStatus::Undoing { .. } => Some((step, Direction::Undo)),
            _ => None,
        })
    }

    /// When it turns round; `None` once it has begun a step behind which there is no way back.
    pub(super) fn deadline(&self, state: &SagaState) -> Option<Timestamp> {
        let parks =
            |name: &str| self.steps.entry(name).is_some_and(|entry| entry.on_failure == OnFailure::Park);
        let is_behind = state.steps.iter().any(|step| step.was_begun && parks(&step.name));
        state.started.deadline.filter(|_| state.phase == Phase::Forward && !is_behind)
    }

    fn next(&self, state: &SagaState) -> Option<SagaEvent> {
        match &state.phase {
            Phase::Forward => self.next_forward(state),
            Phase::Compensating { .. } => self.next_undo(state),
            _ => None,
        }
    }

    fn next_forward(&self, state: &SagaState) -> Option<SagaEvent> {
        let is_done = |name: &str| {
            state
                .step(name)
                .is_some_and(|step| matches!(step.status, StepStatus::Completed | StepStatus::Skipped))
        };
        // Also where its time was over a moment before: there is nothing left to do in time.
        if self.steps.entries.iter().all(|entry| is_done(&entry.name)) && !state.steps.iter().any(is_open) {
            return Some(SagaEvent::Completed);
        }
        if self.deadline(state).is_some_and(|deadline| deadline <= self.now) {
            return Some(SagaEvent::CompensationBegun { reason: "its time was over".to_owned() });
        }
        if state.started.not_before.is_some_and(|moment| moment > self.now) {
            return None;
        }
        if let Some(given_up) = self.given_up(state) {
            return Some(given_up);
        }
        if let Some(failed) = state.steps.iter().find(|step| is_failed(step)) {
            return self.after_failure(state, failed);
        }
        let again = state
            .steps
            .iter()
            .find(|step| matches!(step.status, StepStatus::Retrying { at } if at <= self.now));
        if let Some(step) = again {
            return match self.steps.entry(&step.name) {
                Some(entry) if !step.was_begun => {
                    Some(self.begin_if_wanted(state, entry, step.attempts.saturating_add(1)))
                }
                Some(entry) => {
                    Some(self.begin(state, entry, step.attempts.saturating_add(1), step.order.is_some()))
                }
                None => self.gone(step, "is to be tried again"),
            };
        }
        let ready =
            self.steps.entries.iter().find(|entry| {
                state.step(&entry.name).is_none() && entry.after.iter().all(|name| is_done(name))
            });
        ready.map(|entry| self.begin_if_wanted(state, entry, 1))
    }

    fn after_failure(&self, state: &SagaState, failed: &StepState) -> Option<SagaEvent> {
        let error = failed.failure.as_ref().map_or("", |(_, error)| error.as_str());
        let reason = format!("the step `{}` failed: {error}", failed.name);
        let parks = match self.steps.entry(&failed.name) {
            Some(entry) => entry.on_failure == OnFailure::Park,
            None => true,
        };
        if !parks {
            return Some(SagaEvent::CompensationBegun { reason });
        }
        // What is under way goes on to its end, so that the person sees what came of it.
        let is_under_way = state.steps.iter().any(|step| matches!(step.status, StepStatus::Running { .. }));
        (!is_under_way).then(|| parked(&failed.name, reason))
    }

    /// A step that is gone from the definition: a person has to look, once nothing else is under way.
    fn gone(&self, step: &StepState, what: &str) -> Option<SagaEvent> {
        let reason = format!("the saga has no step `{}` any more, which {what}", step.name);
        self.live.is_empty().then(|| parked(&step.name, reason))
    }

    fn begin_if_wanted(&self, state: &SagaState, entry: &StepEntry, attempt: u32) -> SagaEvent {
        let Some(condition) = &entry.condition else { return self.begin(state, entry, attempt, false) };
        match condition(Arc::new(self.attempt(state, entry, Direction::Forward, attempt))) {
            Ok(true) => self.begin(state, entry, attempt, false),
            Ok(false) => SagaEvent::StepSkipped { step: entry.name.to_string() },
            Err(error) => SagaEvent::StepFailed(self.not_begun(entry, attempt, &error)),
        }
    }

    /// A step that is begun: with what was to be done before, or with what it plans to do now.
    fn begin(&self, state: &SagaState, entry: &StepEntry, attempt: u32, is_planned: bool) -> SagaEvent {
        let order = match &entry.plan {
            Some(_) if is_planned => state.step(&entry.name).and_then(|step| step.order.as_deref().cloned()),
            Some(plan) => match plan(Arc::new(self.attempt(state, entry, Direction::Forward, attempt))) {
                Ok(order) if order.to_string().len() > MAX_ORDER_BYTES => {
                    let error = StepError::rejected(format!(
                        "what it is to do takes more than {MAX_ORDER_BYTES} bytes"
                    ));
                    return SagaEvent::StepFailed(self.not_begun(entry, attempt, &error));
                }
                Ok(order) => Some(order),
                Err(error) => return SagaEvent::StepFailed(self.not_begun(entry, attempt, &error)),
            },
            None => None,
        };
        let deadline = after(self.now, entry.timeout);
        // Behind a step that parks there is no way back, also not for want of time.
        let whole = self.deadline(state).filter(|_| entry.on_failure != OnFailure::Park);
        let deadline = whole.map_or(deadline, |whole| deadline.min(whole));
        SagaEvent::StepBegun { step: entry.name.to_string(), attempt, deadline, order }
    }

    fn next_undo(&self, state: &SagaState) -> Option<SagaEvent> {
        if let Some(given_up) = self.given_up(state) {
            return Some(given_up);
        }
        // What may have been done is known to be undone only once it is known that nobody does it any more.
        if state.steps.iter().any(|step| matches!(step.status, StepStatus::Running { .. })) {
            return None;
        }
        let Some(step) = self.next_to_undo(state) else { return Some(SagaEvent::Compensated) };
        let Some(entry) = self.steps.entry(&step.name) else {
            return self.gone(step, "is to be undone");
        };
        match step.status {
            StepStatus::Undoing { .. } => None,
            StepStatus::UndoRetrying { at } => {
                (at <= self.now).then(|| self.begin_undo(entry, step.attempts.saturating_add(1)))
            }
            StepStatus::UndoFailed => {
                let error = step.failure.as_ref().map_or("", |(_, error)| error.as_str());
                Some(parked(&step.name, format!("the step `{}` could not be undone: {error}", step.name)))
            }
            _ => Some(self.begin_undo(entry, 1)),
        }
    }

    /// The step whose turn it is to be undone: of those that are still to be, that which came to its end last.
    fn next_to_undo<'s>(&self, state: &'s SagaState) -> Option<&'s StepState> {
        let to_undo = state.steps.iter().filter(|step| needs_undo(step) && self.is_undone_at_all(step));
        to_undo.max_by_key(|step| step.ended)
    }

    fn begin_undo(&self, entry: &StepEntry, attempt: u32) -> SagaEvent {
        SagaEvent::UndoBegun {
            step: entry.name.to_string(),
            attempt,
            deadline: after(self.now, entry.timeout),
        }
    }

    /// The end of an attempt that nobody carries out: its time is over, or too many processes have died in it, or the saga turns
    /// round.
    fn given_up(&self, state: &SagaState) -> Option<SagaEvent> {
        let turns_round = matches!(state.phase, Phase::Compensating { .. });
        state.steps.iter().filter(|step| !self.is_live(step)).find_map(|step| {
            let (deadline, direction) = match step.status {
                StepStatus::Running { deadline } => (deadline, Direction::Forward),
                StepStatus::Undoing { deadline } => (deadline, Direction::Undo),
                StepStatus::Retrying { .. } if turns_round => {
                    return Some(SagaEvent::StepFailed(not_again(step)));
                }
                _ => return None,
            };
            if self.steps.entry(&step.name).is_none() {
                return self.gone(step, "was under way");
            }
            if turns_round && direction == Direction::Forward {
                let error = StepError::uncertain("whether it was done is not known: its process has died");
                return Some(self.failed(state, step, direction, &error));
            }
            if step.takeovers >= MAX_TAKEOVERS && !self.is_saga(step) {
                let error = format!("{} processes have died while they were at it", step.takeovers);
                let failed = AttemptFailed {
                    step: step.name.to_string(),
                    attempt: step.attempts,
                    error,
                    kind: StepErrorKind::Uncertain,
                    retry_at: None,
                    due: None,
                };
                return Some(as_event(direction, failed));
            }
            (deadline <= self.now).then(|| self.failed(state, step, direction, &timed_out()))
        })
    }

    /// The event of an attempt that has failed: with when it is made again, if it is.
    pub(super) fn failed(
        &self,
        state: &SagaState,
        step: &StepState,
        direction: Direction,
        error: &StepError,
    ) -> SagaEvent {
        let is_wanted = direction == Direction::Undo || state.phase == Phase::Forward;
        let retry_at = self.steps.entry(&step.name).filter(|entry| {
            let max_attempts = match direction {
                Direction::Forward => entry.retry.max_attempts,
                Direction::Undo => entry.undo_max_attempts.unwrap_or(entry.retry.max_attempts),
            };
            is_wanted && error.kind() != StepErrorKind::Rejected && step.attempts < max_attempts
        });
        let retry_at = retry_at.map(|entry| {
            let wait = error.retry_after().unwrap_or_else(|| entry.retry.backoff.wait_after(step.attempts));
            after(self.now, wait)
        });
        let failed = AttemptFailed {
            step: step.name.to_string(),
            attempt: step.attempts,
            error: error.message(),
            kind: error.kind(),
            retry_at,
            due: None,
        };
        as_event(direction, failed)
    }

    /// A step that could not be begun: what was to say whether it is carried out, or what it does, has failed.
    fn not_begun(&self, entry: &StepEntry, attempt: u32, error: &StepError) -> AttemptFailed {
        let is_final = error.kind() == StepErrorKind::Rejected || attempt >= entry.retry.max_attempts;
        let wait = error.retry_after().unwrap_or_else(|| entry.retry.backoff.wait_after(attempt));
        AttemptFailed {
            step: entry.name.to_string(),
            attempt,
            error: error.message(),
            // Nothing was begun that could have been done.
            kind: match error.kind() {
                StepErrorKind::Rejected => StepErrorKind::Rejected,
                _ => StepErrorKind::Retryable,
            },
            retry_at: (!is_final).then(|| after(self.now, wait)),
            due: None,
        }
    }

    /// What an attempt is told.
    pub(super) fn attempt(
        &self,
        state: &SagaState,
        entry: &StepEntry,
        direction: Direction,
        number: u32,
    ) -> Attempt {
        let step = state.step(&entry.name);
        let key = match direction {
            Direction::Forward => format!("{}/{}", self.saga.stream(), entry.name),
            Direction::Undo => format!("{}/{}/undo", self.saga.stream(), entry.name),
        };
        let deadline = match step.map(|step| &step.status) {
            Some(StepStatus::Running { deadline } | StepStatus::Undoing { deadline }) => *deadline,
            _ => after(self.now, entry.timeout),
        };
        let outputs = state
            .steps
            .iter()
            .filter_map(|step| Some((Arc::clone(&step.name), Arc::clone(step.output.as_ref()?))))
            .collect();
        Attempt {
            saga: self.saga.clone(),
            step: Arc::clone(&entry.name),
            direction,
            number,
            token: state.token,
            deadline,
            correlation_id: Arc::clone(&state.correlation_id),
            key: key.into(),
            input: Arc::clone(&state.input),
            outputs,
            order: step.and_then(|step| step.order.clone()),
        }
    }

    /// Whether there is a way to undo a step. One that has none stays as it is, and is shown so; of one that is gone nobody knows.
    fn is_undone_at_all(&self, step: &StepState) -> bool {
        let entry = self.steps.entry(&step.name);
        entry.is_none_or(|entry| entry.undo.is_some() || matches!(entry.action, Action::Saga))
    }

    fn is_saga(&self, step: &StepState) -> bool {
        self.steps.entry(&step.name).is_some_and(|entry| matches!(entry.action, Action::Saga))
    }

    fn is_live(&self, step: &StepState) -> bool {
        self.live.contains(&step.name)
    }
}

/// What an attempt has failed with whose time is over.
pub(super) fn timed_out() -> StepError {
    StepError::uncertain("it took too long")
}

fn as_event(direction: Direction, failed: AttemptFailed) -> SagaEvent {
    match direction {
        Direction::Forward => SagaEvent::StepFailed(failed),
        Direction::Undo => SagaEvent::UndoFailed(failed),
    }
}

/// A step that waits to be tried again, and is not.
fn not_again(step: &StepState) -> AttemptFailed {
    let (kind, error) = step.failure.clone().unwrap_or((StepErrorKind::Uncertain, String::new()));
    AttemptFailed {
        step: step.name.to_string(),
        attempt: step.attempts,
        error,
        kind,
        retry_at: None,
        due: None,
    }
}

fn parked(step: &str, reason: String) -> SagaEvent {
    SagaEvent::Parked { reason, step: Some(step.to_owned()) }
}

fn is_failed(step: &StepState) -> bool {
    matches!(step.status, StepStatus::Failed)
}

fn is_open(step: &StepState) -> bool {
    matches!(step.status, StepStatus::Running { .. } | StepStatus::Retrying { .. } | StepStatus::Failed)
}

/// Whether a step has been done, or may have been.
fn needs_undo(step: &StepState) -> bool {
    match step.status {
        StepStatus::Completed
        | StepStatus::Undoing { .. }
        | StepStatus::UndoRetrying { .. }
        | StepStatus::UndoFailed => true,
        StepStatus::Failed => step.may_be_done,
        _ => false,
    }
}

/// A deadline, where it is one.
fn limit(deadline: Timestamp) -> Option<Timestamp> {
    (deadline < NEVER).then_some(deadline)
}

fn earliest(some: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (some, other) {
        (Some(some), Some(other)) => Some(some.min(other)),
        (some, other) => some.or(other),
    }
}

#[cfg(test)]
mod tests;
