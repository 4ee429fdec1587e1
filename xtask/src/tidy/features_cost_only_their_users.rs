//! What someone compiles who enables one feature alone.

use super::finding::Finding;
use super::repository::Repository;
use crate::process::Process;

pub(super) const REASON: &str = "a feature costs only those who enable it: whoever starts in memory waits for no C \
    compiler, no format and no client of another backend";

/// What a feature of `allframe-cqrs` must not bring when only it is on, unless it is among [`PURE_FEATURES`] with it.
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
    ("openssl", "is the TLS of a C library"),
    ("native-tls", "is the TLS of the system, and of a C library on most"),
    ("ring", "compiles C"),
    ("aws-lc-rs", "compiles C"),
];

/// The features that compile no C, each with what it needs of the list above.
const PURE_FEATURES: &[(&str, &[&str])] = &[
    ("memory", &[]),
    ("wal", &["bincode", "crc32fast"]),
    ("postgres", &["bincode", "tokio-postgres", "deadpool-postgres"]),
];

/// Named `-sys` for the interface that they declare; they compile nothing and link to the system.
const DECLARATIONS_ONLY: &[&str] = &["windows-sys", "linux-raw-sys", "js-sys", "web-sys"];

const UMBRELLA: &str = "crates/allframe-cqrs/Cargo.toml";

pub(super) fn check(_: &Repository) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (feature, needed) in PURE_FEATURES {
        let tree =
            Process::cargo(["tree", "-p", "allframe-cqrs", "--no-default-features", "--features", feature])
                .arguments(&["-e", "normal,build", "--prefix", "none", "--format", "{p}"]);
        findings.extend(unwanted(&tree.read()?, feature, needed));
    }
    Ok(findings)
}

fn unwanted(tree: &str, feature: &str, needed: &[&str]) -> Vec<Finding> {
    let mut names: Vec<&str> = tree.lines().filter_map(|it| it.split_whitespace().next()).collect();
    names.sort_unstable();
    names.dedup();
    let reason = |name: &str| match UNWANTED.iter().find(|(unwanted, _)| *unwanted == name) {
        Some(_) if needed.contains(&name) => None,
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
                format!("cargo tree -p allframe-cqrs --no-default-features --features {feature} -i {name}");
            Finding::of(
                UMBRELLA,
                format!("`{feature}` alone brings `{name}`, which {reason}; see who needs it: {ask}"),
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
        assert!(unwanted(tree, "memory", &[]).is_empty());
    }

    #[test]
    fn c_and_the_crates_of_other_features_are_found_once_each() {
        let tree = "bytes v1.12.2\nzstd-sys v2.0.0\ncc v1.2.0\ncc v1.2.0 (*)\nbincode v2.0.1\n";
        let findings: Vec<String> = unwanted(tree, "memory", &[]).iter().map(ToString::to_string).collect();
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(findings.iter().any(|it| it.contains("zstd-sys") && it.contains("C library")));
    }

    #[test]
    fn what_a_feature_needs_is_its_own_and_no_other_feature_s() {
        let tree = "bincode v2.0.1\ncrc32fast v1.5.0\n";
        assert!(unwanted(tree, "wal", &["bincode", "crc32fast"]).is_empty());
        assert_eq!(unwanted(tree, "memory", &[]).len(), 2);
    }

    #[test]
    fn rocksdb_is_of_no_other_feature() {
        for (feature, needed) in PURE_FEATURES {
            let found = unwanted(
                "rust-rocksdb v0.54.0\nrust-librocksdb-sys v0.49.0\nbindgen v0.73.0\n",
                feature,
                needed,
            );
            assert_eq!(found.len(), 3, "{feature}");
        }
    }

    #[test]
    fn postgresql_brings_its_client_and_neither_parquet_nor_a_tls_in_c() {
        let needed = PURE_FEATURES.iter().find(|(feature, _)| *feature == "postgres").unwrap().1;
        assert!(unwanted("bincode v2.0.1\ntokio-postgres v0.7.18\n", "postgres", needed).is_empty());
        for unwelcome in
            ["arrow2 v0.18.0", "openssl-sys v0.9.0", "native-tls v0.2.0", "ring v0.17.0", "aws-lc-rs v1.0.0"]
        {
            assert_eq!(unwanted(unwelcome, "postgres", needed).len(), 1, "{unwelcome}");
        }
    }
}
