//! The steps, in the order in which they run: what fails soonest comes first.

use cargo_metadata::Package;

use super::checks::Checks;
use super::step::{Outcome, Step, Work};
use super::{deny, rocksdb};
use crate::process::Process;
use crate::release::DryRun;
use crate::rocksdb::tools::Tools;
use crate::{crash, kill, release, test, tidy};

/// The umbrella, whose tests also run with a few features at a time.
const UMBRELLA: &str = "allframe-cqrs";

/// What the compiler says of its macros.
const COMPILE_ERRORS: &str = "allframe-cqrs-ui";

/// Chosen, because each set builds every test again: what people start with, and what they leave out.
/// All of them at once are what `cargo xtask test` runs, so that a large set, as `cqrs-allsource` is, would run little that has
/// not run there.
const TESTED_FEATURES: &[&str] = &["", "cqrs", "wal,bincode"];

/// Half a minute on two cores with everything optimised; 85 seconds beside a compiler, built as `.ci/run` has it. Seeds that are
/// worth more are run with `cargo xtask crash` by hand.
const CRASH_RUN: &[&str] = &["--crash-points", "250000"];

pub(super) fn steps(packages: &[Package]) -> Vec<Step> {
    let checks = Checks::of(packages);
    vec![
        Step {
            name: "test",
            purpose: "every test and doctest",
            work: Work::Tests(vec![test::all_tests(&[], packages)]),
        },
        Step {
            name: "fmt",
            purpose: "the house format",
            work: commands([Process::cargo(["fmt", "--all", "--check"])]),
        },
        Step { name: "clippy", purpose: "every target, no warning", work: checks.clippy() },
        Step {
            name: "crates",
            purpose: "each library alone declares what it uses",
            work: checks.libraries(),
        },
        Step {
            name: "features",
            purpose: "features add and never need each other in secret",
            work: checks.features(),
        },
        Step {
            name: "feature-tests",
            purpose: "what remains of allframe-cqrs without a feature works",
            work: Work::Tests(feature_tests()),
        },
        Step { name: "docs", purpose: "rustdoc without a warning", work: checks.docs() },
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
        Step { name: "package", purpose: "what would be published", work: Work::Code(package) },
        Step {
            name: "rocksdb",
            purpose: "the store on RocksDB, and what the others do with it",
            work: Work::TestsOnRocksdb(Tools::prepare, rocksdb::commands(packages)),
        },
    ]
}

fn commands(list: impl IntoIterator<Item = Process>) -> Work {
    Work::Commands(list.into_iter().collect())
}

/// And the macros where they have the least of what they can have.
fn feature_tests() -> Vec<Process> {
    let explained = Process::cargo(["test", "-p", COMPILE_ERRORS, "--tests", "--no-fail-fast"]);
    TESTED_FEATURES.iter().map(|it| feature_test(it)).chain([explained]).collect()
}

/// Without the doctests, which show what there is with the default features.
fn feature_test(set: &str) -> Process {
    Process::cargo(["test", "-p", UMBRELLA, "--lib", "--tests", "--no-fail-fast"]).arguments(&[
        "--no-default-features",
        "--features",
        set,
    ])
}

/// Without compiling much: the step before it has built the parts.
fn kill_for_a_minute() -> Process {
    kill::rounds(&["--rounds=1000".to_owned(), "--seconds=60".to_owned()])
}

fn package() -> anyhow::Result<Outcome> {
    let DryRun { problems, left_out } = release::dry_run()?;
    Ok(match left_out {
        _ if !problems.is_empty() => Outcome::Failed(problems),
        Some(why) => Outcome::PassedWithout(why),
        None => Outcome::Passed,
    })
}

fn tidy() -> anyhow::Result<Outcome> {
    tidy::check().map(|()| Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rocksdb::Leads;
    use crate::workspace;

    fn lines_of(step: &str) -> Vec<String> {
        let steps = steps(&workspace::packages().unwrap());
        lines(&steps.iter().find(|it| it.name == step).unwrap().work)
    }

    /// Where it makes a difference, of everything.
    fn lines(work: &Work) -> Vec<String> {
        written(match work {
            Work::Commands(commands) | Work::Tests(commands) | Work::TestsOnRocksdb(_, commands) => commands,
            Work::Checks { of_everything, .. } => of_everything,
            Work::Code(_) => &[],
        })
    }

    fn written(commands: &[Process]) -> Vec<String> {
        commands.iter().map(Process::to_string).collect()
    }

    #[test]
    fn whatever_runs_tests_gets_what_tests_need_of_the_machine() {
        for step in steps(&workspace::packages().unwrap()) {
            let bare = matches!(step.work, Work::Commands(_));
            let runs_tests = lines(&step.work).iter().any(|it| it.starts_with("cargo test "));
            assert!(!(bare && runs_tests), "{}", step.name);
        }
        assert!(lines_of("feature-tests").iter().all(|it| it.starts_with("cargo test ")));
    }

    #[test]
    fn what_is_checked_is_not_linked() {
        for step in steps(&workspace::packages().unwrap()) {
            let Work::Checks { of_everything, .. } = &step.work else { continue };
            let all = written(of_everything);
            assert!(all.iter().all(|it| it.contains("DOCS_RS=1 cargo ")), "{all:?}");
            let links = |it: &String| it.contains(" cargo test") || it.contains(" cargo run");
            assert!(!all.iter().any(links), "{all:?}");
        }
    }

    #[test]
    fn no_other_step_than_rocksdb_chooses_what_brings_it_where_it_cannot_be_had() {
        let packages = workspace::packages().unwrap();
        let leads = Leads::of(&packages);
        for step in steps(&packages).iter().filter(|it| it.name != "rocksdb") {
            let lines = match &step.work {
                Work::Checks { without_rocksdb, .. } => written(without_rocksdb),
                work => lines(work),
            };
            for line in lines {
                let words: Vec<&str> = line.split(' ').collect();
                assert!(!words.contains(&"--all-features"), "{line}");
                let is_left_out = line.contains("--exclude eventstore-rocksdb");
                assert!(!line.contains("--workspace") || is_left_out, "{line}");
                for (option, value) in words.iter().zip(words.iter().skip(1)) {
                    assert!(*option != "-p" || *value != "eventstore-rocksdb", "{line}");
                    for feature in value.split(',').filter(|_| *option == "--features") {
                        let (owner, feature) = feature.split_once('/').unwrap_or((UMBRELLA, feature));
                        assert!(!leads.includes(owner, feature), "{line}");
                    }
                }
            }
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
        let alone = |package: &str| format!("DOCS_RS=1 cargo clippy -p {package} --lib -- -D warnings");
        let lines = lines_of("crates");
        assert!(lines.contains(&alone("eventstore-api")), "{lines:?}");
        assert!(lines.contains(&alone("eventstore-rocksdb")), "{lines:?}");
        assert!(!lines.iter().any(|it| it.contains("eventstore-benches")), "{lines:?}");
    }

    #[test]
    fn a_program_that_can_have_rocksdb_is_compiled_with_it_alone() {
        let with_it = "DOCS_RS=1 cargo clippy -p allframe-cqrs-cli --bins --no-default-features \
            --features rocksdb -- -D warnings";
        let lines = lines_of("features");
        assert!(lines.iter().any(|it| it == with_it), "{lines:?}");
    }
}
