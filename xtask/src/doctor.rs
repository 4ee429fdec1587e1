//! `cargo xtask doctor`: what is missing on this machine, and the line that installs it.

use anyhow::bail;

use crate::chore::{Chore, takes_no_arguments};
use crate::libclang;
use crate::postgres;
use crate::process::Process;
use crate::rocksdb::tools;
use crate::table::aligned;
use crate::workspace;

pub(crate) const CHORE: Chore = Chore {
    name: "doctor",
    summary: "say what is missing on this machine, and how to install it",
    help: "\
cargo xtask doctor

Fails only when something is missing without which the tests do not run. Installs nothing.",
    run,
};

/// What a chore needs.
struct Need {
    name: &'static str,
    /// What stops working without it.
    purpose: &'static str,
    weight: Weight,
    probe: Probe,
    /// The exact line that installs it.
    install: &'static str,
}

/// How it is looked for.
#[derive(Clone, Copy)]
enum Probe {
    /// By a command that prints a version.
    Command(&'static [&'static str]),
    /// By code, which says what it found.
    Code(fn() -> Option<String>),
}
use Probe::{Code, Command};

#[derive(Clone, Copy)]
enum Weight {
    /// Without it the tests do not run.
    Required,
    /// The same, unless this says that they do.
    RequiredUnless(fn() -> bool),
    /// Without it a step of `cargo xtask ci` is skipped, some tests fail, or a chore is less comfortable.
    Optional,
}
use Weight::{Optional, Required, RequiredUnless};

impl Weight {
    fn is_required(self) -> bool {
        match self {
            Required => true,
            RequiredUnless(runs_otherwise) => !runs_otherwise(),
            Optional => false,
        }
    }
}

#[rustfmt::skip] // One need a line, so that the next one is added as one line.
const NEEDS: &[Need] = &[
    Need { name: "rustc", purpose: "everything", weight: Required, probe: Command(&["rustc", "--version"]), install: "rustup toolchain install" },
    Need { name: "linker", purpose: "linking any Rust program", weight: Required, probe: Command(&["cc", "--version"]), install: LINKER },
    Need { name: "rustfmt", purpose: "ci: fmt", weight: Optional, probe: Command(&["cargo", "fmt", "--version"]), install: "rustup component add rustfmt" },
    Need { name: "clippy", purpose: "ci: clippy, crates, features", weight: Optional, probe: Command(&["cargo", "clippy", "--version"]), install: "rustup component add clippy" },
    Need { name: "cargo-deny", purpose: "ci: deny, advisories", weight: Optional, probe: Command(&["cargo", "deny", "--version"]), install: CARGO_DENY },
    Need { name: "nightly", purpose: "fuzz", weight: Optional, probe: Command(&["rustup", "run", "nightly", "rustc", "--version"]), install: NIGHTLY },
    Need { name: "cargo-fuzz", purpose: "fuzz", weight: Optional, probe: Command(&["cargo", "fuzz", "--version"]), install: CARGO_FUZZ },
    Need { name: "cargo-semver-checks", purpose: "release: the public API beside that of the last version", weight: Optional, probe: Command(&["cargo", "semver-checks", "--version"]), install: CARGO_SEMVER_CHECKS },
    Need { name: "postgresql", purpose: "test: stores on PostgreSQL, and servers that tests start and kill", weight: RequiredUnless(postgres::is_had_otherwise), probe: Code(postgres::version), install: POSTGRESQL },
    Need { name: "c++", purpose: "eventstore-rocksdb", weight: Optional, probe: Code(tools::compiler), install: CPP },
    Need { name: "libclang", purpose: "eventstore-rocksdb", weight: Optional, probe: Code(libclang), install: LIBCLANG },
    Need { name: "python3", purpose: "test: what other tools see in Parquet files", weight: Optional, probe: Command(&["python3", "-m", "venv", "--help"]), install: PYTHON },
    Need { name: "git", purpose: "contributing; ci: advisories", weight: Optional, probe: Command(&["git", "--version"]), install: GIT },
];

/// A library, and so no command.
fn libclang() -> Option<String> {
    libclang::find().map(|it| it.display().to_string())
}

/// Also said by the steps that are skipped without it.
pub(crate) const CARGO_DENY: &str = "cargo install cargo-deny --locked";
pub(crate) const CARGO_SEMVER_CHECKS: &str = "cargo install cargo-semver-checks --locked";
/// Also said by `cargo xtask fuzz`.
pub(crate) const NIGHTLY: &str = "rustup toolchain install nightly --profile minimal";
pub(crate) const CARGO_FUZZ: &str = "cargo install cargo-fuzz --locked";
const LINKER: &str = if cfg!(target_os = "macos") {
    "xcode-select --install"
} else if cfg!(windows) {
    "winget install Microsoft.VisualStudio.2022.BuildTools"
} else {
    "apt-get install --yes gcc libc6-dev"
};
const PYTHON: &str = if cfg!(target_os = "macos") {
    "brew install python"
} else if cfg!(windows) {
    "winget install Python.Python.3"
} else {
    "apt-get install --yes python3-venv"
};
const POSTGRESQL: &str = if cfg!(target_os = "macos") {
    "brew install postgresql"
} else if cfg!(windows) {
    "winget install PostgreSQL.PostgreSQL.17"
} else {
    "apt-get install --yes postgresql"
};
/// Also said where RocksDB cannot be compiled without it.
pub(crate) const CPP: &str = if cfg!(target_os = "macos") {
    "xcode-select --install"
} else if cfg!(windows) {
    "winget install Microsoft.VisualStudio.2022.BuildTools"
} else {
    "apt-get install --yes g++"
};
/// With clang's own headers, which the bare library does not have.
pub(crate) const LIBCLANG: &str = if cfg!(target_os = "macos") {
    "xcode-select --install"
} else if cfg!(windows) {
    "winget install LLVM.LLVM"
} else {
    "apt-get install --yes libclang-dev"
};
const GIT: &str = if cfg!(target_os = "macos") {
    "xcode-select --install"
} else if cfg!(windows) {
    "winget install Git.Git"
} else {
    "apt-get install --yes git"
};

/// What became of one need.
enum State {
    Found(String),
    /// There, but not the one that the repository asks for.
    Other {
        found: String,
        wanted: String,
    },
    Missing,
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    takes_no_arguments(CHORE.name, arguments)?;
    let wanted = pinned_toolchain()?;
    let states: Vec<State> = NEEDS.iter().map(|need| examine(need, &wanted)).collect();
    println!("{}", report(NEEDS, &states).trim_end());

    let missing: Vec<&str> = NEEDS
        .iter()
        .zip(&states)
        .filter(|(need, state)| stops_tests(need, state))
        .map(|(it, _)| it.name)
        .collect();
    if !missing.is_empty() {
        bail!("the tests do not run without: {}", missing.join(", "));
    }
    println!("\nNothing is missing without which the tests do not run.");
    Ok(())
}

fn stops_tests(need: &Need, state: &State) -> bool {
    !matches!(state, State::Found(_)) && need.weight.is_required()
}

fn examine(need: &Need, pinned: &str) -> State {
    let found = match need.probe {
        Command(line) => answer(line),
        Code(look) => look(),
    };
    let Some(found) = found else { return State::Missing };
    if need.name == "rustc" && !found.split_whitespace().any(|it| it == pinned) {
        return State::Other { found, wanted: pinned.to_owned() };
    }
    State::Found(found)
}

/// The first line of what a command answers.
fn answer(line: &[&'static str]) -> Option<String> {
    let (program, arguments) = line.split_first()?;
    let process = match *program {
        "cargo" => Process::cargo(arguments.iter().copied()),
        other => Process::new(other, arguments.iter().copied()),
    };
    let answer = process.read().ok()?;
    Some(answer.lines().next().unwrap_or_default().trim().to_owned())
}

fn report(needs: &[Need], states: &[State]) -> String {
    let rows: Vec<[String; 4]> = needs
        .iter()
        .zip(states)
        .map(|(need, state)| {
            let (mark, remark) = match state {
                State::Found(version) => ("ok", version.clone()),
                State::Other { found, wanted } => {
                    ("wrong", format!("{found}, but {wanted} is wanted; install: {}", need.install))
                }
                State::Missing => {
                    let mark = if need.weight.is_required() { "MISSING" } else { "optional" };
                    (mark, format!("install: {}", need.install))
                }
            };
            [mark.to_owned(), need.name.to_owned(), format!("for {}", need.purpose), remark]
        })
        .collect();
    aligned(&rows)
}

/// The version that `rust-toolchain.toml` pins.
fn pinned_toolchain() -> anyhow::Result<String> {
    let text = std::fs::read_to_string(workspace::root().join("rust-toolchain.toml"))?;
    let file: toml::Table = text.parse()?;
    let channel = file.get("toolchain").and_then(|it| it.get("channel")).and_then(toml::Value::as_str);
    channel.map(str::to_owned).ok_or_else(|| anyhow::anyhow!("rust-toolchain.toml names no channel"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: Need = Need {
        name: "a-server",
        purpose: "its tests",
        weight: Required,
        probe: Command(&["no-such-program-anywhere"]),
        install: "install a-server",
    };

    #[test]
    fn what_is_missing_is_reported_with_the_line_that_installs_it() {
        let state = examine(&NEEDED, "1.0.0");
        assert!(stops_tests(&NEEDED, &state));
        let report = report(&[NEEDED], &[state]);
        assert_eq!(report, "MISSING  a-server  for its tests  install: install a-server\n");
    }

    #[test]
    fn what_is_no_program_is_looked_for_by_code() {
        let need = |look| Need { name: "a-library", probe: Code(look), ..NEEDED };
        assert!(matches!(examine(&need(|| None), "1.0.0"), State::Missing));
        let found = examine(&need(|| Some("liba.so".to_owned())), "1.0.0");
        assert!(matches!(&found, State::Found(place) if place == "liba.so"));
    }

    #[test]
    fn a_missing_optional_program_stops_nothing() {
        let need = Need { weight: Optional, ..NEEDED };
        assert!(!stops_tests(&need, &State::Missing));
        assert!(report(&[need], &[State::Missing]).starts_with("optional"));
    }

    #[test]
    fn what_is_had_otherwise_stops_nothing_and_stops_the_tests_elsewhere() {
        let there = Need { weight: RequiredUnless(|| true), ..NEEDED };
        assert!(!stops_tests(&there, &State::Missing));
        assert!(report(&[there], &[State::Missing]).starts_with("optional"));
        let elsewhere = Need { weight: RequiredUnless(|| false), ..NEEDED };
        assert!(stops_tests(&elsewhere, &State::Missing));
        assert!(!stops_tests(&elsewhere, &State::Found("1.0.0".to_owned())));
        assert!(report(&[elsewhere], &[State::Missing]).starts_with("MISSING"));
    }

    #[test]
    fn postgresql_is_required_where_tests_start_it_and_is_found_where_they_find_it() {
        let need = NEEDS.iter().find(|it| it.name == "postgresql").unwrap();
        assert!(matches!(need.weight, RequiredUnless(_)));
        let is_found = matches!(examine(need, "1.0.0"), State::Found(_));
        assert_eq!(is_found, postgres_cluster::Programs::find().is_ok());
    }

    #[test]
    fn another_toolchain_than_the_pinned_one_is_wrong() {
        let need = Need { name: "rustc", probe: Command(&["rustc", "--version"]), ..NEEDED };
        assert!(matches!(examine(&need, "0.0.1"), State::Other { .. }));
        assert!(matches!(examine(&need, &pinned_toolchain().unwrap()), State::Found(_)));
    }
}
