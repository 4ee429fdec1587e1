//! A workload on a faulty disk, every answer held against the model.

use std::sync::Arc;

use eventstore_api::{AppendBatch, GlobalPosition, ReadAll, StoreError, message_with_causes};
use eventstore_wal::{
    Durability, RecoveryReport,
    disk::{
        Disk as _,
        faulty::{FaultyDisk, Recording},
    },
    log::{Answer, Log, LogOptions, Request},
};

use crate::{
    chance::Chance,
    clock,
    history::History,
    model::{Model, Prediction},
    reading::{Look, check_log, check_prefix, read_all},
    tally::Tally,
    violation::{Trouble, Violation, ensure},
    workload::{Step, Workload},
};

/// A store in use.
#[derive(Debug)]
pub struct Run {
    /// What it is on.
    pub disk: FaultyDisk,
    options: LogOptions,
    /// None between two openings.
    log: Option<Log>,
    model: Model,
    /// How many events were acknowledged, durable or not.
    acknowledged: usize,
    history: History,
    chance: Chance,
    /// Whether the disk does other things than it says.
    lies: bool,
}

/// Where a run has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything went well.
    Well,
    /// Something was refused, and nothing else happened: the log goes on.
    Refused,
    /// The log has failed, and must be opened again.
    Failed,
}

impl Run {
    /// Opens a store that is to hold this, on a disk that is not to fail by then.
    ///
    /// # Errors
    ///
    /// What the engine did wrong.
    pub fn open(
        disk: FaultyDisk,
        options: LogOptions,
        model: Model,
        seed: u64,
    ) -> Result<(Self, RecoveryReport), Trouble> {
        let mut run = Self::new(disk, options, model, seed);
        let report = run.reopen()?;
        Ok((run, report))
    }

    /// A store that is to hold this, and is still to be opened.
    #[must_use]
    pub fn new(disk: FaultyDisk, options: LogOptions, model: Model, seed: u64) -> Self {
        let acknowledged = model.len();
        let (history, chance) = (History::default(), Chance::new(seed));
        Self { disk, options, log: None, model, acknowledged, history, chance, lies: false }
    }

    /// Does a whole workload on an empty disk that never fails, and returns what happened to the disk.
    ///
    /// # Errors
    ///
    /// What the engine did wrong.
    pub fn record(workload: &Workload, seed: u64) -> Result<(Recording, History), Violation> {
        clock::reset();
        let disk = FaultyDisk::new();
        disk.record();
        let (mut run, _) = Self::open(disk, workload.options.clone(), Model::default(), seed)?;
        for (number, step) in workload.steps.iter().enumerate() {
            let state = run.step(step).map_err(|it| Violation::from(it).during(format!("step {number}")))?;
            ensure(state == State::Well, || format!("step {number} fails, and the disk does not"))?;
        }
        Ok(run.finish())
    }

    /// From here on the disk may do other things than it says.
    pub fn distrust_disk(&mut self) {
        self.lies = true;
    }

    /// Closes the store, and leaves it closed.
    ///
    /// # Errors
    ///
    /// What the engine did wrong.
    pub fn close(self) -> Result<(FaultyDisk, Model), Trouble> {
        let Self { disk, log, model, .. } = self;
        log.map_or(Ok(()), Log::close)?;
        Ok((disk.kill(), model))
    }

    /// What happened.
    #[must_use]
    pub fn finish(self) -> (Recording, History) {
        (self.disk.take_recording(), self.history)
    }

    /// What the store should hold.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What was promised when.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// One step.
    ///
    /// # Errors
    ///
    /// What the engine did wrong, or why the store does not open again.
    pub fn step(&mut self, step: &Step) -> Result<State, Trouble> {
        match step {
            Step::Commit(batches) => self.commit(batches),
            Step::Flush => self.with_log(|log| log.flush().map(|()| true)),
            Step::Mark => self.with_log(Log::mark),
            Step::Background => {
                if let Some(log) = &mut self.log {
                    log.run_background_work();
                }
                Ok(State::Well)
            }
            Step::Archive => self.archive(),
            Step::Close => {
                let closed = self.log.take().map_or(Ok(()), Log::close);
                match closed {
                    Ok(()) => {
                        self.history.durable(self.disk.boundaries(), self.model.len());
                        let report = self.reopen()?;
                        // Of a segment in which nothing stands yet there is nothing to say.
                        ensure(report.was_closed || report.events_scanned == 0 || self.lies, || {
                            format!("the store was closed in good order, and opening it found {report:?}")
                        })?;
                        Ok(State::Well)
                    }
                    Err(error) => {
                        self.expect_storage(&error)?;
                        Ok(State::Failed)
                    }
                }
            }
            Step::Kill => {
                self.kill()?;
                Ok(State::Well)
            }
        }
    }

    /// The process is killed, and another opens the store: nothing that was acknowledged is gone.
    ///
    /// # Errors
    ///
    /// What the engine did wrong, or why the store does not open again.
    pub fn kill(&mut self) -> Result<RecoveryReport, Trouble> {
        self.disk = self.disk.kill();
        self.log = None;
        self.reopen()
    }

    /// Everything that is acknowledged is looked at, in every way.
    ///
    /// # Errors
    ///
    /// What is wrong, or why the store cannot tell.
    pub fn check(&mut self, look: Look) -> Result<(), Trouble> {
        let Some(log) = &self.log else { return Ok(()) };
        let found = check_log(log, &self.model, look, &mut self.chance)?;
        ensure(found == self.acknowledged, || {
            format!("{} events are acknowledged, and {found} are there", self.acknowledged)
        })?;
        Ok(())
    }

    /// Commits these batches together, and holds the answers against the model.
    ///
    /// # Errors
    ///
    /// What the engine did wrong, or that it cannot tell.
    pub fn commit(&mut self, batches: &[Arc<AppendBatch>]) -> Result<State, Trouble> {
        let Some(log) = &mut self.log else { return Ok(State::Failed) };
        let before = self.disk.boundaries();
        let requests: Vec<_> = batches.iter().map(|batch| Request::new((**batch).clone())).collect();
        let answers = log.commit(&requests);
        ensure(answers.len() == batches.len(), || "not every request has an answer".to_owned())?;
        let mut state = State::Well;
        for (batch, answer) in batches.iter().zip(&answers) {
            state = self.settle(batch, answer, state)?;
        }
        self.history.submitted(before, &self.model);
        if self.options.durability == Durability::Always {
            self.history.durable(self.disk.boundaries(), self.acknowledged);
        }
        self.read_own_writes()?;
        Ok(state)
    }

    fn settle(&mut self, batch: &Arc<AppendBatch>, answer: &Answer, state: State) -> Result<State, Trouble> {
        let prediction = self.model.predict(batch);
        match (answer, prediction) {
            (Ok(outcomes), Prediction::Known(expected)) if *outcomes == expected => Ok(state),
            (Ok(outcomes), Prediction::Stored) if state != State::Failed => {
                let expected = self.model.place(batch);
                self.acknowledged = self.model.len();
                ensure(*outcomes == expected, || {
                    format!("the answer is {outcomes:?}, and not {expected:?}")
                })?;
                Ok(state)
            }
            (Err(error @ StoreError::OutcomeUnknown { .. }), prediction) => {
                ensure(is_of_the_disk(error), || {
                    format!("nobody knows why: {}", message_with_causes(error))
                })?;
                if matches!(prediction, Prediction::Stored) {
                    self.model.place(batch);
                }
                Ok(State::Failed)
            }
            (Err(error @ StoreError::Storage { .. }), _) => {
                self.expect_storage(error)?;
                Ok(if state == State::Failed { state } else { State::Refused })
            }
            (Err(error), Prediction::Refused(expected)) if same_refusal(error, &expected) => Ok(state),
            (Err(error @ StoreError::Corrupted { .. }), _) => Err(error.clone().into()),
            (answer, prediction) => {
                Err(Violation::new(format!("the answer is {answer:?}, and should be {prediction:?}")).into())
            }
        }
    }

    /// What was acknowledged is shown at once, and nothing else is.
    fn read_own_writes(&mut self) -> Result<(), Trouble> {
        let Some(log) = &self.log else { return Ok(()) };
        let shown = log.head().get();
        ensure(shown == self.acknowledged as u64, || {
            format!("{} events are acknowledged, and {shown} are shown", self.acknowledged)
        })?;
        let unseen = self.model.events().iter().take(self.acknowledged);
        let seen = unseen.rev().take_while(|event| event.recorded_at == crate::model::UNSEEN).count();
        if seen > 0 {
            let after = GlobalPosition::new((self.acknowledged - seen) as u64);
            match read_all(log, &ReadAll::after(after)) {
                Ok(found) => self.model.note_times(&found),
                Err(Trouble::Refused(error)) if is_of_the_disk(&error) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(())
    }

    fn with_log(&mut self, act: impl FnOnce(&mut Log) -> Result<bool, StoreError>) -> Result<State, Trouble> {
        let Some(log) = &mut self.log else { return Ok(State::Failed) };
        match act(log) {
            Ok(durable) => {
                if durable {
                    self.history.durable(self.disk.boundaries(), self.model.len());
                }
                Ok(State::Well)
            }
            Err(error) => {
                self.expect_storage(&error)?;
                Ok(State::Refused)
            }
        }
    }

    fn archive(&mut self) -> Result<State, Trouble> {
        let Some(log) = &mut self.log else { return Ok(State::Failed) };
        // What is archived was durable before.
        let Err(error) = log.archive_oldest() else { return Ok(State::Well) };
        if !self.lies || is_of_the_disk(&error) {
            self.expect_storage(&error)?;
            return Ok(State::Refused);
        }
        // What has not been written where it should be is found by reading it: the segment, or the part that was made of it.
        match error {
            StoreError::Storage { .. } => Ok(State::Refused),
            error => Err(Trouble::Refused(error)),
        }
    }

    /// Opens the store, which must hold what was acknowledged, and takes what there is for what there should be.
    fn reopen(&mut self) -> Result<RecoveryReport, Trouble> {
        let at_least = self.acknowledged;
        let (log, report) = Log::open(Arc::new(self.disk.clone()), self.options.clone())?;
        let found = read_all(&log, &ReadAll::forward())?;
        check_prefix(&found, &self.model)?;
        ensure(found.len() >= at_least, || {
            format!("{at_least} events were acknowledged, and {} are there", found.len())
        })?;
        self.model = self.model.truncated(found.len());
        self.model.note_times(&found);
        self.acknowledged = found.len();
        self.log = Some(log);
        self.history.opened(self.disk.boundaries(), self.model.clone());
        Ok(report)
    }

    fn expect_storage(&self, error: &StoreError) -> Result<(), Violation> {
        ensure(matches!(error, StoreError::Storage { .. }) && is_of_the_disk(error), || {
            format!("the disk does not fail, and the store says: {}", message_with_causes(error))
        })
    }
}

/// Whether an error comes from a fault that the disk was told to make.
#[must_use]
pub fn is_of_the_disk(error: &StoreError) -> bool {
    message_with_causes(error).contains("as the faulty disk was told")
}

/// Whether an error comes from the loss of power.
#[must_use]
pub fn is_power_loss(error: &StoreError) -> bool {
    message_with_causes(error).contains("the power of the faulty disk went out")
}

fn same_refusal(error: &StoreError, expected: &StoreError) -> bool {
    match (error, expected) {
        // It names one of those that match.
        (StoreError::ConditionFailed { .. }, StoreError::ConditionFailed { .. }) => true,
        _ => error.to_string() == expected.to_string(),
    }
}

/// Opens a store that a crash has left, and checks it: all that was durable is there, and nothing that was not submitted.
pub(crate) fn open_after_crash(
    disk: &FaultyDisk,
    options: &LogOptions,
    (model, durable, submitted): (&Model, usize, usize),
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(Log, RecoveryReport, usize), Trouble> {
    tally.openings += 1;
    let (log, report) = Log::open(Arc::new(disk.clone()), options.clone())?;
    tally.torn_tails += u64::from(report.torn_tail.is_some());
    let names = disk.names().unwrap_or_default();
    tally.archives += u64::from(names.iter().any(|name| name.ends_with(".parquet")));
    let look = if chance.one_in(16) { Look::Whole } else { Look::Quick };
    let found = check_log(&log, model, look, chance)?;
    ensure(found >= durable, || format!("{durable} events were durable, and {found} are there"))?;
    ensure(found <= submitted, || format!("{submitted} events were submitted, and {found} are there"))?;
    ensure(report.head.get() == found as u64, || {
        format!("the report says {:?}, and {found} are there", report.head)
    })?;
    Ok((log, report, found))
}
