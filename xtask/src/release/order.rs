//! What is published before what.

use anyhow::bail;
use cargo_metadata::{DependencyKind, Package};

/// The packages, each behind all that it depends on.
pub(super) fn of(mut rest: Vec<Package>) -> anyhow::Result<Vec<Package>> {
    rest.sort_by(|one, other| one.name.cmp(&other.name));
    let mut ordered: Vec<Package> = Vec::new();
    while !rest.is_empty() {
        let waits = |it: &Package| needs(it).any(|need| rest.iter().any(|other| other.name.as_str() == need));
        let Some(next) = rest.iter().position(|it| !waits(it)) else {
            let names: Vec<&str> = rest.iter().map(|it| it.name.as_str()).collect();
            bail!(
                "these depend on each other, and none of them can be published first: {}",
                names.join(", ")
            );
        };
        ordered.push(rest.remove(next));
    }
    Ok(ordered)
}

/// What must be on crates.io when this one is published. Cargo leaves a dev-dependency by path alone out of what it publishes,
/// and looks for every other one.
fn needs(package: &Package) -> impl Iterator<Item = &str> {
    let stays =
        |kind: DependencyKind, by_path_alone: bool| kind != DependencyKind::Development || !by_path_alone;
    let dependencies = package.dependencies.iter();
    dependencies.filter(move |it| stays(it.kind, it.req.comparators.is_empty())).map(|it| it.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{is_published, packages};

    fn published() -> Vec<Package> {
        packages().unwrap().into_iter().filter(is_published).collect()
    }

    #[test]
    fn each_comes_behind_all_that_it_needs() {
        let ordered = of(published()).unwrap();
        assert_eq!(ordered.len(), published().len());
        for (index, package) in ordered.iter().enumerate() {
            for need in needs(package) {
                let stands = ordered.iter().position(|it| it.name.as_str() == need);
                assert!(stands.is_none_or(|it| it < index), "{} is before {need}", package.name);
            }
        }
    }

    #[test]
    fn a_circle_is_an_error_that_names_it() {
        let mut packages = published();
        let api = packages.iter().position(|it| *it.name == "eventstore-api").unwrap();
        let wal = packages.iter().find(|it| *it.name == "eventstore-wal").unwrap();
        let back = wal.dependencies.iter().find(|it| it.name == "eventstore-codec").unwrap().clone();
        packages[api].dependencies.push(back);
        let error = of(packages).unwrap_err().to_string();
        assert!(error.contains("eventstore-api") && error.contains("eventstore-codec"), "{error}");
    }
}
