//! `cargo xtask test`: every test, example and doctest of the workspace.

use cargo_metadata::{Dependency, DependencyKind, Package};

use crate::chore::{Chore, Usage};
use crate::process::Process;
use crate::rocksdb;
use crate::rocksdb::tools::Tools;
use crate::selection::{Selection, values};
use crate::surroundings::Surroundings;
use crate::workspace;

pub(crate) const CHORE: Chore = Chore {
    name: "test",
    summary: "run every test and doctest of the workspace, and build its examples",
    help: "\
cargo xtask test [arguments of cargo test]

Plain `cargo test`. All packages and all features, unless the arguments choose packages. A failing test does not stop
the others.

All but eventstore-rocksdb and the features that bring it, since RocksDB is compiled from source, for ten minutes and more. Where
the arguments ask for it, by its name or by such a feature, `--release` is added: each profile would compile it again.
It takes a C++ compiler and libclang, which are installed like PostgreSQL below.

Those that ask for one run with a PostgreSQL server of their own, made with `initdb`, on a unix socket, and removed afterwards;
where DATABASE_URL is set, with that one. Some start more of them, to kill them. Where PostgreSQL is not installed it is
installed with apt-get, for root alone, also where DATABASE_URL is set; for others `cargo xtask doctor` has the line.

What happens on a full disk is tried in a mount name space of its own, where the system lets everybody have one.

Where there is a Python, it gets pyarrow and DuckDB in a virtual environment beside the build, and they read the
Parquet files; where there is none, those tests are skipped, which is said at the end.

  cargo xtask test -p eventstore-memory        one package
  cargo xtask test -p eventstore-rocksdb       the one that is left out otherwise, in release
  cargo xtask test a_torn_tail -- --nocapture  tests by name, with what they print",
    run,
};

/// An option of cargo that chooses a package without naming it: its features would not be known.
const BY_PATH: &str = "--manifest-path";

fn run(arguments: &[String]) -> anyhow::Result<()> {
    if !values(arguments, &[BY_PATH]).is_empty() {
        return Err(
            Usage(format!("`cargo xtask test` takes packages by name: `-p NAME`, not `{BY_PATH}`")).into()
        );
    }
    let packages = workspace::packages()?;
    if rocksdb::is_asked_for(arguments, &packages) {
        Tools::require()?;
    }
    if is_only_compiled(arguments) {
        return all_tests(arguments, &packages).run();
    }
    let surroundings = match needs_a_server(arguments, &packages) {
        true => Surroundings::prepare()?,
        false => Surroundings::without_a_server()?,
    };
    let outcome = surroundings.tell(all_tests(arguments, &packages)).run();
    tests_first(outcome, surroundings.say_what_was_left_out())
}

/// What came of it, where the tests may have failed, and what was left out cannot be told perhaps.
fn tests_first(tests: anyhow::Result<()>, told: anyhow::Result<()>) -> anyhow::Result<()> {
    if let (Err(_), Err(error)) = (&tests, &told) {
        println!("and another error: {error:#}");
    }
    tests.and(told)
}

/// Then nothing is needed around them, and another run beside this one keeps what it has.
fn is_only_compiled(arguments: &[String]) -> bool {
    arguments.iter().take_while(|it| *it != "--").any(|it| it == "--no-run")
}

/// What starts PostgreSQL servers.
const CLUSTER: &str = "postgres-cluster";

/// Its tests have the server that they are given, and start none, so that it depends on nothing that would say so.
const UMBRELLA: &str = "allframe-cqrs";

/// Whether tests of the chosen packages ask for PostgreSQL. Where none is chosen, all are.
fn needs_a_server(arguments: &[String], packages: &[Package]) -> bool {
    let selection = Selection::of(arguments);
    packages.iter().any(|it| selection.includes(&it.name) && its_tests_ask_for_postgres(it))
}

/// Those that start servers depend on what does for their tests alone. Who depends on it otherwise, as this program, starts them
/// when it is run.
fn its_tests_ask_for_postgres(package: &Package) -> bool {
    let starts_them = |it: &Dependency| it.name == CLUSTER && it.kind == DependencyKind::Development;
    [CLUSTER, UMBRELLA].contains(&package.name.as_str()) || package.dependencies.iter().any(starts_them)
}

/// The test run, with `arguments` added. What tests need of the machine around them is told to it as `Surroundings`, so that
/// `cargo test` stays the one runner.
///
/// RocksDB is in it where the arguments ask for it.
pub(crate) fn all_tests(arguments: &[String], packages: &[Package]) -> Process {
    let selection = Selection::of(arguments);
    let is_given = |names: &[&str]| {
        let mut options = arguments.iter().take_while(|it| *it != "--");
        options.any(|it| names.contains(&it.split_once('=').map_or(it.as_str(), |(name, _)| name)))
    };
    let asked = rocksdb::is_asked_for(arguments, packages);
    let mut scope: Vec<String> = Vec::new();
    if asked && !is_given(&["--release", "-r", "--profile"]) {
        scope.push(rocksdb::PROFILE.to_owned());
    }
    if asked && selection.names(rocksdb::PACKAGE) {
        // Also of the others, then: who waits for RocksDB anyway may as well have it everywhere.
        scope.extend((!is_given(&["--all-features"])).then(|| "--all-features".to_owned()));
    } else if !selection.is_everything() {
        scope.extend(rocksdb::other_features(packages, &selection));
    } else {
        scope.extend(rocksdb::everything_else(packages));
    }
    Process::cargo(["test"]).arguments(&scope).arguments(&["--no-fail-fast"]).arguments(arguments)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::postgres::VARIABLE;
    use crate::rocksdb::examples::packages;

    /// Every store is one here that the umbrella has as a feature.
    fn line(arguments: &str) -> String {
        let packages = packages(&[
            ("eventstore-wal", &[], &[("parquet", &[])]),
            ("eventstore-rocksdb", &[], &[]),
            (
                "allframe-cqrs",
                &["eventstore-wal?", "eventstore-rocksdb?"],
                &[
                    ("wal", &["dep:eventstore-wal"]),
                    ("rocksdb", &["dep:eventstore-rocksdb"]),
                    ("full", &["wal", "rocksdb"]),
                ],
            ),
            ("xtask", &[], &[]),
        ]);
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        all_tests(&arguments, &packages).to_string()
    }

    #[test]
    fn a_server_is_started_for_those_who_ask_for_one() {
        let packages = workspace::packages().unwrap();
        let needs = |arguments: &[&str]| {
            needs_a_server(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), &packages)
        };
        assert!(needs(&[]) && needs(&["a_torn_tail"]) && needs(&["--", "-p", "eventstore-memory"]));
        assert!(needs(&["-p", "eventstore-memory", "--package=eventstore-postgres"]));
        for package in ["allframe-cqrs", "allframe-cqrs-cli", "postgres-cluster", "service"] {
            assert!(needs(&["-p", package]), "{package}");
        }
        assert!(!needs(&["-p", "eventstore-memory"]) && !needs(&["--package", "xtask", "--", "--nocapture"]));
    }

    /// All Rust in the tests of a package.
    fn its_tests(folder: &Path) -> String {
        let entries = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
        let texts = entries.map(|it| match it.file_type().unwrap().is_dir() {
            true => its_tests(&it.path()),
            false if it.path().extension().is_some_and(|it| it == "rs") => {
                fs::read_to_string(it.path()).unwrap()
            }
            false => String::new(),
        });
        texts.collect()
    }

    #[test]
    fn whoever_looks_for_a_server_in_its_tests_or_starts_one_is_known_to_do_so() {
        for package in workspace::packages().unwrap() {
            let text = its_tests(&package.manifest_path.as_std_path().with_file_name("tests"));
            let asks = text.contains(VARIABLE) || text.contains("postgres_cluster::");
            assert!(!asks || its_tests_ask_for_postgres(&package), "{}", package.name);
        }
    }

    const EVERYTHING: &str = "cargo test --workspace --exclude eventstore-rocksdb \
        --features eventstore-wal/parquet,allframe-cqrs/wal --no-fail-fast";

    #[test]
    fn without_arguments_it_runs_everything_but_rocksdb() {
        assert_eq!(line(""), EVERYTHING);
        assert_eq!(line("a_torn_tail"), format!("{EVERYTHING} a_torn_tail"));
    }

    #[test]
    fn a_chosen_package_is_run_alone_with_its_features() {
        assert_eq!(line("-p xtask"), "cargo test --no-fail-fast -p xtask");
        assert_eq!(line("--package=xtask"), "cargo test --no-fail-fast --package=xtask");
        assert_eq!(
            line("-p allframe-cqrs"),
            "cargo test --features allframe-cqrs/wal --no-fail-fast -p allframe-cqrs"
        );
    }

    #[test]
    fn what_is_only_compiled_needs_nothing_around_it() {
        let only_compiled =
            |line: &str| is_only_compiled(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert!(only_compiled("-p eventstore-rocksdb --no-run"));
        assert!(!only_compiled("-p eventstore-rocksdb -- --no-run") && !only_compiled(""));
    }

    #[test]
    fn tests_that_fail_are_told_of_before_what_was_left_out_cannot_be_told() {
        let error = |tests, told| tests_first(tests, told).unwrap_err().to_string();
        let (failed, gone) = (|| Err(anyhow::anyhow!("failed")), || Err(anyhow::anyhow!("the list is gone")));
        assert_eq!(error(failed(), gone()), "failed");
        assert_eq!(error(failed(), Ok(())), "failed");
        assert_eq!(error(Ok(()), gone()), "the list is gone");
        tests_first(Ok(()), Ok(())).unwrap();
    }

    #[test]
    fn a_package_is_chosen_by_its_name_alone() {
        let error = run(&["--manifest-path=xtask/Cargo.toml".to_owned()]).unwrap_err();
        assert!(error.is::<Usage>() && error.to_string().contains("-p NAME"), "{error}");
    }

    #[test]
    fn rocksdb_is_run_where_it_is_named_and_in_release() {
        assert_eq!(
            line("-p eventstore-rocksdb"),
            "cargo test --release --all-features --no-fail-fast -p eventstore-rocksdb"
        );
        assert_eq!(
            line("--package=eventstore-rocksdb -p xtask"),
            "cargo test --release --all-features --no-fail-fast --package=eventstore-rocksdb -p xtask"
        );
        assert_eq!(
            line("-p allframe-cqrs --features rocksdb"),
            "cargo test --release --features allframe-cqrs/wal --no-fail-fast -p allframe-cqrs --features rocksdb"
        );
    }

    #[test]
    fn what_is_given_already_is_not_added_again() {
        let own = "-p eventstore-rocksdb --profile=dev --all-features";
        assert_eq!(line(own), format!("cargo test --no-fail-fast {own}"));
    }

    #[test]
    fn arguments_of_the_test_runner_choose_nothing() {
        assert_eq!(line("-- -p"), format!("{EVERYTHING} -- -p"));
    }
}
