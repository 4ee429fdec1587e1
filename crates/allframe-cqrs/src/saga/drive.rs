use std::{sync::Arc, time::Duration};

use eventstore_api::{GlobalPosition, Metadata, StoreError, StreamId, Timestamp, Version};
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::{
    SagaError, SagaEvent, SagaId, StepError,
    attempt::{Ended, carry_out},
    context::Direction,
    decide::Decider,
    definition::Steps,
    engine::Engine,
    log::{Loaded, Written},
    shared::Message,
    state::{Phase, SagaState, StepState, StepStatus},
    step::Action,
    sub_saga::{Child, children, follow, is_anything_to_do_about, turn_round},
};
use crate::{Backoff, Error};

/// Drives one saga: decides, stores what it decides, does it, and so on, until there is nothing to do for now.
pub(super) struct Driver {
    engine: Arc<Engine>,
    steps: Arc<Steps>,
    pub(super) saga: SagaId,
    pub(super) state: SagaState,
    pub(super) version: Version,
    /// Where the last event is that was stored here.
    pub(super) position: GlobalPosition,
    metadata: Metadata,
    /// The steps that are carried out, or undone, now.
    live: Vec<Arc<str>>,
    running: FuturesUnordered<BoxFuture<'static, Ended>>,
}

/// Why a saga is not driven any more.
#[derive(Debug)]
pub(super) enum Left {
    /// It has ended.
    Over,
    /// It waits for a person.
    Parked,
    /// There is nothing to do before a moment, or before one of these sagas has ended.
    Waiting { until: Option<Timestamp>, others: Vec<StreamId> },
    /// Another process drives it.
    Lost,
    /// This process ends, or has not begun.
    Not,
}

/// What drivers are told from outside.
pub(super) struct Signals {
    /// The version that others have written.
    pub(super) nudge: watch::Receiver<Version>,
    pub(super) closing: watch::Receiver<bool>,
    pub(super) worker: mpsc::UnboundedSender<Message>,
}

impl Signals {
    /// Asks to be nudged when one of these has ended.
    fn await_others(&self, saga: &SagaId, others: Vec<StreamId>) {
        // The worker has ended: this ends too.
        let _ = self.worker.send(Message::Awaits { stream: saga.stream().clone(), others });
    }
}

impl Driver {
    pub(super) fn new(engine: Arc<Engine>, steps: Arc<Steps>, saga: SagaId, loaded: Loaded) -> Self {
        let Loaded { state, version } = loaded;
        let metadata = Metadata::new().with_correlation_id(state.correlation_id.to_string());
        Self {
            engine,
            steps,
            saga,
            state,
            version,
            position: GlobalPosition::START,
            metadata,
            live: Vec::new(),
            running: FuturesUnordered::new(),
        }
    }

    /// Stores the first event of a saga, with what follows from it. Answers whether there was none of this id.
    pub(super) async fn start(&mut self, started: SagaEvent) -> Result<bool, SagaError> {
        let mut events = vec![started];
        self.take_in(&events, 0);
        self.decide(&mut events);
        self.metadata = Metadata::new().with_correlation_id(self.state.correlation_id.to_string());
        self.store(Version::NONE, &events).await
    }

    /// Takes a saga over from whoever drove it. Answers whether nobody else was faster.
    pub(super) async fn claim(&mut self) -> Result<bool, SagaError> {
        let events = [SagaEvent::Claimed { worker: self.engine.worker.as_str().to_owned() }];
        let before = self.version;
        self.take_in(&events, 0);
        self.engine.lease.renew_if_due(&self.engine.log).await?;
        self.store(before, &events).await
    }

    /// Drives it, as long as there is something to do. Where the store does not answer, what is under way goes on, and what has come
    /// of it is kept until it can be stored.
    ///
    /// Dropping the future early drops the attempts that are made; what was stored of them stays, and they are made again.
    pub(super) async fn drive(&mut self, mut signals: Signals) -> Result<Left, SagaError> {
        let mut pending = Pending::default();
        let mut failures = 0;
        loop {
            match self.turn(&mut signals, &mut pending).await {
                Ok(Some(left)) => return Ok(left),
                Ok(None) => failures = 0,
                Err(error) if is_passing(&error) && !*signals.closing.borrow() => {
                    failures += 1;
                    tracing::warn!(%error, failures, saga = %self.saga, "a saga cannot be driven for now");
                    // What was decided, and may not be stored, is decided anew.
                    pending.is_stale = true;
                    let clock = Arc::clone(&self.engine.clock);
                    let mut wait = std::pin::pin!(clock.sleep(BACKOFF.wait_after(failures)));
                    loop {
                        tokio::select! {
                            () = &mut wait => break,
                            Some(ended) = self.running.next() => self.take(ended, &mut pending),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Stores what has come, begins what follows, and waits for the next thing to come. Answers why there is nothing, if there is
    /// nothing.
    async fn turn(
        &mut self,
        signals: &mut Signals,
        pending: &mut Pending,
    ) -> Result<Option<Left>, SagaError> {
        if pending.is_stale {
            self.load().await?;
            pending.is_stale = false;
        }
        if self.state.has_ended() {
            return Ok(Some(Left::Over));
        }
        if self.state.worker.as_deref() != Some(self.engine.worker.as_str()) {
            return Ok(Some(Left::Lost));
        }
        let is_closing = *signals.closing.borrow();
        if !self.write_next(pending, is_closing).await? {
            return Ok(None);
        }
        let mut others = Vec::new();
        if !is_closing {
            self.begin_attempts();
            others = self.follow_others(pending).await?;
            if !pending.ended.is_empty() {
                return Ok(None);
            }
        }
        if let Some(left) = self.left(is_closing, &others) {
            return Ok(Some(left));
        }
        if !others.is_empty() {
            signals.await_others(&self.saga, others);
        }
        // Who ends decides nothing more, and has nothing to be woken for.
        let due = if is_closing { None } else { self.decider().due(&self.state) };
        let clock = Arc::clone(&self.engine.clock);
        let due = async {
            match due {
                Some(due) => clock.sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(first) = self.running.next() => self.take(first, pending),
            () = due => {}
            Ok(()) = signals.nudge.changed() => {
                pending.is_stale = *signals.nudge.borrow_and_update() > self.version;
            }
            Ok(()) = signals.closing.changed() => {}
        }
        while let Some(Some(next)) = self.running.next().now_or_never() {
            self.take(next, pending);
        }
        Ok(None)
    }

    fn take(&mut self, ended: Ended, pending: &mut Pending) {
        self.live.retain(|live| *live != ended.step);
        pending.ended.push(ended);
    }

    /// Stores what has come of attempts, and what follows. Where somebody else was faster, the saga is read again, and there may
    /// be something else to do.
    async fn write_next(&mut self, pending: &mut Pending, is_closing: bool) -> Result<bool, SagaError> {
        let before = self.version;
        let mut events = Vec::new();
        for ended in &pending.ended {
            if let Some(event) = self.event_of(ended) {
                events.push(event);
                self.take_in(&events, events.len() - 1);
            }
        }
        // Who ends begins nothing more.
        if !is_closing {
            self.decide(&mut events);
        }
        if !events.is_empty() {
            self.tell_when_due(&mut events);
            if events.iter().any(begins) {
                self.engine.lease.renew_if_due(&self.engine.log).await?;
            }
            match self.store(before, &events).await {
                Ok(true) => {}
                Ok(false) => {
                    pending.is_stale = true;
                    return Ok(false);
                }
                Err(error)
                    if is_refused(&error) && pending.ended.iter().any(|ended| ended.result.is_ok()) =>
                {
                    // It was done, and what it answered can never be stored.
                    pending.is_stale = true;
                    for ended in pending.ended.iter_mut().filter(|ended| ended.result.is_ok()) {
                        ended.result =
                            Err(StepError::uncertain(format!("its output cannot be stored: {error}")));
                    }
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        pending.ended.clear();
        Ok(true)
    }

    /// Says with the last failure when the saga has something to do next: other processes see no more of it than that.
    fn tell_when_due(&self, events: &mut [SagaEvent]) {
        let decider = self.decider();
        let due = if decider.is_under_way(&self.state) { None } else { decider.due(&self.state) };
        let last = events.iter_mut().rev().find_map(|event| match event {
            SagaEvent::StepFailed(failed) | SagaEvent::UndoFailed(failed) => Some(failed),
            _ => None,
        });
        if let Some(failed) = last {
            failed.due = due;
        }
    }

    /// Decides all that can be decided now.
    fn decide(&mut self, events: &mut Vec<SagaEvent>) {
        let now = self.engine.clock.now();
        let decider = Decider { steps: &self.steps, saga: &self.saga, now, live: &self.live };
        self.version = decider.decide(&mut self.state, self.version, events);
    }

    /// Takes events from this place on into the state.
    fn take_in(&mut self, events: &[SagaEvent], from: usize) {
        let now = self.engine.clock.now();
        for event in events.iter().skip(from) {
            self.version = self.version.next();
            self.state.apply(event, self.version, now);
        }
    }

    /// Stores events that the state has taken in already. Answers whether nobody else was faster.
    async fn store(&mut self, after: Version, events: &[SagaEvent]) -> Result<bool, SagaError> {
        match self.engine.log.append(&self.saga, after, events, &self.metadata).await? {
            Written::At { version, position } => {
                (self.version, self.position) = (version, position);
                self.engine.telemetry.came_to(&self.saga, &self.state, events, self.engine.clock.now());
                Ok(true)
            }
            Written::Conflict => Ok(false),
        }
    }

    /// What an attempt has come to, if it is still the one that the saga waits for.
    fn event_of(&self, ended: &Ended) -> Option<SagaEvent> {
        let step = self.state.step(&ended.step).filter(|step| step.attempts == ended.number)?;
        let is_awaited = match ended.direction {
            Direction::Forward => matches!(step.status, StepStatus::Running { .. }),
            Direction::Undo => matches!(step.status, StepStatus::Undoing { .. }),
        };
        if !is_awaited {
            return None;
        }
        Some(self.ended_as(step, ended.direction, &ended.result))
    }

    fn ended_as(
        &self,
        step: &StepState,
        direction: Direction,
        result: &Result<Value, StepError>,
    ) -> SagaEvent {
        let name = step.name.to_string();
        match (result, direction) {
            (Ok(output), Direction::Forward) => {
                SagaEvent::StepCompleted { step: name, output: output.clone() }
            }
            (Ok(_), Direction::Undo) => SagaEvent::StepUndone { step: name },
            (Err(error), direction) => self.decider().failed(&self.state, step, direction, error),
        }
    }

    fn begin_attempts(&mut self) {
        let mut begun = Vec::new();
        let decider = self.decider();
        for (step, direction) in decider.attempts(&self.state) {
            let Some(entry) = self.steps.entry(&step.name) else { continue };
            let run = match (direction, &entry.action, &entry.undo) {
                (Direction::Forward, Action::Run(run), _) | (Direction::Undo, _, Some(run)) => {
                    Arc::clone(run)
                }
                (Direction::Forward, Action::Saga, _) | (Direction::Undo, _, None) => continue,
            };
            let attempt = decider.attempt(&self.state, entry, direction, step.attempts);
            begun.push((Arc::clone(&step.name), carry_out(Arc::clone(&self.engine.clock), run, attempt)));
        }
        for (step, work) in begun {
            self.live.push(step);
            self.running.push(work);
        }
    }

    /// Sees to the sagas of steps: which go on, and what those have come to that have ended.
    async fn follow_others(&mut self, pending: &mut Pending) -> Result<Vec<StreamId>, SagaError> {
        let decider = self.decider();
        let is_saga = |step: &StepState| {
            self.steps.entry(&step.name).is_some_and(|entry| matches!(entry.action, Action::Saga))
        };
        let of_sagas = decider.attempts(&self.state).filter(|(step, _)| is_saga(step));
        let of_sagas: Vec<_> = of_sagas.map(|(step, direction)| (step.clone(), direction)).collect();
        let mut others = Vec::new();
        for (step, direction) in of_sagas {
            let (engine, state) = (&self.engine, &self.state);
            let child = match direction {
                Direction::Forward => follow(engine, &self.saga, state, &step).await?,
                Direction::Undo => turn_round(engine, &self.saga, state, &step).await?,
            };
            match child {
                Child::GoesOn(child) => others.push(child.stream().clone()),
                Child::Ended(result) => {
                    let (number, step) = (step.attempts, step.name);
                    pending.ended.push(Ended { step, direction, number, result });
                }
            }
        }
        Ok(others)
    }

    /// What there is to do about a saga that another process drove, or nobody: nothing is claimed for nothing.
    pub(super) async fn is_anything_to_do(&mut self) -> Result<Result<(), Left>, SagaError> {
        if matches!(self.state.phase, Phase::Parked { .. }) {
            return Ok(Err(Left::Parked));
        }
        if self.is_under_way() || self.decides_something() {
            return Ok(Ok(()));
        }
        let mut others = Vec::new();
        for (child, direction) in children(&self.state, &self.steps) {
            let known = self.engine.log.load(&child).await?;
            if is_anything_to_do_about(&known.state, direction) {
                return Ok(Ok(()));
            }
            others.push(child.stream().clone());
        }
        Ok(Err(Left::Waiting { until: self.decider().due(&self.state), others }))
    }

    /// Whether anything follows from what has happened, and from the time.
    fn decides_something(&self) -> bool {
        let (mut state, mut events) = (self.state.clone(), Vec::new());
        self.decider().decide(&mut state, self.version, &mut events);
        !events.is_empty()
    }

    /// Whether attempts are decided on that are made now, or were when their process died.
    pub(super) fn is_under_way(&self) -> bool {
        self.decider().is_under_way(&self.state)
    }

    /// When it turns round, if it does.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.decider().deadline(&self.state)
    }

    /// Why there is nothing to do for now, if there is nothing.
    fn left(&self, is_closing: bool, others: &[StreamId]) -> Option<Left> {
        if self.state.has_ended() {
            return Some(Left::Over);
        }
        if matches!(self.state.phase, Phase::Parked { .. }) {
            return Some(Left::Parked);
        }
        if !self.running.is_empty() {
            return None;
        }
        if is_closing {
            return Some(Left::Not);
        }
        Some(Left::Waiting { until: self.decider().due(&self.state), others: others.to_vec() })
    }

    async fn load(&mut self) -> Result<(), SagaError> {
        let Loaded { state, version } = self.engine.log.load(&self.saga).await?;
        (self.state, self.version) = (state, version);
        Ok(())
    }

    fn decider(&self) -> Decider<'_> {
        Decider { steps: &self.steps, saga: &self.saga, now: self.engine.clock.now(), live: &self.live }
    }
}

/// What has come and is not stored yet.
#[derive(Default)]
struct Pending {
    ended: Vec<Ended>,
    /// Whether the saga has to be read again, before anything is decided.
    is_stale: bool,
}

/// Between attempts where the store does not answer.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(10)).with_jitter();

/// Whether it may go well the next time.
fn is_passing(error: &SagaError) -> bool {
    matches!(error, SagaError::Store(error) if error.is_retryable() || !error.outcome_is_known())
}

/// Whether the store will never take it.
fn is_refused(error: &SagaError) -> bool {
    matches!(error, SagaError::Store(Error::Store(StoreError::InvalidInput(_))))
}

/// Whether something is done once this is stored.
fn begins(event: &SagaEvent) -> bool {
    matches!(event, SagaEvent::StepBegun { .. } | SagaEvent::UndoBegun { .. })
}
