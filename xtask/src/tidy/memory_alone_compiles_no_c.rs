//! What someone compiles who enables `memory` alone.

use super::finding::Finding;
use super::repository::Repository;
use crate::process::Process;

pub(super) const REASON: &str = "a feature costs only those who enable it: whoever starts in memory waits for no C \
    compiler, no format and no client of another backend";

/// What `allframe-cqrs` must not bring when only `memory` is on.
const UNWANTED: &[(&str, &str)] = &[
    ("cc", "compiles C"),
    ("cmake", "compiles C"),
    ("bindgen", "needs libclang"),
    ("pkg-config", "looks for a C library"),
    ("vcpkg", "looks for a C library"),
    ("bincode", "belongs to the compact codec"),
    ("arrow2", "belongs to the parquet feature"),
    ("tokio-postgres", "belongs to the postgres feature"),
    ("deadpool-postgres", "belongs to the postgres feature"),
    ("rust-rocksdb", "belongs to the rocksdb feature"),
    ("crc32fast", "belongs to the wal feature"),
];

/// Named `-sys` for the interface that they declare; they compile nothing and link to the system.
const DECLARATIONS_ONLY: &[&str] = &["windows-sys", "linux-raw-sys", "js-sys", "web-sys"];

const UMBRELLA: &str = "crates/allframe-cqrs/Cargo.toml";

pub(super) fn check(_: &Repository) -> anyhow::Result<Vec<Finding>> {
    let tree =
        Process::cargo(["tree", "-p", "allframe-cqrs", "--no-default-features", "--features", "memory"])
            .arguments(&["-e", "normal,build", "--prefix", "none", "--format", "{p}"]);
    Ok(unwanted(&tree.read()?))
}

fn unwanted(tree: &str) -> Vec<Finding> {
    let mut names: Vec<&str> = tree.lines().filter_map(|it| it.split_whitespace().next()).collect();
    names.sort_unstable();
    names.dedup();
    let reason = |name: &str| match UNWANTED.iter().find(|(unwanted, _)| *unwanted == name) {
        Some((_, reason)) => Some(*reason),
        None => {
            (name.ends_with("-sys") && !DECLARATIONS_ONLY.contains(&name)).then_some("links to a C library")
        }
    };
    names
        .into_iter()
        .filter_map(|name| Some((name, reason(name)?)))
        .map(|(name, reason)| {
            let ask =
                format!("cargo tree -p allframe-cqrs --no-default-features --features memory -i {name}");
            Finding::of(
                UMBRELLA,
                format!("`memory` alone brings `{name}`, which {reason}; see who needs it: {ask}"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_rust_alone_is_well() {
        let tree =
            "allframe-cqrs v0.1.0 (/somewhere)\nbytes v1.12.2\nwindows-sys v0.61.0\nbytes v1.12.2 (*)\n";
        assert!(unwanted(tree).is_empty());
    }

    #[test]
    fn c_and_the_crates_of_other_features_are_found_once_each() {
        let tree = "bytes v1.12.2\nzstd-sys v2.0.0\ncc v1.2.0\ncc v1.2.0 (*)\nbincode v2.0.1\n";
        let findings: Vec<String> = unwanted(tree).iter().map(ToString::to_string).collect();
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(findings.iter().any(|it| it.contains("zstd-sys") && it.contains("C library")));
    }
}
