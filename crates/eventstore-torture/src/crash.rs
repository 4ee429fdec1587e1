//! The power goes out at every boundary of a run, and each time something else survives.

use std::{collections::HashMap, sync::Arc};

use eventstore_wal::{
    disk::faulty::{Always, Chooser, CrashPoint, FaultyDisk, Recording, Seeded},
    log::{Log, LogOptions},
};

use crate::{
    chance::Chance,
    history::{Expectation, History},
    model::Model,
    reading::{Look, check_log},
    run::{Run, State, is_power_loss, open_after_crash},
    tally::Tally,
    violation::{Trouble, Violation, ensure},
    workload::Step,
};

/// How a run is crashed.
#[derive(Clone, Debug)]
pub struct Crashes<'r> {
    /// What happened to the disk.
    pub recording: &'r Recording,
    /// What was promised when.
    pub history: &'r History,
    /// With which options the store is opened again.
    pub options: &'r LogOptions,
    /// How many choices of what survives are tried at each boundary.
    pub choices: u64,
    /// What the choices follow from.
    pub seed: u64,
}

impl Crashes<'_> {
    /// Crashes everywhere, recovers every time, and checks what is there.
    ///
    /// # Errors
    ///
    /// What was wrong first.
    pub fn everywhere(&self, tally: &mut Tally) -> Result<(), Violation> {
        let mut recovered = HashMap::new();
        for point in self.recording.crash_points() {
            for choice in 0..self.choices {
                let seed = self.seed.wrapping_add(point.boundary() * 1_009 + choice * 7_919);
                let (mut oldest, mut newest, mut by_chance) =
                    (Always::Oldest, Always::Newest, Seeded::new(seed));
                let chooser: &mut dyn Chooser = match choice {
                    0 => &mut oldest,
                    1 => &mut newest,
                    _ => &mut by_chance,
                };
                let disk = point.crash(chooser);
                self.after(&point, &disk, seed, &mut recovered, tally)
                    .map_err(|violation| violation.during(format!("{point:?}, choice {choice}")))?;
            }
        }
        Ok(())
    }

    /// Checks what one crash has left, unless an earlier one has left the same.
    ///
    /// # Errors
    ///
    /// What was wrong.
    pub fn after(
        &self,
        point: &CrashPoint,
        disk: &FaultyDisk,
        seed: u64,
        recovered: &mut HashMap<(usize, u64), usize>,
        tally: &mut Tally,
    ) -> Result<(), Violation> {
        tally.crash_points += 1;
        let nothing = Model::default();
        let expected = self.history.at(point.boundary()).unwrap_or(Expectation {
            model: &nothing,
            durable: 0,
            submitted: 0,
            epoch: usize::MAX,
        });
        let state = (expected.epoch, disk.fingerprint());
        if let Some(found) = recovered.get(&state) {
            tally.repeated_states += 1;
            let Expectation { durable, submitted, .. } = expected;
            return ensure((durable..=submitted).contains(found), || {
                format!("{durable} to {submitted} events should be there, and there are {found}")
            });
        }
        let found = recover(disk, self.options, expected, seed, tally)?;
        recovered.insert(state, found);
        Ok(())
    }
}

/// Opens what a crash has left, and opens it again, and crashes on the way, and goes on.
fn recover(
    disk: &FaultyDisk,
    options: &LogOptions,
    expected: Expectation<'_>,
    seed: u64,
    tally: &mut Tally,
) -> Result<usize, Violation> {
    let mut chance = Chance::new(seed);
    let Expectation { model, durable, submitted, .. } = expected;
    let untouched = disk.fork();
    let (log, report, found) =
        open_after_crash(disk, options, (model, durable, submitted), &mut chance, tally)?;
    let opening = disk.boundaries();

    let (after, how) = match chance.below(3) {
        0 => (disk.kill(), "the process was killed"),
        1 => (disk.crash(&mut Always::Oldest), "the power went out, and only what was synced survived"),
        _ => (disk.crash(&mut Seeded::new(seed)), "the power went out"),
    };
    drop(log);
    let again = |violation: Violation| {
        violation.during(format!("opened after the crash ({report:?}), then {how}, and opened again"))
    };
    let (log, second) = open_again(&after, options, model, found, &mut chance, tally).map_err(again)?;
    ensure(second, || "the second opening found a torn tail once more".to_owned()).map_err(again)?;
    drop(log);

    if chance.one_in(3) {
        interrupt(&untouched, opening, options, (model, found), seed, tally)?;
    }
    if chance.one_in(3) {
        go_on(after.kill(), options, (model, found), seed, tally)
            .map_err(|violation| violation.during("going on after the crash"))?;
    }
    Ok(found)
}

/// Opens a store that was recovered: nothing is to be done any more, and nothing has changed. False when there was a
/// torn tail all the same.
fn open_again(
    disk: &FaultyDisk,
    options: &LogOptions,
    model: &Model,
    found: usize,
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(Log, bool), Violation> {
    let (log, report, _) = open_after_crash(disk, options, (model, found, found), chance, tally)?;
    Ok((log, report.torn_tail.is_none()))
}

/// The power goes out while the store is opened, once or twice, and what is found in the end is the same.
fn interrupt(
    disk: &FaultyDisk,
    opening: u64,
    options: &LogOptions,
    (model, found): (&Model, usize),
    seed: u64,
    tally: &mut Tally,
) -> Result<(), Violation> {
    let mut chance = Chance::new(seed ^ 0x0FF);
    let mut disk = disk.fork();
    let mut story = Vec::new();
    for _ in 0..=chance.below(2) {
        let boundary = chance.below(usize::try_from(opening).unwrap_or(0) + 1) as u64;
        disk.crash_at(boundary);
        story.push(boundary);
        match Log::open(Arc::new(disk.clone()), options.clone()) {
            Ok(_) => {}
            Err(error) => {
                ensure(is_power_loss(&error), || format!("the power went out, and the store says: {error}"))?;
            }
        }
        tally.openings += 1;
        tally.interrupted_openings += 1;
        disk = disk.crash(&mut Seeded::new(chance.number()));
    }
    open_again(&disk, options, model, found, &mut chance, tally).map(drop).map_err(|violation| {
        violation.during(format!("crashed while it was opened, at boundaries {story:?}"))
    })
}

/// Whoever did not get an answer asks again, more is appended, and all of that is there after the next crash.
fn go_on(
    disk: FaultyDisk,
    options: &LogOptions,
    (model, found): (&Model, usize),
    seed: u64,
    tally: &mut Tally,
) -> Result<(), Violation> {
    tally.openings += 2;
    let (mut run, _) = Run::open(disk, options.clone(), model.truncated(found), seed)?;
    for batch in model.batches_from(found).take(4) {
        let state = run.commit(&[Arc::clone(batch)])?;
        ensure(state == State::Well, || "an append fails, and the disk does not".to_owned())?;
    }
    run.step(&Step::Flush)?;
    run.check(Look::Quick)?;
    if seed.is_multiple_of(2) {
        run.step(&Step::Close)?;
        run.check(Look::Quick)?;
    }
    let model = run.model().clone();
    let after = run.disk.crash(&mut Seeded::new(seed));
    let (log, _) = Log::open(Arc::new(after), options.clone()).map_err(Trouble::from)?;
    let there = check_log(&log, &model, Look::Quick, &mut Chance::new(seed))?;
    ensure(there == model.len(), || format!("{} events were flushed, and {there} are there", model.len()))
}
