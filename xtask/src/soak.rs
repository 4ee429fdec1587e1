//! `cargo xtask soak`: everything at once, killed again and again.

use crate::chore::Chore;
use crate::process::Process;

pub(crate) const CHORE: Chore = Chore {
    name: "soak",
    summary: "run everything at once on one store, kill it again and again, and check the laws",
    help: "\
cargo xtask soak [--minutes N] [--seed N] [--directory DIR]

  --minutes N      for so long, 10 where nothing is said; 0.5 is half a minute. The laws are checked after that
  --seed N         what is written and when it is killed follow from it
  --directory DIR  where the store is made, target/soak where nothing is said: on a real disk, or it shows little

A bank on the store in a directory, with small segments: writers with guards, conditions, batches over several streams and
repetitions, readers and subscriptions, a projection, a consumer group, sagas that turn round, snapshots, the archive. The parent
kills it with SIGKILL at moments of its own choice, also while it recovers, and keeps a ledger of what was acknowledged. In the
end: what was acknowledged is there once and what was refused is not, versions are dense, nothing was late, the projection is a
fold over all events, each saga has ended and no money is lost or made, counts are exact, every byte verifies.

Prints what was done, and the seed. Where a law does not hold, it ends with code 1 and leaves the directory. It is built as
tests are, so that arithmetic that overflows is found.",
    run,
};

fn run(arguments: &[String]) -> anyhow::Result<()> {
    soak(arguments).run()
}

/// The run with these arguments.
pub(crate) fn soak<S: AsRef<str>>(arguments: &[S]) -> Process {
    Process::cargo(["run", "--quiet", "--package", "allframe-cqrs-soak", "--", "run"]).arguments(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_passed_on() {
        assert_eq!(
            soak(&["--minutes", "2"]).to_string(),
            "cargo run --quiet --package allframe-cqrs-soak -- run --minutes 2"
        );
    }
}
