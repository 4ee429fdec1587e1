//! All short workloads, crashed at every boundary, and everything that can survive of the first sectors.

use std::{collections::HashMap, sync::Arc};

use eventstore_api::{AppendBatch, ExpectedVersion, NewEvent, StreamId};
use eventstore_wal::disk::faulty::{Exhaustive, FaultyDisk};

use crate::{
    chance::Chance,
    clock,
    crash::Crashes,
    events::Events,
    model::Model,
    run::{Run, State},
    tally::Tally,
    violation::{Violation, ensure},
    workload::{Step, options},
};

/// How many operations there are to choose from.
const OPERATIONS: usize = 7;

/// Runs every workload of so many operations, and crashes it at every boundary of the last one: those of the others are the
/// last of a shorter workload. Of the choices of what survives, the first `choices` are tried in every combination.
/// `(share, shares)` is the part of the workloads that is run.
///
/// # Errors
///
/// What the engine did wrong, and after which operations.
pub fn every_workload(
    operations: u32,
    choices: usize,
    (share, shares): (usize, usize),
    tally: &mut Tally,
) -> Result<(), Violation> {
    for number in (share..OPERATIONS.pow(operations)).step_by(shares.max(1)) {
        let digits = (0..operations).map(|place| number / OPERATIONS.pow(place) % OPERATIONS);
        let digits: Vec<usize> = digits.collect();
        one(&digits, choices, tally).map_err(|it| it.during(format!("after the operations {digits:?}")))?;
    }
    Ok(())
}

fn one(operations: &[usize], choices: usize, tally: &mut Tally) -> Result<(), Violation> {
    clock::reset();
    tally.workloads += 1;
    let mut chance = Chance::new(7);
    let mut events = Events::new(7);
    let options = options(None);
    let disk = FaultyDisk::new();
    disk.record();
    let (mut run, _) = Run::open(disk, options.clone(), Model::default(), 7)?;
    let mut from = 0;
    for operation in operations {
        from = run.disk.boundaries();
        let state = run.step(&step(*operation, &mut events, &mut chance))?;
        ensure(state == State::Well, || "an operation fails, and the disk does not".to_owned())?;
    }
    let (recording, history) = run.finish();
    let crashes =
        Crashes { recording: &recording, history: &history, options: &options, choices: 0, seed: from };
    let mut recovered = HashMap::new();
    for point in recording.crash_points().skip(usize::try_from(from).unwrap_or(0)) {
        let mut every = Exhaustive::new(choices);
        while every.advance() {
            let disk = point.crash(&mut every);
            crashes
                .after(&point, &disk, point.boundary(), &mut recovered, tally)
                .map_err(|it| it.during(format!("{point:?}, choices {:?}", every.choices())))?;
        }
    }
    Ok(())
}

fn step(operation: usize, events: &mut Events, chance: &mut Chance) -> Step {
    let mut batch = |first: usize, streams: usize, bytes: usize| {
        let chosen: Vec<StreamId> = events.streams().iter().skip(first).take(streams).cloned().collect();
        let appends = chosen.into_iter().map(|stream| {
            let event: NewEvent = events.event(chance, bytes);
            (stream, event)
        });
        let append =
            |batch: AppendBatch, (stream, event)| batch.append(stream, ExpectedVersion::Any, vec![event]);
        Arc::new(appends.fold(AppendBatch::new(), append))
    };
    match operation {
        0 => Step::Commit(vec![batch(0, 1, 30)]),
        1 => Step::Commit(vec![batch(0, 1, 300), batch(1, 1, 0)]),
        2 => Step::Commit(vec![batch(0, 2, 700)]),
        3 => Step::Commit(vec![batch(1, 1, 2_500)]),
        4 => Step::Mark,
        5 => Step::Close,
        _ => Step::Kill,
    }
}
