use std::{future, sync::Arc, time::Instant};

use eventstore_api::{GlobalPosition, StoreError};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{self, Instant as Later},
};

use super::{
    FaultPolicy, OnFault, ProjectionFault, ProjectionState,
    attempts::Attempts,
    checkpoint_policy::SinceCheckpoint,
    fault::{Failure, FaultCause},
    fault_policy::Next,
    feed::{Entry, Feed, Part},
    sink::{Sink, Standing, Taken},
    status::Gauges,
    telemetry,
};
use crate::{Error, Event, Recorded, Result};

/// The task of one projection: reads what comes, has it taken in, and decides what becomes of what fails.
pub(super) struct Runner<E: Event, S> {
    pub(super) name: String,
    pub(super) sink: S,
    pub(super) feed: Arc<Feed<E>>,
    pub(super) policy: FaultPolicy,
    pub(super) since_checkpoint: SinceCheckpoint,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) gauges: watch::Sender<Gauges>,
    pub(super) attempts: Attempts,
}

/// What a runner is told. Each is answered when it has been done.
#[derive(Debug)]
pub(super) enum Command {
    Pause(oneshot::Sender<()>),
    Resume(oneshot::Sender<()>),
    /// A state was built anew, and serves if that has succeeded; up to where it is stored. Nobody waits for an answer.
    Built(Result<Option<GlobalPosition>, ProjectionFault>),
    /// Stores the state.
    Save(oneshot::Sender<Result<()>>),
    /// Stores the state and ends.
    Close(oneshot::Sender<Result<()>>),
}

/// What woke the runner.
enum Woken<E> {
    Told(Option<Command>),
    Found(Result<Option<Part<E>>>),
    RetryDue,
    CheckpointDue,
}

impl<E: Event, S: Sink<E>> Runner<E, S> {
    /// Runs until it is told to close, or nobody is left who could.
    pub(super) async fn run(mut self) {
        loop {
            telemetry::stands(&self.name, &self.gauges.borrow());
            match self.woken().await {
                Woken::Told(Some(Command::Close(done))) => {
                    let saved = self.save().await;
                    self.end();
                    let _ = done.send(saved);
                    return;
                }
                // Nobody is left who could read it; what is not stored would have to be applied again.
                Woken::Told(None) => {
                    let _ = self.save().await;
                    self.end();
                    return;
                }
                Woken::Told(Some(command)) => self.obey(command).await,
                Woken::Found(Ok(Some(part))) => self.take(part.entries(), part.next()).await,
                // The head was passed between looking and waiting, or there was nothing of the type.
                Woken::Found(Ok(None)) => {}
                Woken::Found(Err(error)) => {
                    let position = self.gauges.borrow().position;
                    let cause = FaultCause::Store(error);
                    self.failed(Failure { position, stream: None, cause }).await;
                }
                Woken::RetryDue => self.retry().await,
                Woken::CheckpointDue => {
                    // Where that fails, the status says so, and it will be tried again.
                    let _ = self.save().await;
                }
            }
        }
    }

    async fn woken(&mut self) -> Woken<E> {
        let state = self.gauges.borrow().state;
        let retry = self.attempts.next;
        let checkpoint = self.since_checkpoint.due();
        let reads = matches!(state, ProjectionState::CatchingUp | ProjectionState::Live);
        tokio::select! {
            biased;
            command = self.commands.recv() => Woken::Told(command),
            () = until(retry), if state == ProjectionState::Retrying => Woken::RetryDue,
            () = until(checkpoint.map(Later::from_std)) => Woken::CheckpointDue,
            found = next(&self.feed, &self.gauges), if reads => Woken::Found(found),
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Pause(done) => {
                // Where that fails, the status says so; the projection pauses all the same.
                let _ = self.save().await;
                self.enter(ProjectionState::Paused);
                let _ = done.send(());
            }
            Command::Resume(done) => {
                self.attempts = Attempts::default();
                self.go_on().await;
                let _ = done.send(());
            }
            Command::Built(outcome) => self.built(outcome).await,
            Command::Save(done) => {
                let _ = done.send(self.save().await);
            }
            Command::Close(_) => {}
        }
    }

    async fn built(&mut self, outcome: Result<Option<GlobalPosition>, ProjectionFault>) {
        let state = self.gauges.borrow().state;
        match outcome {
            Ok(stored) => {
                self.gauges.send_modify(|gauges| gauges.stored = stored.or(gauges.stored));
                if state == ProjectionState::Paused {
                    self.tell_standing().await;
                } else {
                    self.go_on().await;
                }
            }
            Err(fault) => {
                // Of a first state what has been built of it serves.
                self.tell_standing().await;
                self.gauges.send_modify(|gauges| {
                    gauges.last_error = Some(fault);
                    if state == ProjectionState::Replacing {
                        gauges.state = ProjectionState::Stopped;
                    }
                });
            }
        }
    }

    async fn go_on(&mut self) {
        let Some(standing) = self.tell_standing().await else { return };
        if standing.is_outdated {
            return self.enter(ProjectionState::Replacing);
        }
        // An effect that failed is tried again even where no event comes.
        self.retry().await;
    }

    async fn take(&mut self, entries: &[Entry<E>], through: GlobalPosition) {
        let Taken { events, failure } = self.sink.take(entries, through).await;
        self.since_checkpoint.applied(events);
        telemetry::applied(&self.name, events);
        let newest = entries.iter().rev().find_map(Entry::first);
        let newest = newest.map(Recorded::recorded_at);
        self.gauges.send_modify(|gauges| {
            gauges.applied += events;
            gauges.rate.add(events);
            gauges.newest = newest.or(gauges.newest);
        });
        self.tell_standing().await;
        match failure {
            Some(failure) => self.failed(failure).await,
            None => self.attempts = Attempts::default(),
        }
    }

    /// Tries again what failed: an effect, or what comes with the next read.
    async fn retry(&mut self) {
        self.attempts.next = None;
        self.enter(ProjectionState::CatchingUp);
        let Taken { failure, .. } = self.sink.take(&[], GlobalPosition::START).await;
        // A database outside may stand elsewhere after an outage.
        self.tell_standing().await;
        if let Some(failure) = failure {
            self.failed(failure).await;
        }
    }

    async fn failed(&mut self, failure: Failure) {
        if failure.is_outage() {
            return self.wait_out(failure);
        }
        if failure.is_of_the_store() {
            return self.stop(failure);
        }
        let attempts = self.attempts.count(failure.position);
        let fault = failure.after(attempts);
        fault.warn(&self.name);
        self.gauges.send_modify(|gauges| gauges.last_error = Some(fault.clone()));
        match self.policy.after(attempts) {
            Next::RetryAfter(wait) => {
                telemetry::met_fault(&self.name, "retried");
                self.attempts.next = Later::now().checked_add(wait);
                self.enter(ProjectionState::Retrying);
            }
            Next::GiveUp(OnFault::Stop) => {
                telemetry::met_fault(&self.name, "stopped");
                self.enter(ProjectionState::Stopped);
            }
            Next::GiveUp(how) => match self.sink.pass_over(&fault, how).await {
                Ok(()) => {
                    telemetry::met_fault(&self.name, telemetry::passed_over(how));
                    self.attempts = Attempts::default();
                    self.since_checkpoint.applied(1);
                    self.gauges.send_modify(|gauges| gauges.skipped += u64::from(how == OnFault::Skip));
                    self.tell_standing().await;
                    self.enter(ProjectionState::CatchingUp);
                }
                Err(failure) if failure.is_outage() => self.wait_out(failure),
                Err(failure) => self.stop(failure),
            },
        }
    }

    /// What does not answer is asked again for ever: neither the projection nor an event is to blame.
    fn wait_out(&mut self, failure: Failure) {
        let attempts = self.attempts.count(failure.position);
        let fault = failure.after(attempts);
        fault.warn(&self.name);
        telemetry::met_fault(&self.name, "retried");
        self.gauges.send_modify(|gauges| gauges.last_error = Some(fault));
        self.attempts.next = Later::now().checked_add(self.policy.backoff(attempts));
        self.enter(ProjectionState::Retrying);
    }

    fn stop(&mut self, failure: Failure) {
        let fault = failure.after(1);
        match &fault.cause {
            // As when a program ends.
            FaultCause::Store(Error::Store(StoreError::Closed)) => {
                tracing::debug!(name = self.name, "a projection stops with its store");
            }
            _ => {
                fault.warn(&self.name);
                telemetry::met_fault(&self.name, "stopped");
            }
        }
        self.gauges.send_modify(|gauges| {
            gauges.last_error = Some(fault);
            gauges.state = ProjectionState::Stopped;
        });
    }

    async fn save(&mut self) -> Result<()> {
        if !self.since_checkpoint.is_dirty() {
            return Ok(());
        }
        let begun = Instant::now();
        if !self.sink.may_be_saved() {
            self.since_checkpoint.not_stored(begun.elapsed());
            return Ok(());
        }
        let saved = self.sink.save().await;
        let took = begun.elapsed();
        match saved {
            Ok(stored) => {
                self.since_checkpoint.stored(took);
                self.gauges.send_modify(|gauges| gauges.stored = stored.or(gauges.stored));
                Ok(())
            }
            Err(error) => {
                self.since_checkpoint.not_stored(took);
                let position = self.gauges.borrow().position;
                let cause = FaultCause::Store(error.clone());
                let fault = Failure { position, stream: None, cause }.after(1);
                fault.warn(&self.name);
                self.gauges.send_modify(|gauges| gauges.last_error = Some(fault));
                Err(error)
            }
        }
    }

    async fn tell_standing(&mut self) -> Option<Standing> {
        match self.sink.standing().await {
            Ok(standing) => {
                self.gauges.send_modify(|gauges| {
                    (gauges.position, gauges.parked) = (standing.position, standing.parked);
                    gauges.stored = standing.stored.or(gauges.stored);
                });
                Some(standing)
            }
            Err(failure) => {
                self.stop(failure);
                None
            }
        }
    }

    fn end(&self) {
        self.enter(ProjectionState::Closed);
        telemetry::stands(&self.name, &self.gauges.borrow());
    }

    fn enter(&self, state: ProjectionState) {
        self.gauges.send_if_modified(|gauges| std::mem::replace(&mut gauges.state, state) != state);
    }
}

/// What lies behind the position, as soon as there is anything. It tells when there is nothing more for now.
async fn next<E: Event>(feed: &Feed<E>, gauges: &watch::Sender<Gauges>) -> Result<Option<Part<E>>> {
    let position = gauges.borrow().position;
    if let Some(part) = feed.after(position).await? {
        return Ok(Some(part));
    }
    gauges.send_if_modified(|gauges| {
        std::mem::replace(&mut gauges.state, ProjectionState::Live) != ProjectionState::Live
    });
    feed.backend().wait_past(position).await?;
    Ok(None)
}

async fn until(moment: Option<Later>) {
    match moment {
        Some(moment) => time::sleep_until(moment).await,
        None => future::pending().await,
    }
}
