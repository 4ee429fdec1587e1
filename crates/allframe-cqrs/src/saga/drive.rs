use std::{future::pending, sync::Arc};

use eventstore_api::{GlobalPosition, Metadata, StreamId, Timestamp, Version};
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
    sub_saga::{Child, follow, turn_round},
};

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
    Lost(String),
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

    /// Drives it, as long as there is something to do.
    ///
    /// Dropping the future early drops the attempts that are made; what was stored of them stays, and they are made again.
    pub(super) async fn drive(&mut self, mut signals: Signals) -> Result<Left, SagaError> {
        let mut ended: Vec<Ended> = Vec::new();
        let mut outside: Vec<SagaEvent> = Vec::new();
        loop {
            if self.state.has_ended() {
                return Ok(Left::Over);
            }
            if let Some(other) = self.other_worker() {
                return Ok(Left::Lost(other));
            }
            let is_closing = *signals.closing.borrow();
            if !self.write_next(std::mem::take(&mut outside), &mut ended, is_closing).await? {
                continue;
            }
            if !is_closing {
                self.begin_attempts();
            }
            let (others, events) =
                if is_closing { (Vec::new(), Vec::new()) } else { self.follow_others().await? };
            if !events.is_empty() {
                outside = events;
                continue;
            }
            if let Some(left) = self.left(is_closing, &others) {
                return Ok(left);
            }
            if !others.is_empty() {
                signals.await_others(&self.saga, others);
            }
            let due = self.decider().due(&self.state);
            let clock = Arc::clone(&self.engine.clock);
            let due = async {
                match due {
                    Some(due) => clock.sleep_until(due).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                Some(first) = self.running.next() => ended.push(first),
                () = due => {}
                Ok(()) = signals.nudge.changed() => {
                    if *signals.nudge.borrow_and_update() > self.version {
                        self.load().await?;
                    }
                }
                Ok(()) = signals.closing.changed() => {}
            }
            while let Some(Some(next)) = self.running.next().now_or_never() {
                ended.push(next);
            }
            self.live.retain(|live| !ended.iter().any(|ended| ended.step == *live));
        }
    }

    /// Stores what has come of attempts, and what follows. Where somebody else was faster, the saga is read again, and there may
    /// be something else to do.
    async fn write_next(
        &mut self,
        outside: Vec<SagaEvent>,
        ended: &mut Vec<Ended>,
        is_closing: bool,
    ) -> Result<bool, SagaError> {
        let before = self.version;
        let mut events = outside;
        self.take_in(&events, 0);
        for ended in ended.iter() {
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
            if events.iter().any(begins) {
                self.engine.lease.renew_if_due(&self.engine.log).await?;
            }
            if !self.store(before, &events).await? {
                self.load().await?;
                return Ok(false);
            }
        }
        ended.clear();
        Ok(true)
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
                self.engine.telemetry.wrote(&self.saga, &self.state, events, self.engine.clock.now());
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
    async fn follow_others(&mut self) -> Result<(Vec<StreamId>, Vec<SagaEvent>), SagaError> {
        let decider = self.decider();
        let is_saga = |step: &StepState| {
            self.steps.entry(&step.name).is_some_and(|entry| matches!(entry.action, Action::Saga))
        };
        let of_sagas = decider.attempts(&self.state).filter(|(step, _)| is_saga(step));
        let of_sagas: Vec<_> = of_sagas.map(|(step, direction)| (step.clone(), direction)).collect();
        let (mut others, mut events) = (Vec::new(), Vec::new());
        for (step, direction) in of_sagas {
            let (engine, state) = (&self.engine, &self.state);
            let child = match direction {
                Direction::Forward => follow(&engine.log, &self.saga, state, &step).await?,
                Direction::Undo => turn_round(&engine.log, &self.saga, state, &step).await?,
            };
            match child {
                Child::GoesOn(child) => others.push(child.stream().clone()),
                Child::Ended(result) => events.push(self.ended_as(&step, direction, &result)),
            }
        }
        Ok((others, events))
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

    fn other_worker(&self) -> Option<String> {
        let worker = self.state.worker.as_deref().unwrap_or_default();
        (worker != self.engine.worker.as_str()).then(|| worker.to_owned())
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

/// Whether something is done once this is stored.
fn begins(event: &SagaEvent) -> bool {
    matches!(event, SagaEvent::StepBegun { .. } | SagaEvent::UndoBegun { .. })
}
