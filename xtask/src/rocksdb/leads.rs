//! Which packages and features lead to RocksDB, as the manifests have it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Dependency, Package};

use super::PACKAGE;

/// Which of our packages and features bring RocksDB along.
pub(crate) struct Leads {
    packages: BTreeSet<String>,
    features: BTreeMap<String, BTreeSet<String>>,
}

impl Leads {
    pub(crate) fn of(packages: &[Package]) -> Self {
        let mut leads = Self { packages: BTreeSet::from([PACKAGE.to_owned()]), features: BTreeMap::new() };
        // What leads there may be led to itself, so until a round finds nothing more.
        while leads.grow(packages) {}
        leads
    }

    /// Whether a feature brings it.
    pub(crate) fn includes(&self, package: &str, feature: &str) -> bool {
        self.features.get(package).is_some_and(|it| it.contains(feature))
    }

    /// The features of a package that bring it.
    pub(crate) fn features_of(&self, package: &str) -> impl Iterator<Item = &str> {
        self.features.get(package).into_iter().flatten().map(String::as_str)
    }

    /// Those of them that do so by themselves, and not by another feature of the same package.
    pub(crate) fn own_features_of<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = &'a str> {
        let by_another = |feature: &str| {
            let on = package.features.get(feature);
            on.into_iter().flatten().any(|it| self.includes(&package.name, it))
        };
        self.features_of(&package.name).filter(move |it| !by_another(it))
    }

    /// The packages that have such features.
    pub(crate) fn users(&self) -> impl Iterator<Item = &str> {
        self.features.keys().map(String::as_str)
    }

    /// The packages that bring it whatever their features are.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(String::as_str)
    }

    fn grow(&mut self, packages: &[Package]) -> bool {
        let mut grew = false;
        for package in packages {
            if package.dependencies.iter().any(|it| !it.optional && self.is_brought_by(it)) {
                grew |= self.packages.insert(package.name.to_string());
            }
            for (feature, on) in &package.features {
                if on.iter().any(|it| self.is_turned_on_by(it, package)) {
                    let known = self.features.entry(package.name.to_string()).or_default();
                    grew |= known.insert(feature.clone());
                }
            }
        }
        grew
    }

    /// Whether what stands in a feature's list brings it: `feature`, `dep:name`, `name/feature` or `name?/feature`.
    fn is_turned_on_by(&self, entry: &str, package: &Package) -> bool {
        let brought = |name: &str| {
            let called = |it: &&Dependency| it.rename.as_deref().unwrap_or(&it.name) == name;
            package.dependencies.iter().filter(called).any(|it| self.is_brought_by(it))
        };
        let real_name = |name: &str| {
            let renamed = package.dependencies.iter().find(|it| it.rename.as_deref() == Some(name));
            renamed.map_or_else(|| name.to_owned(), |it| it.name.clone())
        };
        if let Some(name) = entry.strip_prefix("dep:") {
            return brought(name);
        }
        let Some((name, feature)) = entry.split_once('/') else { return self.includes(&package.name, entry) };
        match name.strip_suffix('?') {
            // Turns nothing on that is not there already.
            Some(name) => self.includes(&real_name(name), feature),
            None => brought(name) || self.includes(&real_name(name), feature),
        }
    }

    /// Whether a dependency, once it is there, brings it.
    fn is_brought_by(&self, dependency: &Dependency) -> bool {
        let name = dependency.name.as_str();
        self.packages.contains(name)
            || dependency.features.iter().any(|it| self.includes(name, it))
            || (dependency.uses_default_features && self.includes(name, "default"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{packages, workspace_to_be};
    use super::*;

    #[test]
    fn a_feature_leads_to_it_by_a_dependency_by_another_feature_and_by_that_of_another_package() {
        let packages = workspace_to_be();
        let leads = Leads::of(&packages);
        assert_eq!(
            leads.features_of("allframe-cqrs").collect::<Vec<_>>(),
            ["cqrs-rocksdb", "full", "rocksdb"]
        );
        assert_eq!(leads.features_of("a-tool").collect::<Vec<_>>(), ["durable"]);
        assert_eq!(leads.own_features_of(&packages[3]).collect::<Vec<_>>(), ["rocksdb"]);
        assert_eq!(leads.packages().collect::<Vec<_>>(), [PACKAGE]);
    }

    #[test]
    fn a_feature_of_what_may_be_absent_leads_nowhere() {
        assert!(!Leads::of(&workspace_to_be()).includes("allframe-cqrs", "parquet"));
    }

    #[test]
    fn a_weak_feature_of_another_package_counts_once_that_package_is_there() {
        let packages = packages(&[
            (PACKAGE, &[], &[]),
            ("store", &["eventstore-rocksdb?"], &[("rocksdb", &["dep:eventstore-rocksdb"])]),
            ("tool", &["store?"], &[("store", &["dep:store"]), ("durable", &["store?/rocksdb"])]),
        ]);
        let leads = Leads::of(&packages);
        assert_eq!(leads.features_of("tool").collect::<Vec<_>>(), ["durable"]);
    }
}
