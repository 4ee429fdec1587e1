//! `cargo xtask crash`: the log on disks that fail.

use crate::chore::Chore;
use crate::process::Process;

pub(crate) const CHORE: Chore = Chore {
    name: "crash",
    summary: "crash, break and damage the log, and check what it recovers",
    help: "\
cargo xtask crash [--seeds N] [--from SEED] [--crash-points N] [--seed SEED] [--exhaustive] [--every-bit]

  --seeds N         run so many seeds (100 where nothing else is asked for)
  --from SEED       begin with this seed, and not with 0
  --crash-points N  run seeds until so many crash points were tried
  --seed SEED       run this seed alone, to see again what it found
  --exhaustive      run all workloads of up to four operations instead
  --every-bit       turn over every bit of a log of 64 KiB instead, and cut it off everywhere

Each seed is a workload, on a disk in memory that keeps what it likes of everything that was not synced: crashed at every
boundary between its operations, run again with each kind of fault and crashed again, and left with bits turned over. It
says what it tried and what it found, and fails when the log did not keep a promise.",
    run,
};

fn run(arguments: &[String]) -> anyhow::Result<()> {
    hunt(arguments).run()
}

/// The run with these arguments. In release: a crash point costs a fifth of what it does otherwise.
pub(crate) fn hunt<S: AsRef<str>>(arguments: &[S]) -> Process {
    Process::cargo(["run", "--release", "-p", "eventstore-torture", "--bin", "crash", "--"])
        .arguments(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_passed_on() {
        assert_eq!(
            hunt(&["--seed", "7"]).to_string(),
            "cargo run --release -p eventstore-torture --bin crash -- --seed 7"
        );
    }
}
