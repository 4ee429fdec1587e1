//! Nothing that is written is left out: neither a case from the table, nor a law from the README.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeMap, fs, path::Path};

use eventstore_conformance::cases;

/// The names of all cases, by module, as the table has them.
fn table() -> BTreeMap<String, Vec<String>> {
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in cases() {
        table.entry(case.group.to_owned()).or_default().push(case.name.to_owned());
    }
    table
}

/// The public functions of a source file of cases.
fn written(path: &Path) -> Vec<String> {
    let source = fs::read_to_string(path).unwrap();
    let functions = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
    functions.map(|rest| rest.split(['<', '(']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_case_that_is_written_is_in_the_table() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut table = table();
    for file in fs::read_dir(sources.join("laws")).unwrap() {
        let path = file.unwrap().path();
        let group = path.file_stem().unwrap().to_string_lossy().into_owned();
        if group != "mod" {
            assert_eq!(table.remove(&group).unwrap_or_default(), written(&path), "cases of {group}");
        }
    }
    for (group, path) in [("state_machine", "state_machine/cases.rs"), ("histories", "history/cases.rs")] {
        assert_eq!(table.remove(group).unwrap_or_default(), written(&sources.join(path)), "cases of {group}");
    }
    assert!(table.is_empty(), "in the table, but nowhere written: {table:?}");
}

#[test]
fn every_law_has_cases_and_carries_its_number() {
    let table = table();
    let laws: Vec<u8> = table.keys().filter_map(|group| group.get(4..6)?.parse().ok()).collect();
    assert_eq!(laws, (1..=16).collect::<Vec<u8>>());
    assert!(table.values().all(|cases| !cases.is_empty()));
    for case in cases() {
        assert_eq!(case.law, case.group.get(4..6).and_then(|number| number.parse().ok()), "{case:?}");
    }
}

#[test]
fn the_readme_counts_every_case() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for (group, cases) in table() {
        let row = readme.lines().find(|line| line.contains(&format!("`{group}`")));
        let row = row.unwrap_or_else(|| panic!("the README has no row for `{group}`"));
        let counted = format!("| {} |", cases.len());
        assert!(row.ends_with(&counted), "the README should say `{counted}` of `{group}`, and says: {row}");
    }
}
