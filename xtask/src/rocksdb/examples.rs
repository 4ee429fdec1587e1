//! Packages as `cargo metadata` shows them, for tests.

use cargo_metadata::Package;

use super::PACKAGE;

/// Name, dependencies, features. A dependency is optional where it ends in `?`.
type Example<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a [&'a str])]);

pub(crate) fn packages(examples: &[Example<'_>]) -> Vec<Package> {
    examples.iter().map(|it| package(*it)).collect()
}

fn package((name, dependencies, features): Example<'_>) -> Package {
    let quoted = |it: &str| format!("{it:?}");
    let features: Vec<String> = features
        .iter()
        .map(|(name, on)| {
            format!("{name:?}:[{}]", on.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(","))
        })
        .collect();
    let dependencies: Vec<String> = dependencies
        .iter()
        .map(|it| {
            format!(
                r#"{{"name":{:?},"req":"*","kind":null,"optional":{},"uses_default_features":true,"features":[],"target":null,"rename":null,"source":null}}"#,
                it.trim_end_matches('?'),
                it.ends_with('?')
            )
        })
        .collect();
    let json = format!(
        r#"{{"name":{name:?},"version":"0.1.0","id":{name:?},"targets":[],"manifest_path":"/{name}/Cargo.toml",
            "dependencies":[{}],"features":{{{}}}}}"#,
        dependencies.join(","),
        features.join(",")
    );
    parsed(&json)
}

/// By way of a whole answer of cargo: nothing else is read without `serde_json`.
fn parsed(package: &str) -> Package {
    let answer = format!(
        r#"{{"packages":[{package}],"workspace_members":[],"resolve":null,"workspace_root":"/","target_directory":"/target","version":1}}"#
    );
    cargo_metadata::MetadataCommand::parse(answer).unwrap().packages.remove(0)
}

/// What the manifests are meant to become.
pub(crate) fn workspace_to_be() -> Vec<Package> {
    packages(&[
        ("eventstore-api", &[], &[]),
        (PACKAGE, &["eventstore-api"], &[("parquet", &[])]),
        ("eventstore-wal", &["eventstore-api"], &[("parquet", &[]), ("torture", &[])]),
        (
            "allframe-cqrs",
            &["eventstore-wal?", "eventstore-rocksdb?"],
            &[
                ("default", &["memory"]),
                ("memory", &[]),
                ("wal", &["dep:eventstore-wal"]),
                ("parquet", &["eventstore-wal?/parquet", "eventstore-rocksdb?/parquet"]),
                ("rocksdb", &["dep:eventstore-rocksdb"]),
                ("cqrs-rocksdb", &["memory", "rocksdb"]),
                ("full", &["memory", "wal", "parquet", "rocksdb"]),
            ],
        ),
        ("a-tool", &["allframe-cqrs"], &[("durable", &["allframe-cqrs/rocksdb"]), ("quick", &[])]),
    ])
}
