//! What a package's page on crates.io and docs.rs needs, and what its manifest must not name.

use cargo_metadata::{DependencyKind, Package};

use crate::ci::has_library;

/// crates.io takes no more of either.
const MOST_KEYWORDS: usize = 5;
const MOST_CATEGORIES: usize = 5;

pub(super) fn problems(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(|it| of(it, packages)).collect()
}

fn of(package: &Package, published: &[Package]) -> Vec<String> {
    let mut problems = fields(package);
    problems.extend(dependencies(package, published));
    let version = published.first().map(|it| &it.version);
    if version.is_some_and(|it| *it != package.version) {
        problems.push("its version is not that of the others: `version.workspace = true`".to_owned());
    }
    problems.iter().map(|it| format!("{}: {it}", package.name)).collect()
}

fn fields(package: &Package) -> Vec<String> {
    let is_said = |field: &Option<String>| field.as_ref().is_some_and(|it| !it.trim().is_empty());
    let shows_features = package.metadata.pointer("/docs/rs/features").is_some();
    let has_features = package.features.keys().any(|it| it != "default");
    let missing = [
        (is_said(&package.description), "no `description`"),
        (is_said(&package.license), "no `license`"),
        (is_said(&package.repository), "no `repository`"),
        (package.readme.is_some(), "no `readme`"),
        (package.rust_version.is_some(), "no `rust-version`"),
        ((1..=MOST_KEYWORDS).contains(&package.keywords.len()), "1 to 5 `keywords`"),
        ((1..=MOST_CATEGORIES).contains(&package.categories.len()), "1 to 5 `categories`"),
        (
            shows_features || !has_features || !has_library(package),
            "docs.rs would show the default features alone: `[package.metadata.docs.rs]` names those to show",
        ),
    ];
    missing.into_iter().filter(|(is_well, _)| !is_well).map(|(_, what)| what.to_owned()).collect()
}

/// Whoever depends on it has to be able to get all of it.
fn dependencies(package: &Package, published: &[Package]) -> Vec<String> {
    let ours = package.dependencies.iter().filter(|it| it.path.is_some());
    let mut problems = Vec::new();
    for dependency in ours {
        let by_path_alone = dependency.req.comparators.is_empty();
        let target = published.iter().find(|it| *it.name == dependency.name);
        match target {
            None if by_path_alone && dependency.kind == DependencyKind::Development => {}
            None => problems.push(format!("depends on {}, which is not published", dependency.name)),
            Some(_) if by_path_alone && dependency.kind == DependencyKind::Development => {}
            Some(target) if by_path_alone || !dependency.req.matches(&target.version) => {
                problems.push(format!(
                    "asks for {} {}, which is {}",
                    target.name, dependency.req, target.version
                ));
            }
            Some(_) => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{is_published, packages};

    fn published() -> Vec<Package> {
        packages().unwrap().into_iter().filter(is_published).collect()
    }

    fn found(change: impl FnOnce(&mut Package)) -> String {
        let packages = published();
        let mut wal = packages.iter().find(|it| *it.name == "eventstore-wal").unwrap().clone();
        change(&mut wal);
        of(&wal, &packages).join("\n")
    }

    #[test]
    fn what_is_here_is_well() {
        assert_eq!(found(|_| ()), "");
    }

    #[test]
    fn what_a_page_lacks_is_found() {
        assert!(found(|it| it.description = None).contains("description"));
        assert!(found(|it| it.keywords.clear()).contains("keywords"));
        assert!(found(|it| it.metadata = Default::default()).contains("docs.rs"));
    }

    #[test]
    fn what_nobody_could_get_is_found() {
        let of_api = |it: &&mut cargo_metadata::Dependency| it.name == "eventstore-api";
        let other = found(|it| it.dependencies.iter_mut().find(of_api).unwrap().req = "7".parse().unwrap());
        assert_eq!(other, "eventstore-wal: asks for eventstore-api ^7, which is 0.1.0");
        let unknown =
            found(|it| it.dependencies.iter_mut().find(of_api).unwrap().name = "small-disk".to_owned());
        assert_eq!(unknown, "eventstore-wal: depends on small-disk, which is not published");
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        assert!(found(|it| it.version.major += 1).contains("its version is not that of the others"));
    }
}
