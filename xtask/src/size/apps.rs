//! The programs that are weighed.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::workspace;

/// Where they are made, from the root of the repository.
pub(super) const FOLDER: &str = "target/size";
/// Where they are built, in it.
pub(super) const BUILD: &str = "build";
pub(super) const MANIFEST: &str = "Cargo.toml";

pub(super) struct App {
    pub(super) name: &'static str,
    /// What it asks of allframe-cqrs beside the default; `None` is a program without.
    features: Option<&'static [&'static str]>,
    /// What else it depends on, as its manifest says it.
    libraries: &'static [&'static str],
    /// The parts of its source, one behind the other.
    source: &'static [&'static str],
    /// What it may have more than the baseline, in bytes.
    pub(super) limit: Option<u64>,
    pub(super) when: When,
}

/// When a program is built and weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// It has nothing of the toolkit: what libraries weigh where they are used as they are.
    WithLibraries,
    WithRocksDb,
}

/// What the others do, with tokio alone.
pub(super) const BASELINE: App = App {
    name: "baseline",
    features: None,
    libraries: &[],
    source: &[PLAIN, EVENTS, ACCOUNT, include_str!("../../size/baseline.rs")],
    limit: None,
    when: When::Always,
};

/// What events are kept as: as they are, as JSON, as those of the toolkit.
const PLAIN: &str = "#[derive(Clone, Debug)]";
const AS_JSON: &str = "#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]";
const TYPED: &str = "#[allframe_cqrs::event]\n#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]";
const EVENTS: &str = include_str!("../../size/events.rs");
/// What they add up to, where there is no toolkit.
const ACCOUNT: &str = include_str!("../../size/account.rs");
const BANK: &str = include_str!("../../size/bank.rs");
const KB: u64 = 1000;

const SERDE: &str = "serde = { version = \"1\", features = [\"derive\"] }";
const SERDE_JSON: &str = "serde_json = \"1\"";
const DEADPOOL: &str =
    "deadpool-postgres = { version = \"0.14\", default-features = false, features = [\"rt_tokio_1\"] }";
const TOKIO_POSTGRES: &str =
    "tokio-postgres = { version = \"0.7\", default-features = false, features = [\"runtime\"] }";
const ARROW2: &str = "arrow2 = { version = \"0.18\", default-features = false, features = [\"io_parquet\", \"io_parquet_zstd\"] }";

pub(super) const APPS: &[App] = &[
    // Without a bus: what an event store alone weighs. It has no limit of its own.
    App {
        name: "store",
        features: Some(&[]),
        libraries: &[SERDE],
        source: &[TYPED, EVENTS, include_str!("../../size/store.rs")],
        limit: None,
        when: When::Always,
    },
    App {
        name: "base",
        features: Some(&[]),
        libraries: &[SERDE],
        source: &[TYPED, EVENTS, BANK, include_str!("../../size/base.rs")],
        limit: Some(150 * KB),
        when: When::Always,
    },
    // The same with a second type of events, its aggregate and its command: what each further one adds.
    App {
        name: "two",
        features: Some(&[]),
        libraries: &[SERDE],
        source: &[
            "mod one {",
            TYPED,
            EVENTS,
            BANK,
            "}\nmod another {",
            TYPED,
            EVENTS,
            BANK,
            "}",
            include_str!("../../size/two.rs"),
        ],
        limit: None,
        when: When::Always,
    },
    App {
        name: "wal-parquet",
        features: Some(&["wal", "parquet"]),
        libraries: &[SERDE],
        source: &[TYPED, EVENTS, BANK, include_str!("../../size/wal.rs")],
        limit: Some(1500 * KB),
        when: When::Always,
    },
    App {
        name: "postgres",
        features: Some(&["postgres"]),
        libraries: &[SERDE],
        source: &[TYPED, EVENTS, BANK, include_str!("../../size/postgres.rs")],
        limit: Some(2000 * KB),
        when: When::Always,
    },
    App {
        name: "rocksdb",
        features: Some(&["rocksdb"]),
        libraries: &[SERDE],
        source: &[TYPED, EVENTS, BANK, include_str!("../../size/rocksdb.rs")],
        limit: None,
        when: When::WithRocksDb,
    },
    App {
        name: "json-alone",
        features: None,
        libraries: &[SERDE, SERDE_JSON],
        source: &[AS_JSON, EVENTS, ACCOUNT, include_str!("../../size/json_alone.rs")],
        limit: None,
        when: When::WithLibraries,
    },
    App {
        name: "parquet-alone",
        features: None,
        libraries: &[ARROW2],
        source: &[include_str!("../../size/parquet_alone.rs")],
        limit: None,
        when: When::WithLibraries,
    },
    App {
        name: "postgres-alone",
        features: None,
        libraries: &[SERDE, SERDE_JSON, DEADPOOL, TOKIO_POSTGRES],
        source: &[AS_JSON, EVENTS, include_str!("../../size/postgres_alone.rs")],
        limit: None,
        when: When::WithLibraries,
    },
];

/// Writes a workspace of all of them, with the versions of dependencies that this repository is tested with.
pub(super) fn generate(folder: &Path, apps: &[&App]) -> anyhow::Result<()> {
    let root = workspace::root();
    let apps: Vec<&App> = std::iter::once(&BASELINE).chain(apps.iter().copied()).collect();
    write(&folder.join(MANIFEST), &workspace_manifest(&apps))?;
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("reading Cargo.lock")?;
    write(&folder.join("Cargo.lock"), &lock)?;
    for app in apps {
        let package = folder.join(app.name);
        write(&package.join(MANIFEST), &manifest(app, &root))?;
        write(&package.join("src/main.rs"), &app.source.join("\n"))?;
    }
    Ok(())
}

/// Leaves a file alone that is what it should be, so that nothing is built again for it.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if fs::read_to_string(path).is_ok_and(|it| it == text) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

fn workspace_manifest(apps: &[&App]) -> String {
    let members: Vec<String> = apps.iter().map(|it| format!("{:?}", it.name)).collect();
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[profile.release]\nstrip = true\n",
        members.join(", ")
    )
}

fn manifest(app: &App, root: &Path) -> String {
    let mut text = format!(
        "[package]\nname = {:?}\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n\
        tokio = {{ version = \"1\", default-features = false, features = [\"macros\", \"rt\", \"sync\"] }}\n",
        app.name
    );
    for library in app.libraries {
        text.push_str(library);
        text.push('\n');
    }
    if let Some(features) = app.features {
        let toolkit = root.join("crates/allframe-cqrs");
        text.push_str(&format!("allframe-cqrs = {{ path = {toolkit:?}, features = {features:?} }}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_has_nothing_of_the_toolkit() {
        let text = manifest(&BASELINE, Path::new("there"));
        assert!(!text.contains("allframe") && !text.contains("serde"), "{text}");
    }

    #[test]
    fn neither_have_the_programs_of_libraries() {
        for app in APPS.iter().filter(|it| it.when == When::WithLibraries) {
            let text = manifest(app, Path::new("there"));
            assert!(text.parse::<toml::Table>().is_ok(), "{text}");
            assert!(!text.contains("allframe") && !app.source.concat().contains("allframe"), "{text}");
        }
    }

    #[test]
    fn the_others_depend_on_it_as_anyone_would() {
        let wal = APPS.iter().find(|it| it.name == "wal-parquet").unwrap();
        let manifest: toml::Table = manifest(wal, Path::new("there")).parse().unwrap();
        let toolkit = &manifest["dependencies"]["allframe-cqrs"];
        assert_eq!(toolkit["path"].as_str(), Some("there/crates/allframe-cqrs"));
        assert_eq!(toolkit["features"].as_array().unwrap().len(), 2);
        assert!(toolkit.get("default-features").is_none());
    }

    #[test]
    fn every_program_is_a_member_and_the_profile_is_cargos_own() {
        let apps: Vec<&App> = APPS.iter().collect();
        let manifest: toml::Table = workspace_manifest(&apps).parse().unwrap();
        assert_eq!(manifest["workspace"]["members"].as_array().unwrap().len(), APPS.len());
        let release = manifest["profile"]["release"].as_table().unwrap();
        assert_eq!(release.keys().collect::<Vec<_>>(), ["strip"]);
    }

    #[test]
    fn what_has_not_changed_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        write(&path, "text").unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        write(&path, "text").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    }
}
