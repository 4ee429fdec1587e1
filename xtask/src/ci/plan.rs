//! The steps, in the order in which they run: what fails soonest comes first.

use cargo_metadata::{Package, TargetKind};

use super::step::{Outcome, Step, Work};
use super::{deny, features, package};
use crate::process::Process;
use crate::workspace::is_published;
use crate::{bench, crash, kill, test, tidy};

/// The umbrella, whose tests also run with a few features at a time.
const UMBRELLA: &str = "allframe-cqrs";

/// Chosen, because each set builds every test again: what people start with, and what they leave out.
/// `full` is what `cargo xtask test` runs.
const TESTED_FEATURES: &[&str] = &["", "memory", "memory,bincode", "cqrs", "wal", "cqrs-allsource"];

/// About half a minute on two cores. Seeds that are worth more are run with `cargo xtask crash` by hand.
const CRASH_RUN: &[&str] = &["--crash-points", "250000"];

pub(super) fn steps(packages: &[Package]) -> Vec<Step> {
    let libraries: Vec<&Package> = packages.iter().filter(|it| is_published(it) && has_library(it)).collect();
    vec![
        Step { name: "test", purpose: "every test and doctest", work: Work::Code(test) },
        Step {
            name: "fmt",
            purpose: "the house format",
            work: commands([Process::cargo(["fmt", "--all", "--check"])]),
        },
        Step { name: "clippy", purpose: "every target, no warning", work: commands([clippy_workspace()]) },
        Step {
            name: "crates",
            purpose: "each library alone declares what it uses",
            work: commands(libraries.iter().map(|it| clippy_library(&it.name, &[]))),
        },
        Step {
            name: "features",
            purpose: "features add and never need each other in secret",
            work: commands(libraries.iter().flat_map(|it| feature_checks(it))),
        },
        Step {
            name: "feature-tests",
            purpose: "what remains of allframe-cqrs without a feature works",
            work: commands(TESTED_FEATURES.iter().map(|it| feature_test(it))),
        },
        Step { name: "docs", purpose: "rustdoc without a warning", work: commands([docs()]) },
        Step { name: "tidy", purpose: "the rules of this repository", work: Work::Code(tidy) },
        Step { name: "deny", purpose: "bans, licences, sources", work: Work::Code(deny::policy) },
        Step {
            name: "advisories",
            purpose: "known flaws of dependencies",
            work: Work::Code(deny::advisories),
        },
        Step {
            name: "crash",
            purpose: "the log survives what disks do",
            work: commands([crash::hunt(CRASH_RUN)]),
        },
        Step {
            name: "kill",
            purpose: "what was acknowledged survives a killed process",
            work: commands([kill_for_a_minute()]),
        },
        Step { name: "benches", purpose: "the benches compile", work: commands([benches()]) },
        Step { name: "package", purpose: "what would be published", work: Work::Code(package::contents) },
    ]
}

fn commands(list: impl IntoIterator<Item = Process>) -> Work {
    Work::Commands(list.into_iter().collect())
}

fn has_library(package: &Package) -> bool {
    let library = [TargetKind::Lib, TargetKind::ProcMacro];
    package.targets.iter().any(|target| target.kind.iter().any(|kind| library.contains(kind)))
}

fn clippy_workspace() -> Process {
    Process::cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
}

/// Clippy does all that `cargo check` does. `--lib` keeps the features of dev-dependencies out.
fn clippy_library(package: &str, options: &[&str]) -> Process {
    Process::cargo(["clippy", "-p", package, "--lib"]).arguments(options).arguments(&["--", "-D", "warnings"])
}

fn feature_checks(package: &Package) -> Vec<Process> {
    if package.features.is_empty() {
        return Vec::new();
    }
    let sets = features::combinations(&package.features);
    sets.iter()
        .map(|set| clippy_library(&package.name, &["--no-default-features", "--features", set.as_str()]))
        .collect()
}

/// Without the doctests, which show what there is with the default features.
fn feature_test(set: &str) -> Process {
    Process::cargo(["test", "-p", UMBRELLA, "--lib", "--tests", "--no-fail-fast"]).arguments(&[
        "--no-default-features",
        "--features",
        set,
    ])
}

fn docs() -> Process {
    Process::cargo(["doc", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings")
}

fn benches() -> Process {
    bench::all_benches(&["--no-run".to_owned()])
}

fn kill_for_a_minute() -> Process {
    kill::rounds(&["--rounds=1000".to_owned(), "--seconds=60".to_owned()])
}

fn test() -> anyhow::Result<Outcome> {
    test::prepared(test::all_tests(&[])).map(|()| Outcome::Passed)
}

fn tidy() -> anyhow::Result<Outcome> {
    tidy::check().map(|()| Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    fn lines_of(step: &str) -> Vec<String> {
        let steps = steps(&workspace::packages().unwrap());
        let step = steps.iter().find(|it| it.name == step).unwrap();
        match &step.work {
            Work::Commands(commands) => commands.iter().map(Process::to_string).collect(),
            Work::Code(_) => Vec::new(),
        }
    }

    #[test]
    fn every_tested_feature_exists() {
        let packages = workspace::packages().unwrap();
        let umbrella = packages.iter().find(|it| *it.name == UMBRELLA).unwrap();
        for feature in TESTED_FEATURES.iter().flat_map(|set| set.split(',')).filter(|it| !it.is_empty()) {
            assert!(umbrella.features.contains_key(feature), "{UMBRELLA} has no feature `{feature}`");
        }
    }

    #[test]
    fn each_feature_is_compiled_alone() {
        let packages = workspace::packages().unwrap();
        let umbrella = packages.iter().find(|it| *it.name == UMBRELLA).unwrap();
        let lines = lines_of("features");
        for feature in umbrella.features.keys() {
            let alone = format!("-p {UMBRELLA} --lib --no-default-features --features {feature} --");
            assert!(lines.iter().any(|it| it.contains(&alone)), "{feature}");
        }
    }

    #[test]
    fn each_published_library_is_compiled_alone() {
        let lines = lines_of("crates");
        assert!(
            lines.contains(&"cargo clippy -p eventstore-api --lib -- -D warnings".to_owned()),
            "{lines:?}"
        );
        assert!(!lines.iter().any(|it| it.contains("eventstore-benches")), "{lines:?}");
    }
}
