//! Crashes, breaks and damages stores, as many as asked for, and says what it found.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who started it")]

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Instant,
};

use eventstore_torture::{
    damage::{AtRest, Ending},
    exhaustive::every_workload,
    hunt::hunt,
    tally::Tally,
    violation::Violation,
};

const USAGE: &str = "\
crash [--seeds N] [--from SEED] [--crash-points N] [--seed SEED] [--exhaustive] [--every-bit]

  --seeds N         runs so many seeds (100 where nothing else is asked for)
  --from SEED       begins with this seed, and not with 0
  --crash-points N  runs seeds until so many crash points were tried
  --seed SEED       runs this seed alone, to see again what it found
  --exhaustive      runs all workloads of up to four operations instead
  --every-bit       turns over every bit of a log of 64 KiB instead, and cuts it off everywhere";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Plan::parse(&arguments) {
        Ok(plan) => run(&plan),
        Err(problem) => {
            eprintln!("error: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

#[derive(Clone, Copy)]
enum Plan {
    Seeds { from: u64, to: u64, crash_points: u64 },
    Exhaustive,
    EveryBit,
}

impl Plan {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let (mut from, mut seeds, mut crash_points, mut only) = (0, None, None, None);
        let mut instead = None;
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let next = arguments.next().ok_or_else(|| format!("{argument} takes a number"))?;
                next.replace('_', "").parse::<u64>().map_err(|_| format!("`{next}` is no number"))
            };
            match argument.as_str() {
                "--seeds" => seeds = Some(number()?),
                "--from" => from = number()?,
                "--crash-points" => crash_points = Some(number()?),
                "--seed" => only = Some(number()?),
                "--exhaustive" => instead = Some(Self::Exhaustive),
                "--every-bit" => instead = Some(Self::EveryBit),
                _ => return Err(format!("`{argument}` is none of my arguments")),
            }
        }
        if let Some(plan) = instead {
            return Ok(plan);
        }
        if let Some(seed) = only {
            return Ok(Self::Seeds { from: seed, to: seed.saturating_add(1), crash_points: u64::MAX });
        }
        let seeds = seeds.unwrap_or(if crash_points.is_some() { u64::MAX } else { 100 });
        Ok(Self::Seeds {
            from,
            to: from.saturating_add(seeds),
            crash_points: crash_points.unwrap_or(u64::MAX),
        })
    }
}

/// How long the log is that is damaged, in bytes: of those that end otherwise only the end is of interest.
fn log_bytes(ending: Ending) -> usize {
    if ending == Ending::Closed { 64 << 10 } else { 20 << 10 }
}

/// What one thread found.
type Found = (Tally, Vec<String>);

fn run(plan: &Plan) -> ExitCode {
    let started = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<Found> = match *plan {
        Plan::Seeds { from, to, crash_points } => {
            println!(
                "Each seed: a workload, crashed everywhere; the same with each kind of fault; stores with flipped bits."
            );
            seeds(from..to, crash_points, threads)
        }
        Plan::Exhaustive => {
            println!("All workloads of one to four operations, crashed at every boundary.");
            on_threads(threads, |share| {
                collect(
                    share,
                    (1..=4).map(|operations| {
                        move |tally: &mut Tally| every_workload(operations, 6, (share, threads), tally)
                    }),
                )
            })
        }
        Plan::EveryBit => {
            println!(
                "A log of 64 KiB that was closed, shorter ones that were not: every bit flipped, every length, every file removed."
            );
            on_threads(threads, |share| {
                collect(
                    share,
                    Ending::ALL.map(|ending| {
                        move |tally: &mut Tally| {
                            let store = AtRest::new(1, (log_bytes(ending), 16 << 10), ending, None)?;
                            store.flip_every(share, threads, tally)?;
                            if share == 0 && ending != Ending::MarkedAndCrashed {
                                store.cut_every(1, tally)?;
                                store.remove_each(tally)?;
                            }
                            Ok(())
                        }
                    }),
                )
            })
        }
    };
    let mut tally = Tally::default();
    let mut violations = Vec::new();
    for (part, violated) in found {
        tally.add(&part);
        violations.extend(violated);
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{tally}");
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let per_second = tally.crash_points as f64 / seconds;
    println!("{seconds:.1} s on {threads} threads, {per_second:.0} crash points/s");
    for violation in &violations {
        println!("VIOLATION {violation}");
    }
    if violations.is_empty() {
        println!("No violation.");
        return ExitCode::SUCCESS;
    }
    println!("{} violations.", violations.len());
    ExitCode::FAILURE
}

fn seeds(range: std::ops::Range<u64>, crash_points: u64, threads: usize) -> Vec<Found> {
    let (next, tried, full) = (AtomicU64::new(range.start), AtomicU64::new(0), AtomicBool::new(false));
    on_threads(threads, |_| {
        let mut found = Found::default();
        while !full.load(Ordering::Relaxed) && tried.load(Ordering::Relaxed) < crash_points {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= range.end {
                break;
            }
            let mut tally = Tally::default();
            if let Err(violation) = hunt(seed, None, &mut tally) {
                let line = format!("of seed {seed} (`cargo xtask crash --seed {seed}`): {violation}");
                eprintln!("{line}");
                found.1.push(line);
                full.store(found.1.len() >= 20, Ordering::Relaxed);
            }
            tried.fetch_add(tally.crash_points, Ordering::Relaxed);
            found.0.add(&tally);
        }
        found
    })
}

fn collect<W>(share: usize, work: impl IntoIterator<Item = W>) -> Found
where
    W: FnOnce(&mut Tally) -> Result<(), Violation>,
{
    let mut found = Found::default();
    for part in work {
        if let Err(violation) = part(&mut found.0) {
            found.1.push(format!("in share {share}: {violation}"));
        }
    }
    found
}

fn on_threads(threads: usize, work: impl Fn(usize) -> Found + Sync) -> Vec<Found> {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..threads).map(|share| scope.spawn(move || work(share))).collect();
        running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| (Tally::default(), vec!["a thread panicked, see above".to_owned()]))
            })
            .collect()
    })
}
