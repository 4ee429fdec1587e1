//! One life after the other, for as long as was asked; then the laws.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    process,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{
    arguments::{Live, Run},
    laws,
    ledger::{Ledger, Outcome},
    life::{Moment, live},
};

pub(crate) fn run(asked: &Run) -> anyhow::Result<()> {
    let seed = asked.seed.unwrap_or_else(|| RandomState::new().hash_one(()));
    let time = Duration::try_from_secs_f64(asked.minutes * 60.0).context("that many minutes are none")?;
    let directory = asked.directory.join(format!("{}-{seed:016x}", process::id()));
    fs::create_dir_all(&directory).with_context(|| format!("making {}", directory.display()))?;
    println!("soak --minutes {} --seed {seed}: {}", asked.minutes, directory.display());

    match soak(&directory, seed, time) {
        Ok(told) => {
            println!("{told}");
            fs::remove_dir_all(&directory).with_context(|| format!("removing {}", directory.display()))
        }
        Err(error) => {
            let place = format!("seed {seed}; everything is left in {}", directory.display());
            Err(error.context(place))
        }
    }
}

fn soak(directory: &std::path::Path, seed: u64, time: Duration) -> anyhow::Result<String> {
    let begun = Instant::now();
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut ledger = Ledger::default();
    let (mut lives, mut while_recovering) = (0, 0);
    while begun.elapsed() < time || lives == 0 {
        let life = Live {
            directory: directory.to_owned(),
            seed,
            life: lives,
            repeat: ledger.on_their_way.iter().map(ToString::to_string).collect(),
            seen: ledger.seen().map(|it| it.to_string()),
        };
        let moment = Moment::choose(&mut chance);
        let opened = live(&life, moment, &mut ledger).with_context(|| format!("life {lives}, {moment:?}"))?;
        ledger.end_of(lives, opened);
        while_recovering += u32::from(!opened);
        lives += 1;
        if !ledger.problems.is_empty() {
            bail!("life {}: {}", lives - 1, ledger.problems.join("\n"));
        }
    }
    let soaked = begun.elapsed();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let found = runtime.block_on(laws::check(directory, seed, lives, &mut ledger))?;

    let acknowledged = |outcome: &&Outcome| matches!(outcome, Outcome::Acknowledged(_));
    let appends = ledger.appends.values().filter(acknowledged).count();
    let rows = [
        ("lives, each ended by SIGKILL", u64::from(lives)),
        ("of them before they had the store", u64::from(while_recovering)),
        ("seconds", soaked.as_secs()),
        ("appends acknowledged", appends as u64),
        ("appends refused", (ledger.appends.len() - appends) as u64),
        ("events in the log", found.events),
        ("streams", found.streams),
        ("parts of the archive", found.parts),
        ("torn tails put aside", found.torn),
        ("sagas completed", found.completed),
        ("sagas compensated", found.compensated),
        ("of both that waited for a person, as five lives had ended in one attempt", ledger.retried),
        ("events handled once more", ledger.handled_again),
    ];
    let mut told = String::new();
    for (what, count) in rows {
        told.push_str(&format!("{count:>10}  {what}\n"));
    }
    told.push_str(&format!("All laws hold (seed {seed})."));
    Ok(told)
}
