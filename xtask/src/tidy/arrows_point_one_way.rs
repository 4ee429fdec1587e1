//! Which package may depend on which, and who may name the dependencies that have a wall around them.

use cargo_metadata::DependencyKind::Development;

use super::finding::Finding;
use super::repository::{Member, Repository};
use crate::workspace::section;

pub(super) const REASON: &str = "people depend on only the crate they need: \
    api <- codec <- backends <- allframe-cqrs <- cli, and backends never know each other";

/// A package, and those of ours that it may depend on (normal and build dependencies).
const ARROWS: &[(&str, &[&str])] = &[
    ("eventstore-api", &[]),
    ("eventstore-codec", &["eventstore-api"]),
    ("eventstore-conformance", &["eventstore-api"]),
    ("eventstore-embedded", &["eventstore-api"]),
    ("eventstore-memory", &["eventstore-api"]),
    ("eventstore-parquet", &["eventstore-api", "eventstore-codec"]),
    ("eventstore-wal", &["eventstore-api", "eventstore-codec", "eventstore-embedded", "eventstore-parquet"]),
    ("eventstore-postgres", &["eventstore-api", "eventstore-codec", "eventstore-parquet"]),
    ("eventstore-rocksdb", &["eventstore-api", "eventstore-codec", "eventstore-embedded"]),
    ("eventstore-migrate", &["eventstore-api"]),
    ("allframe-cqrs-macros", &[]),
    ("allframe-cqrs", BELOW_THE_UMBRELLA),
    ("allframe-cqrs-cli", EVERYTHING),
    // Knows PostgreSQL, and nothing of ours.
    ("postgres-cluster", &[]),
    ("small-disk", &[]),
    ("eventstore-benches", WHAT_IS_MEASURED),
    ("eventstore-torture", &["eventstore-api", "eventstore-wal", "eventstore-rocksdb"]),
    ("allframe-cqrs-fuzz", &["allframe-cqrs", "eventstore-api", "eventstore-codec", "eventstore-parquet"]),
    ("allframe-cqrs-soak", &["allframe-cqrs", "eventstore-wal"]),
    ("allframe-cqrs-ui", &["allframe-cqrs"]),
    // A program of somebody who depends on the toolkit, and on nothing below it.
    ("service", &["allframe-cqrs"]),
    ("xtask", &["postgres-cluster"]),
];

const BELOW_THE_UMBRELLA: &[&str] = &[
    "eventstore-api",
    "eventstore-codec",
    "eventstore-memory",
    "eventstore-migrate",
    "eventstore-parquet",
    "eventstore-wal",
    "eventstore-postgres",
    "eventstore-rocksdb",
    "allframe-cqrs-macros",
];

/// Benches start a server of their own.
const WHAT_IS_MEASURED: &[&str] = &[
    "eventstore-api",
    "eventstore-memory",
    "eventstore-parquet",
    "eventstore-wal",
    "eventstore-postgres",
    "eventstore-rocksdb",
    "allframe-cqrs",
    "postgres-cluster",
];

const EVERYTHING: &[&str] = &[
    "eventstore-api",
    "eventstore-codec",
    "eventstore-conformance",
    "eventstore-embedded",
    "eventstore-memory",
    "eventstore-migrate",
    "eventstore-parquet",
    "eventstore-wal",
    "eventstore-postgres",
    "eventstore-rocksdb",
    "allframe-cqrs-macros",
    "allframe-cqrs",
];

/// A backend must not know another one in its tests either: its suite is the conformance suite.
/// `wal` archives into `parquet`, which is its arrow above.
const BACKENDS: &[&str] = &[
    "eventstore-memory",
    "eventstore-parquet",
    "eventstore-wal",
    "eventstore-postgres",
    "eventstore-rocksdb",
];

/// A dependency that only these packages may name, in any section. `deny.toml` says the same of the whole graph.
const WALLS: &[(&str, &[&str])] = &[
    ("bincode", &["eventstore-codec"]),
    ("arrow2", &["eventstore-parquet"]),
    ("parquet-format-safe", &["eventstore-parquet"]),
    ("zstd", &["eventstore-parquet"]),
    // Benches measure what is built on it beside the thing itself.
    ("rust-rocksdb", &["eventstore-rocksdb", "eventstore-benches"]),
    // For the features that cargo compiles it with, and nothing else.
    ("zstd-sys", &["eventstore-rocksdb", "eventstore-benches"]),
];

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let ours: Vec<&str> = repository.members.iter().map(|it| it.name.as_str()).collect();
    let mut findings = Vec::new();
    for member in &repository.members {
        let line =
            |dependency: &str| repository.file(&member.manifest).map_or(1, |it| it.line_of(dependency));
        for (dependency, message) in wrong_arrows(member, &ours) {
            findings.push(Finding::at(&member.manifest, line(dependency), message));
        }
    }
    Ok(findings)
}

/// The dependencies of `member` that it must not have, each with what to do.
fn wrong_arrows<'a>(member: &'a Member, ours: &[&str]) -> Vec<(&'a str, String)> {
    let name = member.name.as_str();
    let Some((_, allowed)) = ARROWS.iter().find(|(package, _)| *package == name) else {
        return vec![(
            "name",
            format!("`{name}` has no line in the table of arrows ({}): decide what it may know", file!()),
        )];
    };
    let mut wrong = Vec::new();
    for dependency in &member.dependencies {
        let other = dependency.name.as_str();
        let allowed = allowed.contains(&other);
        let in_tests = dependency.kind == Development;
        let backend_to_backend = BACKENDS.contains(&name) && BACKENDS.contains(&other);
        if ours.contains(&other) && !allowed && other != name && (!in_tests || backend_to_backend) {
            let section = section(dependency.kind);
            wrong.push((
                other,
                format!("`{name}` must not know `{other}` ({section}): what both need belongs below them"),
            ));
        }
        let wall = WALLS.iter().find(|(walled, owners)| *walled == other && !owners.contains(&name));
        if let Some(owner) = wall.and_then(|(_, owners)| owners.first()) {
            wrong.push((
                other,
                format!("only `{owner}` may name `{other}`: use what it offers (docs/dependencies.md)"),
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use cargo_metadata::DependencyKind::{self, Build, Normal};

    use super::super::repository::Dependency;
    use super::*;

    fn wrong(name: &str, dependencies: &[(&str, DependencyKind)]) -> Vec<String> {
        let member = Member {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            is_published: true,
            has_description: true,
            has_license: true,
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: *kind })
                .collect(),
        };
        wrong_arrows(&member, EVERYTHING).into_iter().map(|(_, message)| message).collect()
    }

    #[test]
    fn the_arrows_of_the_design_are_allowed() {
        assert!(wrong("eventstore-codec", &[("eventstore-api", Normal), ("bincode", Normal)]).is_empty());
        assert!(wrong("eventstore-wal", &[("eventstore-parquet", Normal), ("tokio", Normal)]).is_empty());
        assert!(wrong("allframe-cqrs", &[("eventstore-rocksdb", Normal)]).is_empty());
    }

    #[test]
    fn the_contract_depends_on_nothing_of_ours() {
        assert_eq!(wrong("eventstore-api", &[("eventstore-codec", Normal)]).len(), 1);
        assert_eq!(wrong("eventstore-api", &[("eventstore-codec", Build)]).len(), 1);
    }

    #[test]
    fn a_backend_never_knows_another_not_even_in_its_tests() {
        assert_eq!(wrong("eventstore-postgres", &[("eventstore-memory", Normal)]).len(), 1);
        assert_eq!(wrong("eventstore-postgres", &[("eventstore-memory", Development)]).len(), 1);
        assert_eq!(wrong("eventstore-parquet", &[("eventstore-wal", Development)]).len(), 1);
        assert!(wrong("eventstore-wal", &[("eventstore-parquet", Development)]).is_empty());
    }

    #[test]
    fn what_embedded_stores_share_is_below_them_and_knows_the_contract_alone() {
        assert!(wrong("eventstore-wal", &[("eventstore-embedded", Normal)]).is_empty());
        assert!(wrong("eventstore-rocksdb", &[("eventstore-embedded", Normal)]).is_empty());
        assert_eq!(wrong("eventstore-embedded", &[("eventstore-codec", Normal)]).len(), 1);
        assert_eq!(wrong("eventstore-postgres", &[("eventstore-embedded", Normal)]).len(), 1);
    }

    #[test]
    fn tests_may_point_anywhere_else() {
        assert!(wrong("eventstore-api", &[("eventstore-memory", Development)]).is_empty());
        assert!(wrong("eventstore-memory", &[("eventstore-conformance", Development)]).is_empty());
        assert_eq!(wrong("eventstore-memory", &[("eventstore-conformance", Normal)]).len(), 1);
    }

    #[test]
    fn walled_dependencies_are_named_by_one_crate() {
        assert_eq!(wrong("allframe-cqrs", &[("bincode", Development)]).len(), 1);
        assert_eq!(wrong("eventstore-wal", &[("arrow2", Normal)]).len(), 1);
        assert_eq!(wrong("allframe-cqrs-cli", &[("rust-rocksdb", Normal)]).len(), 1);
        assert!(wrong("eventstore-parquet", &[("arrow2", Normal)]).is_empty());
    }

    #[test]
    fn a_new_package_needs_a_line_in_the_table() {
        assert!(wrong("eventstore-new", &[]).iter().any(|it| it.contains("no line in the table")));
    }

    #[test]
    fn the_table_points_downwards_only() {
        let mut seen: Vec<&str> = Vec::new();
        for (package, allowed) in ARROWS {
            let later: Vec<_> = allowed.iter().filter(|it| !seen.contains(it)).collect();
            assert!(
                later.is_empty(),
                "{package} points at {later:?}, which stand below it: a cycle, or a wrong order"
            );
            seen.push(package);
        }
    }
}
