//! Versions live in the root manifest and nowhere else.

use anyhow::Context;
use toml::{Table, Value};

use super::finding::Finding;
use super::repository::Repository;

pub(super) const REASON: &str = "one version of a dependency, chosen in one place, with one reason";

const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in &repository.members {
        let manifest =
            repository.file(&member.manifest).with_context(|| format!("{} is gone", member.manifest))?;
        let table: Table = manifest.text.parse().with_context(|| format!("reading {}", member.manifest))?;
        for name in own_declarations(&table) {
            let message = format!(
                "`{name}` is declared here: move it to [workspace.dependencies], write `{name}.workspace = true`"
            );
            findings.push(Finding::at(&manifest.path, manifest.line_of(&name), message));
        }
    }
    Ok(findings)
}

/// The dependencies that a manifest does not take from the workspace.
fn own_declarations(manifest: &Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(|it| it.values()).filter_map(Value::as_table);
    let tables = std::iter::once(manifest).chain(targets);
    let mut own = Vec::new();
    for table in tables {
        for section in SECTIONS {
            let dependencies = table.get(*section).and_then(Value::as_table);
            for (name, declaration) in dependencies.into_iter().flatten() {
                let is_for_tests = *section == "dev-dependencies" && is_bare_path(declaration);
                if !(is_inherited(declaration) || is_for_tests) {
                    own.push(name.clone());
                }
            }
        }
    }
    own
}

fn is_inherited(declaration: &Value) -> bool {
    declaration.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// Cargo leaves a dev-dependency without a version out of what it publishes. So a crate may test itself with one that
/// depends on it.
fn is_bare_path(declaration: &Value) -> bool {
    declaration.get("path").is_some()
        && declaration.get("version").is_none()
        && declaration.get("git").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(manifest: &str) -> Vec<String> {
        own_declarations(&manifest.parse().unwrap())
    }

    #[test]
    fn what_comes_from_the_workspace_is_well() {
        let manifest = "[dependencies]\na.workspace = true\nb = { workspace = true, optional = true }\n";
        assert!(own(manifest).is_empty());
    }

    #[test]
    fn an_own_version_is_found_in_every_section() {
        assert_eq!(own("[dependencies]\na = \"1\""), ["a"]);
        assert_eq!(own("[dev-dependencies]\na = { version = \"1\" }"), ["a"]);
        assert_eq!(own("[build-dependencies]\na = { git = \"https://example.com/a\" }"), ["a"]);
        assert_eq!(own("[target.'cfg(unix)'.dependencies]\na = \"1\""), ["a"]);
    }

    #[test]
    fn a_path_alone_is_for_tests() {
        assert!(own("[dev-dependencies]\na = { path = \"../a\" }").is_empty());
        assert_eq!(own("[dev-dependencies]\na = { path = \"../a\", version = \"1\" }"), ["a"]);
        assert_eq!(own("[dependencies]\na = { path = \"../a\" }"), ["a"]);
    }
}
