//! `cargo xtask bench`: the criterion benches.

use crate::chore::Chore;
use crate::process::Process;

pub(crate) const CHORE: Chore = Chore {
    name: "bench",
    summary: "run the criterion benches",
    help: "\
cargo xtask bench [arguments of cargo bench] [-- arguments of criterion]

  cargo xtask bench --bench append             one file of benches
  cargo xtask bench -- replay                  benches by name
  cargo xtask bench -- --save-baseline before  to compare with later: -- --baseline before",
    run,
};

fn run(arguments: &[String]) -> anyhow::Result<()> {
    all_benches(arguments).run()
}

/// The bench run, with `arguments` added.
pub(crate) fn all_benches(arguments: &[String]) -> Process {
    // `--bench *` is every file of benches and not the library, whose test harness rejects criterion's arguments.
    let chooses = arguments.iter().take_while(|it| *it != "--").any(|it| it.starts_with("--bench"));
    let targets: &[&str] = if chooses { &[] } else { &["--bench", "*"] };
    Process::cargo(["bench", "-p", "eventstore-benches"]).arguments(targets).arguments(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(arguments: &[&str]) -> String {
        all_benches(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()).to_string()
    }

    #[test]
    fn arguments_are_passed_on() {
        assert_eq!(line(&["--", "replay"]), "cargo bench -p eventstore-benches --bench '*' -- replay");
    }

    #[test]
    fn a_chosen_file_is_run_alone() {
        assert_eq!(line(&["--bench", "append"]), "cargo bench -p eventstore-benches --bench append");
    }
}
