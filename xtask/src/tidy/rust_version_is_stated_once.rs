//! Which Rust this takes: one number, and all that name one name it.

use anyhow::Context;
use toml::{Table, Value};

use super::finding::Finding;
use super::repository::Repository;

pub(super) const REASON: &str =
    "what we say is needed is what is tested: the one toolchain that builds, lints and tests";

const ROOT: &str = "Cargo.toml";
const TOOLCHAIN: &str = "rust-toolchain.toml";

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let Some(root) = repository.file(ROOT) else { return Ok(Vec::new()) };
    let stated = string_at(&root.text, &["workspace", "package", "rust-version"])?;
    let Some(stated) = stated else {
        return Ok(vec![Finding::of(ROOT, "no `rust-version` in [workspace.package]")]);
    };
    let mut findings = Vec::new();
    let toolchain = repository.file(TOOLCHAIN).context("rust-toolchain.toml is gone")?;
    let channel = string_at(&toolchain.text, &["toolchain", "channel"])?.unwrap_or_default();
    // Clippy, too, takes what it may advise from the manifest.
    if !is_within(&channel, &stated) {
        let message = format!("everything is tested with {channel}, and the manifest says {stated}");
        findings.push(Finding::at(TOOLCHAIN, toolchain.line_of("channel"), message));
    }
    if let Some(clippy) = repository.file("clippy.toml").filter(|it| it.text.contains("\nmsrv")) {
        findings.push(Finding::at(
            &clippy.path,
            clippy.line_of("msrv"),
            "clippy knows it from the manifest: remove `msrv`",
        ));
    }
    for member in &repository.members {
        let manifest =
            repository.file(&member.manifest).with_context(|| format!("{} is gone", member.manifest))?;
        let table: Table = manifest.text.parse().with_context(|| format!("reading {}", member.manifest))?;
        let declared = table.get("package").and_then(|it| it.get("rust-version"));
        if declared.and_then(|it| it.get("workspace")).and_then(Value::as_bool) != Some(true) {
            let message = "write `rust-version.workspace = true`";
            findings.push(Finding::at(&manifest.path, manifest.line_of("rust-version"), message));
        }
    }
    findings.extend(pages(repository, &stated));
    Ok(findings)
}

/// A page that names another version is wrong; that the first page names none is worth a look.
fn pages(repository: &Repository, stated: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_told = false;
    for page in repository.files.iter().filter(|it| it.path.ends_with("README.md")) {
        for (number, line) in page.lines() {
            for version in line.split("Rust 1.").skip(1) {
                let minor: String = version.chars().take_while(char::is_ascii_digit).collect();
                let named = format!("1.{minor}");
                if is_within(&named, stated) {
                    is_told |= page.path == "README.md";
                } else {
                    findings.push(Finding::at(
                        &page.path,
                        number,
                        format!("it takes Rust {stated}, and not {named}"),
                    ));
                }
            }
        }
    }
    if !is_told && repository.file("README.md").is_some() {
        findings.push(Finding::of("README.md", format!("does not say that it takes Rust {stated}")).hint());
    }
    findings
}

fn is_within(version: &str, stated: &str) -> bool {
    version == stated || version.strip_prefix(stated).is_some_and(|it| it.starts_with('.'))
}

fn string_at(text: &str, path: &[&str]) -> anyhow::Result<Option<String>> {
    let table: Table = text.parse()?;
    let mut value = &Value::Table(table);
    for key in path {
        match value.get(key) {
            Some(inner) => value = inner,
            None => return Ok(None),
        }
    }
    Ok(value.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: (&str, &str) = (ROOT, "[workspace.package]\nrust-version = \"1.95\"\n");

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let findings = check(&Repository::of_files(files)).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_number_everywhere_is_well() {
        let readme = ("README.md", "It takes Rust 1.95.\n");
        assert!(found(&[MANIFEST, (TOOLCHAIN, "[toolchain]\nchannel = \"1.95.0\"\n"), readme]).is_empty());
    }

    #[test]
    fn another_toolchain_and_another_page_are_found_with_their_line() {
        let toolchain = (TOOLCHAIN, "[toolchain]\nchannel = \"1.96.0\"\n");
        let readme = ("README.md", "# A\nTakes Rust 1.9 or later.\n");
        let found = found(&[MANIFEST, toolchain, readme]);
        assert_eq!(
            found[0],
            "rust-toolchain.toml:2: everything is tested with 1.96.0, and the manifest says 1.95"
        );
        assert_eq!(found[1], "README.md:2: it takes Rust 1.95, and not 1.9");
    }

    #[test]
    fn a_first_page_that_says_nothing_is_a_hint() {
        let toolchain = (TOOLCHAIN, "[toolchain]\nchannel = \"1.95.0\"\n");
        let findings = check(&Repository::of_files(&[MANIFEST, toolchain, ("README.md", "# A\n")])).unwrap();
        assert!(findings.len() == 1 && findings[0].is_hint());
    }
}
