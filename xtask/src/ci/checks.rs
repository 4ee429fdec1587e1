//! What is checked and not run: clippy and rustdoc.
//!
//! Nothing of it is linked, so that RocksDB is checked without its C++, next to all else, where libclang makes its bindings.

use cargo_metadata::{Package, TargetKind};

use super::features;
use super::step::Work;
use crate::process::Process;
use crate::rocksdb::tools::Tools;
use crate::rocksdb::{Leads, everything_else, unlinked};
use crate::workspace::is_published;

/// The packages of the workspace, and how much of them is checked.
pub(super) struct Checks<'a> {
    packages: &'a [Package],
    leads: Leads,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everything,
    WithoutRocksdb,
}

impl<'a> Checks<'a> {
    pub(super) fn of(packages: &'a [Package]) -> Self {
        Self { packages, leads: Leads::of(packages) }
    }

    /// Benches are among the targets. No step compiles them in release, which takes minutes of optimising: what there is to find, the
    /// compiler has found here.
    pub(super) fn clippy(&self) -> Work {
        Self::work(|scope| {
            let clippy = Process::cargo(["clippy", "--all-targets"]).arguments(&self.workspace(scope));
            vec![clippy.arguments(&["--", "-D", "warnings"])]
        })
    }

    /// Each library alone.
    pub(super) fn libraries(&self) -> Work {
        let alone = |it: &Package| check(&it.name, "--lib", &[]);
        Self::work(|scope| self.published(scope).filter(|it| has_library(it)).map(alone).collect())
    }

    /// Combinations of the features of each library.
    pub(super) fn features(&self) -> Work {
        Self::work(|scope| {
            let libraries = self.published(scope).filter(|it| has_library(it));
            let mut commands: Vec<Process> = libraries.flat_map(|it| self.combinations(it)).collect();
            if scope == Scope::Everything {
                commands.extend(self.published(scope).flat_map(|it| self.leading_features(it)));
            }
            commands
        })
    }

    pub(super) fn docs(&self) -> Work {
        Self::work(|scope| {
            let docs = Process::cargo(["doc", "--no-deps"]).arguments(&self.workspace(scope));
            vec![docs.env("RUSTDOCFLAGS", "-D warnings")]
        })
    }

    fn work(commands: impl Fn(Scope) -> Vec<Process>) -> Work {
        Work::Checks {
            bindings: Tools::prepare_bindings,
            of_everything: commands(Scope::Everything).into_iter().map(unlinked).collect(),
            without_rocksdb: commands(Scope::WithoutRocksdb),
        }
    }

    /// All of it, with every feature.
    fn workspace(&self, scope: Scope) -> Vec<String> {
        match scope {
            Scope::Everything => vec!["--workspace".to_owned(), "--all-features".to_owned()],
            Scope::WithoutRocksdb => everything_else(self.packages),
        }
    }

    fn published(&self, scope: Scope) -> impl Iterator<Item = &'a Package> {
        let is_left_out = move |it: &Package| {
            scope == Scope::WithoutRocksdb && self.leads.packages().any(|led| led == it.name.as_str())
        };
        self.packages.iter().filter(move |it| is_published(it) && !is_left_out(it))
    }

    /// But of those that bring RocksDB, which double what there is to combine, and which [`leading_features`](Self::leading_features) has.
    fn combinations(&self, package: &Package) -> Vec<Process> {
        if package.features.is_empty() {
            return Vec::new();
        }
        let mut features = package.features.clone();
        features.retain(|feature, _| !self.leads.includes(&package.name, feature));
        let sets = features::combinations(&features);
        sets.iter()
            .map(|set| check(&package.name, "--lib", &["--no-default-features", "--features", set]))
            .collect()
    }

    /// Each feature that brings RocksDB alone, of programs too.
    fn leading_features(&self, package: &Package) -> Vec<Process> {
        let target = if has_library(package) { "--lib" } else { "--bins" };
        let alone = |it: &str| check(&package.name, target, &["--no-default-features", "--features", it]);
        self.leads.features_of(&package.name).map(alone).collect()
    }
}

/// Clippy does all that `cargo check` does. `--lib` and `--bins` keep the features of dev-dependencies out.
fn check(package: &str, target: &str, options: &[&str]) -> Process {
    Process::cargo(["clippy", "-p", package, target]).arguments(options).arguments(&["--", "-D", "warnings"])
}

pub(crate) fn has_library(package: &Package) -> bool {
    let library = [TargetKind::Lib, TargetKind::ProcMacro];
    package.targets.iter().any(|target| target.kind.iter().any(|kind| library.contains(kind)))
}
