//! Round after round: processes that are killed, and a check of what they leave.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io,
    path::{Path, PathBuf},
    process,
    time::{Duration, Instant},
};

use eventstore_api::{EventStoreBackend, message_with_causes};
use eventstore_torture::{chance::Chance, violation::Violation};
use tokio::runtime::Runtime;

use crate::{
    arguments::{Rounds, Write},
    check,
    ledger::Ledger,
    life::{self, Moment, Said},
    writer,
};

/// How many rounds go to one directory, which grows.
const ROUNDS_A_DIRECTORY: u32 = 50;

/// Begins no round after the time is over; fails at the first violation, and leaves the directory.
pub(crate) fn run(asked: &Rounds) -> Result<(), String> {
    let seed = asked.seed.unwrap_or_else(|| RandomState::new().hash_one(()));
    println!("kill --rounds {} --seed {seed}", asked.rounds);
    let begun = Instant::now();
    let time = asked.seconds.map_or(Duration::MAX, Duration::from_secs);
    let mut chance = Chance::new(seed);
    let mut told = Told::default();
    while told.rounds < asked.rounds && begun.elapsed() < time {
        let mut round =
            Directory::create(&asked.directory, &mut chance).map_err(|error| error.to_string())?;
        for _ in 0..ROUNDS_A_DIRECTORY.min(asked.rounds - told.rounds) {
            if begun.elapsed() >= time {
                break;
            }
            round.round(&mut chance, &mut told).map_err(|wrong| {
                format!("round {}: {wrong}\nthe store is left in {}", told.rounds + 1, round.path.display())
            })?;
            told.rounds += 1;
        }
        told.torn_tails += round.files_called("torn").map_err(|error| error.to_string())?;
        told.parts += round.files_called("parquet").map_err(|error| error.to_string())?;
        fs::remove_dir_all(&round.path).map_err(|error| error.to_string())?;
    }
    told.print(begun.elapsed());
    Ok(())
}

/// What is told in the end.
#[derive(Default)]
struct Told {
    rounds: u32,
    kills: u64,
    while_recovering: u64,
    acknowledged: u64,
    torn_tails: usize,
    parts: usize,
    while_archiving: u64,
}

impl Told {
    fn print(&self, time: Duration) {
        let Self { rounds, kills, while_recovering, while_archiving, acknowledged, torn_tails, parts } = self;
        println!(
            "{rounds} rounds in {:.1} s: {kills} processes killed, {while_recovering} of them before they had the store, \
             {while_archiving} in the middle of archiving; {acknowledged} acknowledged events, all there; {torn_tails} torn \
             tails found, {parts} parts",
            time.as_secs_f64()
        );
    }
}

/// A store, and what was done with it.
struct Directory {
    path: PathBuf,
    /// The process that is started next.
    next: Write,
    ledger: Ledger,
    runtime: Runtime,
}

impl Directory {
    fn create(parent: &Path, chance: &mut Chance) -> io::Result<Self> {
        let seed = chance.number();
        let path = parent.join(format!("{}-{seed:016x}", process::id()));
        fs::create_dir_all(&path)?;
        let segment_bytes = chance.pick(64 << 10, &[256 << 10, 4 << 20]);
        let next = Write { directory: path.clone(), seed, life: 0, tasks: 1, segment_bytes };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { path, next, ledger: Ledger::default(), runtime })
    }

    fn round(&mut self, chance: &mut Chance, told: &mut Told) -> Result<(), Violation> {
        let first = self.next.life;
        self.kill_one(Moment::while_it_appends(chance), chance, told)?;
        // What the one before left is recovered by one that is killed too.
        while chance.one_in(10) {
            let said = self.kill_one(Moment::while_it_recovers(chance), chance, told)?;
            told.while_recovering += u64::from(!said.opened);
        }
        let lives: Vec<u32> = (first..self.next.life).collect();
        let store = writer::open(&self.next)
            .map_err(|error| Violation::new(error).during("opening it after the kill"))?;
        self.runtime.block_on(async {
            check::check(&store, &mut self.ledger, &lives, chance).await?;
            let closed = store.close().await;
            closed.map_err(|error| Violation::new(message_with_causes(&error)).during("closing it"))
        })
    }

    fn kill_one(&mut self, moment: Moment, chance: &mut Chance, told: &mut Told) -> Result<Said, Violation> {
        self.next.tasks = chance.pick(1, &[2, 4, 8]);
        let said = life::live(&self.next, moment).map_err(Violation::new)?;
        told.kills += 1;
        told.while_archiving +=
            u64::from(self.is_half_archived().map_err(|error| Violation::new(error.to_string()))?);
        told.acknowledged += self.ledger.note(&self.next, &said)?;
        self.next.life += 1;
        Ok(said)
    }

    /// Whether a process was killed while it made a part, or before it had removed the segment of one.
    fn is_half_archived(&self) -> io::Result<bool> {
        let files = self.files()?;
        Ok(files.iter().any(|path| {
            path.to_str().is_some_and(|name| name.ends_with(".parquet.new"))
                || path.extension().is_some_and(|it| it == "parquet") && path.with_extension("wal").exists()
        }))
    }

    /// How many files there are whose names end so. Recovery keeps each torn tail in one of its own, whichever process it was
    /// that recovered.
    fn files_called(&self, extension: &str) -> io::Result<usize> {
        Ok(self.files()?.iter().filter(|path| path.extension().is_some_and(|it| it == extension)).count())
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(&self.path)?.map(|file| Ok(file?.path())).collect()
    }
}
