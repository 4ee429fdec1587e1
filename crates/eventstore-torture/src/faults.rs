//! Runs on a disk that fails: an error that is a fault's is said clearly, nothing that was acknowledged goes, and the store
//! is well again when the disk is.

use std::sync::Arc;

use eventstore_api::{AppendBatch, ExpectedVersion, StoreError};
use eventstore_wal::{
    disk::faulty::{
        Always, ChangeFault, Chooser, Faults, FaultyDisk, ReadFault, Recording, Seeded, SyncFault, When,
        WriteFault,
    },
    log::{Log, LogOptions, SeededBug},
};

use crate::{
    chance::Chance,
    clock,
    crash::Crashes,
    events::Events,
    model::Model,
    reading::{Look, check_log},
    run::{Run, State, is_of_the_disk},
    tally::Tally,
    violation::{Trouble, Violation, ensure},
    workload::{Step, Workload},
};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads and writes are short or interrupted, which is no fault at all.
    Noise,
    /// No space is left at one boundary, and there is again at the next.
    FullOnce,
    /// The disk is so small that it is full in the middle, until it is made larger.
    Small,
    /// One write, sync or change of a name or a length fails. After a failed sync the next one succeeds, and writes nothing.
    Broken,
    /// One sync is interrupted.
    SyncInterrupted,
    /// Reads fail for a while.
    ReadBroken,
    /// One write is lost, and the disk says that it was done.
    Lost,
    /// One write lands elsewhere in its file.
    Misplaced,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Noise,
        Self::FullOnce,
        Self::Small,
        Self::Broken,
        Self::SyncInterrupted,
        Self::ReadBroken,
        Self::Lost,
        Self::Misplaced,
    ];

    fn plan(self, boundary: u64, allocated: usize, chance: &mut Chance) -> Faults {
        let faults = Faults::new(chance.number());
        let at = When::Boundary(boundary);
        match self {
            Self::Noise => faults
                .on_write(When::OneIn(3), WriteFault::Short)
                .on_write(When::OneIn(4), WriteFault::Interrupted)
                .on_read(When::OneIn(3), ReadFault::Short)
                .on_read(When::OneIn(4), ReadFault::Interrupted),
            Self::FullOnce => faults.on_write(at, WriteFault::Full).on_change(at, ChangeFault::Full),
            Self::Small => faults.capacity(chance.below(allocated / 4_096 + 2) * 4_096),
            Self::Broken => faults
                .on_write(at, WriteFault::Broken)
                .on_change(at, ChangeFault::Broken)
                .on_sync(at, SyncFault::Broken),
            Self::SyncInterrupted => faults.on_sync(at, SyncFault::Interrupted),
            Self::ReadBroken => faults.on_read(at, ReadFault::Broken),
            Self::Lost => faults.on_write(at, WriteFault::Lost),
            Self::Misplaced => faults.on_write(
                at,
                WriteFault::Misplaced(chance.below(24) as u64 * 512 + 8 * chance.below(8) as u64),
            ),
        }
    }

    /// What a fault of this kind does to this operation; `None` for nothing.
    fn name(self, operation: &str) -> Option<String> {
        let is_sync = operation.starts_with("sync");
        let is_write = operation.starts_with("write");
        let operation = match operation.split_whitespace().next()? {
            "sync" if operation.contains("names") => "sync of the names",
            "set" => "change of a length",
            word => word,
        };
        match self {
            Self::Noise => Some("short and interrupted reads and writes".to_owned()),
            Self::Small => Some("small disk".to_owned()),
            Self::ReadBroken => Some("EIO on read".to_owned()),
            Self::FullOnce => (!is_sync).then(|| format!("ENOSPC on {operation}")),
            Self::Broken => Some(format!("EIO on {operation}")),
            Self::SyncInterrupted => is_sync.then(|| format!("EINTR on {operation}")),
            Self::Lost => is_write.then(|| "write lost".to_owned()),
            Self::Misplaced => is_write.then(|| "write misplaced".to_owned()),
        }
    }
}

/// Runs the workload of a seed with one fault of this kind, which the seed chooses too, and crashes it everywhere.
///
/// # Errors
///
/// What the engine did wrong.
pub fn run_with_fault(
    seed: u64,
    kind: Kind,
    bug: Option<SeededBug>,
    choices: u64,
    tally: &mut Tally,
) -> Result<(), Violation> {
    let workload = Workload::by_seed(seed, bug);
    let (recording, _) = Run::record(&workload, seed)?;
    let mut chance = Chance::new(seed ^ 0xFA17);
    let Some((boundary, name)) = place(kind, &recording, &mut chance) else { return Ok(()) };
    let allocated = recording.crash_points().last().map_or(0, |point| point.kill().allocated());
    let faults = kind.plan(boundary, allocated, &mut chance);
    tally.workloads += 1;
    tally.fault(name.clone());

    clock::reset();
    let disk = FaultyDisk::new();
    disk.record();
    disk.set_faults(faults);
    let run = Run::new(disk, workload.options.clone(), Model::default(), seed);
    let mut failing = Failing { run, kind, events: Events::new(seed + 500), chance };
    let during = |violation: Violation| violation.during(format!("{name} at boundary {boundary}"));
    if matches!(kind, Kind::Lost | Kind::Misplaced) {
        return failing.damaged(&workload, tally).map_err(during);
    }
    failing.all(&workload).map_err(during)?;
    let (recording, history) = failing.run.finish();
    Crashes { recording: &recording, history: &history, options: &workload.options, choices, seed }
        .everywhere(tally)
        .map_err(during)
}

/// A boundary at which a fault of this kind does something.
fn place(kind: Kind, recording: &Recording, chance: &mut Chance) -> Option<(u64, String)> {
    let boundaries = usize::try_from(recording.boundaries().end).ok()?;
    (0..20).find_map(|_| {
        let boundary = chance.below(boundaries) as u64;
        let name = kind.name(&recording.crash_point(boundary)?.in_flight()?)?;
        Some((boundary, name))
    })
}

/// A run on a disk that fails.
struct Failing {
    run: Run,
    kind: Kind,
    events: Events,
    chance: Chance,
}

impl Failing {
    fn all(&mut self, workload: &Workload) -> Result<(), Violation> {
        self.kill()?;
        for (number, step) in workload.steps.iter().enumerate() {
            self.step(step).map_err(|violation| violation.during(format!("step {number}")))?;
        }
        self.mend();
        for _ in 0..2 {
            let state = self.probe()?;
            if state != State::Well {
                self.kill()?;
            }
        }
        self.run.step(&Step::Flush)?;
        self.run.check(Look::Whole)?;
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Violation> {
        let state = match self.run.step(step) {
            Ok(state) => state,
            Err(Trouble::Refused(error)) if is_of_the_disk(&error) => {
                self.mend();
                return self.kill();
            }
            Err(trouble) => return Err(trouble.into()),
        };
        if state == State::Well {
            return Ok(());
        }
        ensure(self.kind != Kind::Noise, || "a short or interrupted call is no failure".to_owned())?;
        self.mend();
        let is_close = matches!(step, Step::Close);
        let next = if is_close { State::Failed } else { self.probe()? };
        // Where room was made before, there is room: only a disk that says otherwise all the same makes the log fail.
        if self.kind == Kind::Small {
            ensure(state != State::Failed || is_close, || {
                "a full disk leaves the outcome of an append unknown".to_owned()
            })?;
            ensure(next == State::Well || is_close, || {
                "there is room again, and the log takes no more events".to_owned()
            })?;
        }
        ensure(state != State::Failed || next != State::Well, || {
            "the log has failed, and takes an append".to_owned()
        })?;
        if next == State::Well { Ok(()) } else { self.kill() }
    }

    /// One more append.
    fn probe(&mut self) -> Result<State, Trouble> {
        let event = self.events.event(&mut self.chance, 100);
        let stream = self.events.streams().first().cloned();
        let Some(stream) = stream else { return Ok(State::Well) };
        let batch = AppendBatch::single(stream, ExpectedVersion::Any, vec![event]);
        self.run.commit(&[Arc::new(batch)])
    }

    /// The process goes, and another opens the store, twice if a fault meets it.
    fn kill(&mut self) -> Result<(), Violation> {
        match self.run.kill() {
            Err(Trouble::Refused(error)) if is_of_the_disk(&error) => {
                self.mend();
                self.run.kill()?;
                Ok(())
            }
            other => Ok(other.map(drop)?),
        }
    }

    /// The disk works again.
    fn mend(&mut self) {
        self.run.disk.set_faults(Faults::default());
    }

    /// The disk says yes and does something else. Whether this is noticed or not, no event is missing in silence.
    fn damaged(&mut self, workload: &Workload, tally: &mut Tally) -> Result<(), Violation> {
        self.run.distrust_disk();
        let ran = self.run_to_a_mark(workload);
        if is_noticed(ran, tally)? {
            return Ok(());
        }
        let model = self.run.model().clone();
        for choice in 0..4 {
            let (mut oldest, mut newest, mut by_chance) =
                (Always::Oldest, Always::Newest, Seeded::new(self.chance.number()));
            let chooser: &mut dyn Chooser = match choice {
                0 => &mut oldest,
                1 => &mut newest,
                _ => &mut by_chance,
            };
            let disk = self.run.disk.crash(chooser);
            tally.crash_points += 1;
            let outcome = all_there(&disk, &workload.options, &model, Look::Whole, &mut self.chance);
            tally.openings += 1;
            is_noticed(outcome, tally)?;
        }
        Ok(())
    }

    /// Ends with more appends, and a word that all of it is durable: what is missing then must be missed.
    fn run_to_a_mark(&mut self, workload: &Workload) -> Result<(), Trouble> {
        self.run.kill()?;
        for step in &workload.steps {
            self.run.step(step)?;
        }
        self.probe()?;
        self.probe()?;
        self.run.step(&Step::Flush)?;
        self.run.step(&Step::Mark)?;
        Ok(())
    }
}

/// Opens a store that may be damaged: every event is there, or the store says that it cannot tell.
pub(crate) fn all_there(
    disk: &FaultyDisk,
    options: &LogOptions,
    model: &Model,
    look: Look,
    chance: &mut Chance,
) -> Result<(), Trouble> {
    let (log, _) = Log::open(Arc::new(disk.clone()), options.clone())?;
    let found = check_log(&log, model, look, chance)?;
    ensure(found == model.len(), || format!("{} events were durable, and {found} are there", model.len()))?;
    Ok(())
}

/// Whether the store has said that it is damaged.
pub(crate) fn is_noticed(outcome: Result<(), Trouble>, tally: &mut Tally) -> Result<bool, Violation> {
    match outcome {
        Ok(()) => Ok(false),
        Err(Trouble::Refused(StoreError::Corrupted { .. })) => {
            tally.corruptions += 1;
            Ok(true)
        }
        Err(trouble) => Err(trouble.into()),
    }
}
