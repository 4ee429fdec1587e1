//! `cargo xtask test`: every test, example and doctest of the workspace.

use std::fs;

use crate::chore::Chore;
use crate::postgres;
use crate::process::Process;
use crate::python;
use crate::workspace;

pub(crate) const CHORE: Chore = Chore {
    name: "test",
    summary: "run every test and doctest of the workspace, and build its examples",
    help: "\
cargo xtask test [arguments of cargo test]

Plain `cargo test`. All packages and all features, unless the arguments choose packages. A failing test does not stop
the others.

Those that ask for one run with a PostgreSQL server of their own, made with `initdb`, on a unix socket, and removed afterwards;
where DATABASE_URL is set, with that one. Where PostgreSQL is not installed it is installed with apt-get, for root
alone; for others `cargo xtask doctor` has the line.

What happens on a full disk is tried in a mount name space of its own, where the system lets everybody have one.

Where there is a Python, it gets pyarrow and DuckDB in a virtual environment beside the build, and they read the
Parquet files; where there is none, those tests are skipped, which is said at the end.

  cargo xtask test -p eventstore-memory        one package
  cargo xtask test a_torn_tail -- --nocapture  tests by name, with what they print",
    run,
};

fn run(arguments: &[String]) -> anyhow::Result<()> {
    match needs_a_server(arguments) {
        true => prepared(all_tests(arguments)),
        false => with_python(all_tests(arguments)),
    }
}

/// The packages whose tests ask for a PostgreSQL server.
const WITH_POSTGRES: &[&str] = &["eventstore-postgres", "allframe-cqrs", "allframe-cqrs-cli"];

/// Whether the chosen packages are among those that do. Where none is chosen, all are.
fn needs_a_server(arguments: &[String]) -> bool {
    let mut packages = chosen_packages(arguments).peekable();
    packages.peek().is_none() || packages.any(|package| WITH_POSTGRES.contains(&package))
}

fn chosen_packages(arguments: &[String]) -> impl Iterator<Item = &str> {
    let mut before = "";
    arguments.iter().take_while(|it| *it != "--").filter_map(move |argument| {
        let option = std::mem::replace(&mut before, argument.as_str());
        match argument.strip_prefix("--package=") {
            Some(package) => Some(package),
            None => matches!(option, "-p" | "--package").then_some(argument.as_str()),
        }
    })
}

/// Where a test says that it was left out, a line for each: what a test prints is not shown when it passes.
const LEFT_OUT: &str = "EVENTSTORE_TEST_LEFT_OUT";

/// Runs tests with what they need of the machine, and says what they had to do without.
pub(crate) fn prepared(tests: Process) -> anyhow::Result<()> {
    let database = postgres::prepare()?;
    let left_out = workspace::target_directory()?.join("xtask-left-out");
    fs::write(&left_out, "")?;
    let tests = database.tell(tests).env(LEFT_OUT, left_out.to_string_lossy());
    let outcome = with_python(tests);
    for what in fs::read_to_string(&left_out)?.lines() {
        println!("skipped: {what}");
    }
    outcome
}

fn with_python(tests: Process) -> anyhow::Result<()> {
    match python::prepare() {
        Ok(interpreter) => tests.env(python::VARIABLE, interpreter.to_string_lossy()).run(),
        Err(why) => {
            let outcome = tests.run();
            println!("skipped: what other tools see in Parquet files (`interop`), for want of Python: {why}");
            outcome
        }
    }
}

/// The test run, with `arguments` added.
///
/// What tests need of the machine around them (a server, a library) is got ready before this and handed over in the
/// environment of the process, so that `cargo test` stays the one runner.
pub(crate) fn all_tests(arguments: &[String]) -> Process {
    let chooses_packages = arguments.iter().take_while(|it| *it != "--").any(|it| {
        let name = it.split_once('=').map_or(it.as_str(), |(name, _)| name);
        matches!(name, "-p" | "--package" | "--manifest-path")
    });
    let scope: &[&str] = if chooses_packages { &[] } else { &["--workspace"] };
    Process::cargo(["test"])
        .arguments(scope)
        .arguments(&["--all-features", "--no-fail-fast"])
        .arguments(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(arguments: &[&str]) -> String {
        all_tests(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()).to_string()
    }

    #[test]
    fn a_server_is_started_for_those_who_ask_for_one() {
        let needs = |arguments: &[&str]| {
            needs_a_server(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        };
        assert!(needs(&[]) && needs(&["a_torn_tail"]) && needs(&["--", "-p", "eventstore-memory"]));
        assert!(needs(&["-p", "eventstore-memory", "--package=eventstore-postgres"]));
        assert!(!needs(&["-p", "eventstore-memory"]) && !needs(&["--package", "xtask", "--", "--nocapture"]));
    }

    #[test]
    fn without_arguments_it_runs_everything() {
        assert_eq!(line(&[]), "cargo test --workspace --all-features --no-fail-fast");
    }

    #[test]
    fn a_chosen_package_is_run_alone() {
        assert_eq!(line(&["-p", "xtask"]), "cargo test --all-features --no-fail-fast -p xtask");
        assert_eq!(line(&["--package=xtask"]), "cargo test --all-features --no-fail-fast --package=xtask");
    }

    #[test]
    fn arguments_of_the_test_runner_choose_nothing() {
        assert!(line(&["--", "-p"]).contains("--workspace"));
    }
}
