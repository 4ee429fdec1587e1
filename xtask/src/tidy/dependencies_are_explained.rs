//! `[workspace.dependencies]` and `docs/dependencies.md` name the same crates, and something uses each.

use std::collections::BTreeMap;

use anyhow::Context;
use toml::{Table, Value};

use super::finding::Finding;
use super::repository::{File, Repository};

pub(super) const REASON: &str = "each dependency is there for a reason that someone can read, together with the way \
    to leave it";

const MANIFEST: &str = "Cargo.toml";
const PAGE: &str = "docs/dependencies.md";

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let manifest = repository.file(MANIFEST).with_context(|| format!("{MANIFEST} is gone"))?;
    let page = repository.file(PAGE).with_context(|| format!("{PAGE} is gone"))?;
    let declared = declared(&manifest.text)?;
    let explained = explained(page);

    let mut findings = Vec::new();
    for name in &declared {
        let line = manifest.line_of(&format!("{name} ="));
        if !explained.contains_key(name) {
            let message = format!("`{name}` is not explained: add a row to {PAGE}");
            findings.push(Finding::at(MANIFEST, line, message));
        }
        let used = repository.members.iter().flat_map(|it| &it.dependencies).any(|it| it.name == *name);
        if !used {
            findings.push(Finding::at(MANIFEST, line, format!("no package uses `{name}`: remove it")));
        }
    }
    for (name, line) in explained {
        if !declared.contains(&name) {
            let message = format!("`{name}` is not in [workspace.dependencies]: remove the row");
            findings.push(Finding::at(PAGE, line, message));
        }
    }
    Ok(findings)
}

/// What the root manifest declares, without our own packages.
fn declared(manifest: &str) -> anyhow::Result<Vec<String>> {
    let table: Table = manifest.parse().with_context(|| format!("reading {MANIFEST}"))?;
    let dependencies = table.get("workspace").and_then(|it| it.get("dependencies")).and_then(Value::as_table);
    let dependencies = dependencies.with_context(|| format!("{MANIFEST} has no [workspace.dependencies]"))?;
    Ok(dependencies.iter().filter(|(_, it)| it.get("path").is_none()).map(|(name, _)| name.clone()).collect())
}

/// The crates of the page's tables, each with its line. A row explains one or several: "| `a`, `b` | ...".
fn explained(page: &File) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for (number, line) in page.lines() {
        let first_cell = line.strip_prefix('|').and_then(|it| it.split('|').next()).unwrap_or_default();
        // The odd pieces between backticks are what stands inside of them.
        names.extend(first_cell.split('`').skip(1).step_by(2).map(|it| (it.to_owned(), number)));
    }
    names
}

#[cfg(test)]
mod tests {
    use cargo_metadata::DependencyKind::Normal;

    use super::super::repository::{Dependency, Member};
    use super::*;

    fn found(manifest: &str, page: &str, used: &[&str]) -> Vec<String> {
        let mut repository = Repository::of_files(&[(MANIFEST, manifest), (PAGE, page)]);
        repository.members.push(Member {
            name: "a-package".to_owned(),
            manifest: "crates/a-package/Cargo.toml".to_owned(),
            is_published: true,
            has_description: true,
            has_license: true,
            dependencies: used.iter().map(|it| Dependency { name: (*it).to_owned(), kind: Normal }).collect(),
        });
        check(&repository).unwrap().iter().map(ToString::to_string).collect()
    }

    const MANIFEST_OF_TWO: &str = "\
[workspace.dependencies]
ours = { path = \"crates/ours\", version = \"0.1.0\" }
bytes = \"1\"
uuid = { version = \"1\" }
";

    #[test]
    fn when_each_crate_has_a_row_and_a_user_all_is_well() {
        let page = "| crate | why |\n|---|---|\n| `bytes`, `uuid` | because of `serde` |\n";
        let found = found(MANIFEST_OF_TWO, page, &["bytes", "uuid"]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_crate_without_a_row_is_found_with_its_line() {
        let found = found(MANIFEST_OF_TWO, "| `bytes` | why |\n", &["bytes", "uuid"]);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("Cargo.toml:4: `uuid`")), "{found:?}");
    }

    #[test]
    fn a_row_without_a_crate_is_found() {
        let page = "| `bytes`, `uuid` | why |\n| `serde` | gone |\n";
        let found = found(MANIFEST_OF_TWO, page, &["bytes", "uuid"]);
        assert!(
            matches!(found.as_slice(), [one] if one.starts_with("docs/dependencies.md:2: `serde`")),
            "{found:?}"
        );
    }

    #[test]
    fn a_crate_that_nothing_uses_is_found() {
        let found = found(MANIFEST_OF_TWO, "| `bytes`, `uuid` | why |\n", &["bytes"]);
        assert!(matches!(found.as_slice(), [one] if one.contains("no package uses `uuid`")), "{found:?}");
    }
}
