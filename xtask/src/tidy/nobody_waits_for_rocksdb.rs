//! The C++ of RocksDB is compiled by those who ask for it.

use anyhow::Context;
use toml::{Table, Value};

use super::finding::Finding;
use super::repository::Repository;
use crate::process::Process;
use crate::rocksdb::{Leads, PACKAGE, everything_else};
use crate::workspace;

pub(super) const REASON: &str = "RocksDB is ten minutes of C++, and takes libclang: whoever did not ask for it neither \
    waits nor installs anything";

const MANIFEST: &str = "Cargo.toml";

/// What must not be in anybody else's tree.
const BINDING: &str = "rust-rocksdb";

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let packages = workspace::packages()?;
    let mut findings = default_members(repository)?;
    for (name, message) in brought_unasked(&Leads::of(&packages)) {
        let manifest = repository.members.iter().find(|it| it.name == name).map(|it| it.manifest.as_str());
        findings.push(Finding::of(manifest.unwrap_or(MANIFEST), message));
    }
    // Cargo itself, on what the chores compute.
    let tree = Process::cargo(["tree", "--quiet"]).arguments(&everything_else(&packages)).arguments(&[
        "-e",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    if tree.read()?.lines().any(|it| it.split(' ').next() == Some(BINDING)) {
        let message = format!(
            "the workspace without {PACKAGE} brings `{BINDING}`; see who needs it: {tree} -i {BINDING}"
        );
        findings.push(Finding::of(MANIFEST, message));
    }
    Ok(findings)
}

/// Every member is built by default, but that one.
fn default_members(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let manifest = repository.file(MANIFEST).with_context(|| format!("{MANIFEST} is gone"))?;
    let table: Table = manifest.text.parse().with_context(|| format!("reading {MANIFEST}"))?;
    let listed = table.get("workspace").and_then(|it| it.get("default-members")).and_then(Value::as_array);
    let listed: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();

    let mut findings = Vec::new();
    for member in &repository.members {
        let (name, folder) = (&member.name, member.folder());
        let message = match (listed.contains(&folder), name == PACKAGE) {
            (false, false) => {
                format!("`{name}` is not built by default: add \"{folder}\" to `default-members`")
            }
            (true, true) => format!("`{name}` is built by default: remove it from `default-members`"),
            _ => continue,
        };
        findings.push(Finding::at(MANIFEST, manifest.line_of("default-members"), message));
    }
    Ok(findings)
}

/// The packages that bring it without a feature, or with those that are on by default.
fn brought_unasked(leads: &Leads) -> Vec<(&str, String)> {
    let mut brought: Vec<(&str, String)> = leads
        .packages()
        .filter(|it| *it != PACKAGE)
        .map(|it| (it, format!("`{it}` always brings {PACKAGE}: make the dependency optional")))
        .collect();
    let by_default = leads.users().filter(|it| leads.includes(it, "default"));
    brought.extend(by_default.map(|it| (it, format!("the default features of `{it}` bring {PACKAGE}"))));
    brought
}

#[cfg(test)]
mod tests {
    use super::super::repository::Member;
    use super::*;
    use crate::rocksdb::examples::packages;

    fn found(manifest: &str) -> Vec<String> {
        let mut repository = Repository::of_files(&[(MANIFEST, manifest)]);
        repository.members = ["eventstore-wal", PACKAGE]
            .map(|name| Member {
                name: name.to_owned(),
                manifest: format!("crates/{name}/Cargo.toml"),
                is_published: true,
                has_description: true,
                has_license: true,
                dependencies: Vec::new(),
            })
            .into();
        default_members(&repository).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_but_rocksdb_are_built_by_default() {
        assert!(found("[workspace]\ndefault-members = [\"crates/eventstore-wal\"]\n").is_empty());
    }

    #[test]
    fn a_member_that_was_forgotten_and_one_too_many_are_found_with_their_line() {
        let found = found("[workspace]\ndefault-members = [\"crates/eventstore-rocksdb\"]\n");
        assert!(found[0].starts_with("Cargo.toml:2: `eventstore-wal` is not built"), "{found:?}");
        assert!(found[1].starts_with("Cargo.toml:2: `eventstore-rocksdb` is built"), "{found:?}");
    }

    #[test]
    fn without_a_list_every_member_was_forgotten() {
        assert_eq!(found("[workspace]\nmembers = [\"crates/*\"]\n").len(), 1);
    }

    #[test]
    fn who_brings_it_unasked_is_found() {
        let optional: &[&str] = &["eventstore-rocksdb?"];
        let packages = packages(&[
            (PACKAGE, &[], &[]),
            ("well", optional, &[("default", &[]), ("rocksdb", &["dep:eventstore-rocksdb"])]),
            ("by-default", optional, &[("default", &["dep:eventstore-rocksdb"])]),
            ("always", &[PACKAGE], &[]),
        ]);
        let leads = Leads::of(&packages);
        let names: Vec<&str> = brought_unasked(&leads).iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["always", "by-default"]);
    }
}
