//! Round after round: processes that are killed, and a check of what they leave.

use std::{
    collections::BTreeMap,
    fs,
    hash::{BuildHasher, RandomState},
    io,
    path::PathBuf,
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
    stores::{Counts, Opened, Store},
};

/// How many rounds go to one directory, which grows.
const ROUNDS_A_DIRECTORY: u32 = 50;

/// Begins no round after the time is over; fails at the first violation, and leaves the directory.
pub(crate) fn run(asked: &Rounds) -> Result<(), String> {
    let seed = asked.seed.unwrap_or_else(|| RandomState::new().hash_one(()));
    let store = asked.store.store()?;
    println!("kill --store {} --rounds {} --seed {seed}", asked.store.name(), asked.rounds);
    let begun = Instant::now();
    let time = asked.seconds.map_or(Duration::MAX, Duration::from_secs);
    let mut chance = Chance::new(seed);
    let mut told = Told::default();
    while told.rounds < asked.rounds && begun.elapsed() < time {
        let mut round = Directory::create(asked, store, &mut chance).map_err(|error| error.to_string())?;
        for _ in 0..ROUNDS_A_DIRECTORY.min(asked.rounds - told.rounds) {
            if begun.elapsed() >= time {
                break;
            }
            round.round(&mut chance, &mut told).map_err(|wrong| {
                format!("round {}: {wrong}\nthe store is left in {}", told.rounds + 1, round.path.display())
            })?;
            told.rounds += 1;
        }
        told.count(store.left_in_the_end(&round.path).map_err(|error| error.to_string())?);
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
    /// What its store tells.
    counts: BTreeMap<&'static str, u64>,
}

impl Told {
    fn count(&mut self, counts: Counts) {
        for (what, count) in counts {
            *self.counts.entry(what).or_default() += count;
        }
    }

    fn print(&self, time: Duration) {
        let Self { rounds, kills, while_recovering, acknowledged, counts } = self;
        let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        println!(
            "{rounds} rounds in {:.1} s: {kills} processes killed, {while_recovering} of them before they had the store; \
             {acknowledged} acknowledged events, all there; {}",
            time.as_secs_f64(),
            counts.join(", ")
        );
    }
}

/// A store, and what was done with it.
struct Directory {
    path: PathBuf,
    store: &'static dyn Store,
    /// The process that is started next.
    next: Write,
    ledger: Ledger,
    runtime: Runtime,
}

impl Directory {
    fn create(asked: &Rounds, store: &'static dyn Store, chance: &mut Chance) -> io::Result<Self> {
        let seed = chance.number();
        let path = asked.directory.join(format!("{}-{seed:016x}", process::id()));
        fs::create_dir_all(&path)?;
        let segment_bytes = chance.pick(64 << 10, &[256 << 10, 4 << 20]);
        let next =
            Write { store: asked.store, directory: path.clone(), seed, life: 0, tasks: 1, segment_bytes };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { path, store, next, ledger: Ledger::default(), runtime })
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
        // What goes on beside the appends is left out.
        let opened = self.store.open(&self.next);
        let Opened { store, .. } =
            opened.map_err(|error| Violation::new(error).during("opening it after the kill"))?;
        self.runtime.block_on(async {
            check::check(&*store, &mut self.ledger, &lives, chance).await?;
            let closed = store.close().await;
            closed.map_err(|error| Violation::new(message_with_causes(&error)).during("closing it"))
        })?;
        let seen = self.store.look_through(&self.path);
        told.count(seen.map_err(|error| Violation::new(error).during("looking through what was closed"))?);
        Ok(())
    }

    fn kill_one(&mut self, moment: Moment, chance: &mut Chance, told: &mut Told) -> Result<Said, Violation> {
        self.next.tasks = chance.pick(1, &[2, 4, 8]);
        let said = life::live(&self.next, moment).map_err(Violation::new)?;
        told.kills += 1;
        let seen = self.store.left_by_a_kill(&self.path);
        told.count(seen.map_err(|error| Violation::new(error.to_string()))?);
        told.acknowledged += self.ledger.note(&self.next, &said)?;
        self.next.life += 1;
        Ok(said)
    }
}
