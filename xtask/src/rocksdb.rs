//! The one package that nobody is to wait for by accident: it compiles RocksDB, which is minutes of C++.
//!
//! What leads to it is computed from the manifests. The rest of the workspace is built without, and the step `rocksdb` of
//! `cargo xtask ci` builds it once. What is only checked needs none of the C++: [`unlinked`].

pub(crate) mod tools;

#[cfg(test)]
pub(crate) mod examples;
mod leads;

use cargo_metadata::Package;

pub(crate) use leads::Leads;

use crate::process::Process;
use crate::selection::{Selection, values};

pub(crate) const PACKAGE: &str = "eventstore-rocksdb";

/// What is built of it is built with `--release`, since each profile would compile the C++ again.
pub(crate) const PROFILE: &str = "--release";

/// For commands that link nothing: the package of the C++ makes its bindings and compiles nothing then, as it does for docs.rs, whose
/// variable this is. So they need no `--release` and share with all others what they have checked already.
pub(crate) fn unlinked(command: Process) -> Process {
    command.env("DOCS_RS", "1")
}

/// The arguments that choose the whole workspace and every feature, but what brings RocksDB.
pub(crate) fn everything_else(packages: &[Package]) -> Vec<String> {
    let mut arguments = vec!["--workspace".to_owned()];
    for package in Leads::of(packages).packages() {
        arguments.extend(["--exclude".to_owned(), package.to_owned()]);
    }
    arguments.extend(other_features(packages, &Selection::of(&[])));
    arguments
}

/// The argument that turns on every feature of the selected packages, but those that bring RocksDB.
pub(crate) fn other_features(packages: &[Package], selection: &Selection) -> Vec<String> {
    let leads = Leads::of(packages);
    let without = |package: &&Package| {
        selection.includes(&package.name) && !leads.packages().any(|it| it == package.name.as_str())
    };
    let mut names = Vec::new();
    for package in packages.iter().filter(without) {
        // `default` is on anyway.
        let features = package.features.keys().filter(|it| *it != "default");
        let others = features.filter(|it| !leads.includes(&package.name, it));
        names.extend(others.map(|it| format!("{}/{it}", package.name)));
    }
    if names.is_empty() { Vec::new() } else { vec!["--features".to_owned(), names.join(",")] }
}

/// Whether the arguments of a cargo command ask for RocksDB: by the package's name, or by a feature.
pub(crate) fn is_asked_for(arguments: &[String], packages: &[Package]) -> bool {
    let selection = Selection::of(arguments);
    let leads = Leads::of(packages);
    let mut selected = packages.iter().filter(|it| selection.includes(&it.name));
    let options = || arguments.iter().take_while(|it| *it != "--");
    if leads.packages().any(|it| selection.names(it)) {
        return true;
    }
    if options().any(|it| it == "--all-features") {
        return selected.any(|it| leads.features_of(&it.name).next().is_some());
    }
    let asked = values(arguments, &["--features", "-F"]);
    let asked: Vec<&str> = asked.iter().flat_map(|it| it.split([',', ' '])).collect();
    selected.any(|package| {
        asked.iter().any(|it| {
            let (owner, feature) = it.split_once('/').unwrap_or((package.name.as_str(), it));
            owner == package.name.as_str() && leads.includes(owner, feature)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::examples::{packages, workspace_to_be};
    use super::*;
    use crate::workspace;

    #[test]
    fn what_brings_it_unasked_is_left_out_whole() {
        let packages = packages(&[
            (PACKAGE, &[], &[]),
            ("direct", &[PACKAGE], &[]),
            ("store", &["eventstore-rocksdb?"], &[("default", &["dep:eventstore-rocksdb"])]),
            ("indirect", &["store"], &[("more", &[])]),
        ]);
        assert_eq!(Leads::of(&packages).packages().collect::<Vec<_>>(), ["direct", PACKAGE, "indirect"]);
        let line = everything_else(&packages).join(" ");
        assert_eq!(line, "--workspace --exclude direct --exclude eventstore-rocksdb --exclude indirect");
    }

    #[test]
    fn everything_else_is_all_that_full_holds_but_rocksdb() {
        assert_eq!(
            everything_else(&workspace_to_be()).join(" "),
            "--workspace --exclude eventstore-rocksdb --features eventstore-wal/parquet,eventstore-wal/torture,\
            allframe-cqrs/memory,allframe-cqrs/parquet,allframe-cqrs/wal,a-tool/quick"
        );
    }

    #[test]
    fn features_are_those_of_the_selected_packages_alone() {
        let selection =
            |words: &[&str]| Selection::of(&words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        let features = |words: &[&str]| other_features(&workspace_to_be(), &selection(words)).join(" ");
        assert_eq!(features(&["-p", "a-tool"]), "--features a-tool/quick");
        assert_eq!(features(&["-p", "eventstore-api"]), "");
        assert!(!features(&["--exclude", "allframe-cqrs"]).contains("allframe-cqrs/"));
    }

    #[test]
    fn it_is_asked_for_by_its_name_and_by_a_feature_and_not_by_being_part_of_everything() {
        let asked = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            is_asked_for(&words, &workspace_to_be())
        };
        for line in [
            "-p eventstore-rocksdb",
            "--package=eventstore-rocksdb -p a-tool",
            "-p eventstore-*",
            "-p allframe-cqrs --features memory,rocksdb",
            "-p allframe-cqrs -F full",
            "--features=a-tool/durable",
            "-p a-tool --all-features",
        ] {
            assert!(asked(line), "{line}");
        }
        for line in [
            "",
            "-p allframe-cqrs --features wal",
            "-p eventstore-wal --all-features",
            "-p a-tool -- --features durable",
            "-p eventstore-* --exclude eventstore-rocksdb",
            "-p eventstore-wal --features allframe-cqrs/rocksdb",
        ] {
            assert!(!asked(line), "{line}");
        }
    }

    #[test]
    fn in_this_workspace_everything_else_has_every_other_package_and_its_features() {
        let packages = workspace::packages().unwrap();
        let line = everything_else(&packages).join(" ");
        assert!(line.starts_with("--workspace --exclude eventstore-rocksdb --features "), "{line}");
        for feature in ["allframe-cqrs/postgres-tls", "eventstore-wal/torture", "allframe-cqrs-cli/parquet"] {
            assert!(line.contains(feature), "{feature} is missing: {line}");
        }
        assert!(!line.contains("rocksdb,") && !line.ends_with("/rocksdb"), "{line}");
    }
}
