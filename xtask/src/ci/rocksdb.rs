//! The step that builds RocksDB: all that is tried of it, of one build.
//!
//! The C++ takes ten minutes and more, and cargo compiles it again for each set of features and for each profile of what it
//! is compiled from. So all commands here have the profile `release`, and so has `cargo xtask bench --rocksdb`. And in
//! all of them what it is compiled from has the same features: `zstd-sys` differed, which arrow2 brings with `std`, and
//! eventstore-rocksdb therefore asks for that as well. The tests in `one_build.rs` compare the trees.
//!
//! What links nothing needs no C++, and is part of the other steps.

#[cfg(test)]
mod one_build;

use std::collections::BTreeSet;

use cargo_metadata::{Package, Target, TargetKind};

use crate::kill;
use crate::process::Process;
use crate::rocksdb::{Leads, PACKAGE, PROFILE};

/// Half a minute of it.
const KILL_RUN: &[&str] = &["--rounds=1000", "--seconds=30"];

/// What there is: as long as a package has no feature that leads to RocksDB, nothing of it is built here.
pub(super) fn commands(packages: &[Package]) -> Vec<Process> {
    if !packages.iter().any(|it| *it.name == PACKAGE) {
        return Vec::new();
    }
    let leads = Leads::of(packages);
    let users: Vec<User<'_>> = packages.iter().filter_map(|it| User::of(it, &leads)).collect();

    let mut commands = vec![store_tests()];
    commands.extend(user_tests(&users));
    commands.extend(users.iter().filter_map(User::kill));
    commands
}

/// A package with features that lead to RocksDB.
struct User<'a> {
    package: &'a Package,
    /// All of them.
    features: Vec<&'a str>,
    /// Those that lead there by themselves.
    own_features: Vec<&'a str>,
}

impl<'a> User<'a> {
    fn of(package: &'a Package, leads: &'a Leads) -> Option<Self> {
        let features: Vec<&str> = leads.features_of(&package.name).collect();
        let uses = *package.name != PACKAGE && !features.is_empty();
        uses.then(|| Self { package, features, own_features: leads.own_features_of(package).collect() })
    }

    fn kill(&self) -> Option<Process> {
        let arguments: Vec<String> =
            KILL_RUN.iter().chain(&kill::ON_ROCKSDB).map(|it| (*it).to_owned()).collect();
        (*self.package.name == kill::PACKAGE).then(|| kill::rounds(&arguments))
    }

    /// The test files that want a feature which leads there.
    fn tests_about_it(&self) -> Vec<&'a Target> {
        let about_it = |target: &&Target| {
            target.kind.contains(&TargetKind::Test)
                && target.required_features.iter().any(|it| self.features.contains(&it.as_str()))
        };
        self.package.targets.iter().filter(about_it).collect()
    }

    /// What these targets want, and what leads there.
    fn features_for(&self, targets: &[&Target]) -> Vec<String> {
        let wanted = targets.iter().flat_map(|it| &it.required_features).map(String::as_str);
        let features: BTreeSet<&str> = self.own_features.iter().copied().chain(wanted).collect();
        features.into_iter().map(|it| format!("{}/{it}", self.package.name)).collect()
    }
}

fn store_tests() -> Process {
    Process::cargo(["test", PROFILE, "--no-fail-fast", "-p", PACKAGE, "--all-features"])
}

/// Only the test files that are about RocksDB: the others have run without it. Of all users at once, so that what they are made of has
/// the same features for each of them, and is compiled once.
fn user_tests(users: &[User<'_>]) -> Option<Process> {
    let mut packages = Vec::new();
    let mut features = Vec::new();
    let mut chosen = BTreeSet::new();
    for user in users {
        let files = user.tests_about_it();
        if !files.is_empty() {
            packages.extend(["-p", user.package.name.as_str()]);
            features.extend(user.features_for(&files));
            chosen.extend(files.iter().map(|it| it.name.as_str()));
        }
    }
    let chosen: Vec<&str> = chosen.into_iter().flat_map(|it| ["--test", it]).collect();
    (!chosen.is_empty()).then(|| {
        Process::cargo(["test", PROFILE, "--no-fail-fast"])
            .arguments(&packages)
            .arguments(&["--features".to_owned(), features.join(",")])
            .arguments(&chosen)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rocksdb::examples;
    use crate::{bench, workspace};

    fn lines(packages: &[Package]) -> Vec<String> {
        commands(packages).iter().map(Process::to_string).collect()
    }

    /// A target as `cargo metadata` shows it.
    fn target(kind: TargetKind, name: &str, required_features: &[&str]) -> Target {
        let some = workspace::packages().unwrap().into_iter().flat_map(|it| it.targets).next();
        let mut target = some.unwrap();
        target.name = name.to_owned();
        target.kind = vec![kind];
        target.required_features = required_features.iter().map(|it| (*it).to_owned()).collect();
        target
    }

    fn workspace_to_be() -> Vec<Package> {
        let leads: (&str, &[&str]) = ("rocksdb", &["dep:eventstore-rocksdb"]);
        let dependency: &[&str] = &["eventstore-rocksdb?"];
        let mut packages = examples::packages(&[
            (PACKAGE, &[], &[]),
            ("eventstore-wal", &[], &[("parquet", &[])]),
            ("allframe-cqrs", dependency, &[("memory", &[]), leads, ("full", &["memory", "rocksdb"])]),
            ("allframe-cqrs-cli", dependency, &[leads]),
            (bench::PACKAGE, dependency, &[leads]),
            (kill::PACKAGE, dependency, &[leads]),
        ]);
        for package in &mut packages {
            package.targets = match package.name.as_str() {
                "allframe-cqrs" => vec![
                    target(TargetKind::Lib, "allframe_cqrs", &[]),
                    target(TargetKind::Test, "durable", &[]),
                    target(TargetKind::Test, "rocksdb", &["rocksdb"]),
                ],
                "allframe-cqrs-cli" => vec![
                    target(TargetKind::Bin, "eventstore", &[]),
                    target(TargetKind::Test, "rocksdb", &["rocksdb", "parquet"]),
                ],
                bench::PACKAGE | kill::PACKAGE => {
                    package.publish = Some(Vec::new());
                    vec![target(TargetKind::Bench, "append", &[])]
                }
                _ => vec![target(TargetKind::Lib, "lib", &[])],
            };
        }
        packages
    }

    #[test]
    fn all_that_uses_rocksdb_is_tested_and_killed() {
        assert_eq!(
            lines(&workspace_to_be()),
            [
                "cargo test --release --no-fail-fast -p eventstore-rocksdb --all-features",
                "cargo test --release --no-fail-fast -p allframe-cqrs -p allframe-cqrs-cli \
                --features allframe-cqrs/rocksdb,allframe-cqrs-cli/parquet,allframe-cqrs-cli/rocksdb --test rocksdb",
                "cargo run --quiet --package eventstore-torture --release --features rocksdb --bin kill \
                -- rounds --rounds=1000 --seconds=30 --store rocksdb",
            ]
        );
    }

    #[test]
    fn where_nothing_uses_it_yet_the_store_is_tried_alone() {
        assert_eq!(
            lines(&examples::packages(&[(PACKAGE, &[], &[]), ("allframe-cqrs", &[], &[("full", &[])])])),
            ["cargo test --release --no-fail-fast -p eventstore-rocksdb --all-features",]
        );
    }
}
