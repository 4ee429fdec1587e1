//! Compiles what was packed, not what lies here.

use std::fs;
use std::path::Path;

use anyhow::Context;
use cargo_metadata::Package;

use crate::process::Process;
use crate::rocksdb::tools::Tools;
use crate::rocksdb::{everything_else, unlinked};
use crate::workspace;

/// Where the packages are unpacked, below the target directory.
const FOLDER: &str = "packed";

/// Packs all, unpacks them side by side, and checks that they compile with every feature. Nothing of it is linked, so that RocksDB is
/// among it without its C++, where libclang makes its bindings; elsewhere the answer is why it was left out. Cargo itself, when it packs,
/// would build each with its default features, RocksDB among them, and another time when it is published.
pub(super) fn from_what_is_packed(packages: &[Package]) -> anyhow::Result<Option<String>> {
    packing(packages).run()?;
    let target = workspace::target_directory()?;
    let folder = target.join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for package in packages {
        unpack(&target, package, &folder)?;
    }
    let root = fs::read_to_string(workspace::root().join("Cargo.toml")).context("reading Cargo.toml")?;
    fs::write(folder.join("Cargo.toml"), manifest(packages, &root)).context("writing the manifest of all")?;
    fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("copying Cargo.lock")?;
    let (check, left_out) = check(&folder, &target, packages, Tools::prepare_bindings());
    check.run()?;
    Ok(left_out)
}

/// One command for all, so that cargo finds in each what it depends on in the others.
fn packing(packages: &[Package]) -> Process {
    let mut packing = Process::cargo(["package", "--quiet", "--allow-dirty", "--no-verify"]);
    for package in packages {
        packing = packing.arguments(&["-p", package.name.as_str()]);
    }
    packing
}

fn unpack(target: &Path, package: &Package, folder: &Path) -> anyhow::Result<()> {
    unpack_archive(&target.join("package").join(format!("{}.crate", folder_of(package))), folder)
}

/// As if the files were of now (`m`): cargo gives all of them the same day of 2006, and would take what it checked here before for this.
fn unpack_archive(packed: &Path, folder: &Path) -> anyhow::Result<()> {
    let (packed, folder) = (packed.display().to_string(), folder.display().to_string());
    Process::new("tar", ["-xmzf", &packed, "-C", &folder]).read().map(|_| ())
}

fn folder_of(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

/// A workspace of what was unpacked, in which each is what the others get from crates.io. Its profiles are ours, so that what
/// others depend on is not compiled again.
fn manifest(packages: &[Package], root: &str) -> String {
    let members: Vec<String> = packages.iter().map(|it| format!("{:?}", folder_of(it))).collect();
    let mut text =
        format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[patch.crates-io]\n", members.join(", "));
    for package in packages {
        text.push_str(&format!("{} = {{ path = {:?} }}\n", package.name, folder_of(package)));
    }
    text.push('\n');
    text.push_str(&profiles(root));
    text
}

/// The sections of a manifest that begin so.
fn profiles(manifest: &str) -> String {
    let mut is_inside = false;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_inside = line.starts_with("[profile.");
        }
        if is_inside {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The command, and why RocksDB is not in it.
fn check(folder: &Path, target: &Path, packages: &[Package], bindings: Tools) -> (Process, Option<String>) {
    let manifest = folder.join("Cargo.toml").display().to_string();
    let target = target.display().to_string();
    let check = Process::cargo(["check", "--manifest-path", &manifest, "--target-dir", &target]);
    match bindings {
        Tools::Ready => (unlinked(check.arguments(&["--workspace", "--all-features"])), None),
        Tools::Missing(what) => {
            (check.arguments(&everything_else(packages)), Some(format!("RocksDB was not compiled: {what}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{is_published, packages};

    fn published() -> Vec<Package> {
        packages().unwrap().into_iter().filter(is_published).collect()
    }

    fn checked(bindings: Tools) -> (String, Option<String>) {
        let (check, left_out) = check(Path::new("there"), Path::new("target"), &published(), bindings);
        (check.to_string(), left_out)
    }

    #[test]
    fn what_is_unpacked_is_newer_than_what_was_checked_before() {
        let folder = tempfile::tempdir().unwrap();
        let (packed, unpacked) = (folder.path().join("it.crate"), folder.path().join("unpacked"));
        fs::write(folder.path().join("lib.rs"), "").unwrap();
        fs::create_dir(&unpacked).unwrap();
        let (archive, from) = (packed.display().to_string(), folder.path().display().to_string());
        let old = "--mtime=2006-07-24";
        Process::new("tar", [old, "-czf", &archive, "-C", &from, "lib.rs"]).read().unwrap();
        let before = fs::metadata(&packed).unwrap().modified().unwrap();
        unpack_archive(&packed, &unpacked).unwrap();
        // A file system may count whole seconds.
        let modified = fs::metadata(unpacked.join("lib.rs")).unwrap().modified().unwrap();
        assert!(modified + std::time::Duration::from_secs(2) > before, "{modified:?} and {before:?}");
    }

    #[test]
    fn what_is_compiled_is_all_that_was_unpacked_and_no_cpp_for_it() {
        assert_eq!(
            checked(Tools::Ready),
            (
                "DOCS_RS=1 cargo check --manifest-path there/Cargo.toml --target-dir target --workspace --all-features"
                    .to_owned(),
                None
            )
        );
    }

    #[test]
    fn without_the_bindings_of_rocksdb_all_else_is_compiled_and_that_is_told() {
        let (line, left_out) = checked(Tools::Missing("libclang is missing: install it".to_owned()));
        assert!(
            line.starts_with("cargo check --manifest-path there/Cargo.toml --target-dir target "),
            "{line}"
        );
        assert!(
            line.contains("--exclude eventstore-rocksdb") && line.contains("eventstore-wal/parquet"),
            "{line}"
        );
        assert!(!line.contains("xtask") && !line.contains("eventstore-torture"), "{line}");
        assert_eq!(left_out.as_deref(), Some("RocksDB was not compiled: libclang is missing: install it"));
    }

    #[test]
    fn each_gets_the_others_as_they_were_packed() {
        let text = manifest(&published(), "[lints]\nx = 1\n[profile.release]\nlto = \"thin\"\n[other]\n");
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(
            table["patch"]["crates-io"]["eventstore-api"]["path"].as_str(),
            Some("eventstore-api-0.1.0")
        );
        assert_eq!(table["workspace"]["members"].as_array().unwrap().len(), published().len());
        assert_eq!(table["profile"]["release"]["lto"].as_str(), Some("thin"));
        assert!(table.get("other").is_none() && table.get("lints").is_none(), "{text}");
    }
}
