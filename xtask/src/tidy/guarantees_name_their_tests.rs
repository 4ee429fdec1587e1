//! Every law, case and test file that the guarantees page names exists, and every law is on the page.

use super::finding::Finding;
use super::repository::{File, Repository};

pub(super) const REASON: &str = "a guarantee whose test is gone is a promise that nobody keeps";

const PAGE: &str = "docs/guarantees.md";
const TABLE: &str = "crates/eventstore-conformance/src/table.rs";

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let (Some(page), Some(table)) = (repository.file(PAGE), repository.file(TABLE)) else {
        let message = format!("{PAGE} or {TABLE} is missing: every guarantee names its test");
        return Ok(vec![Finding::of(PAGE, message)]);
    };
    let cases = cases(table);
    let mut findings = Vec::new();
    for (number, line) in page.lines() {
        for name in code(line).filter(|name| !exists(name, &cases, repository)) {
            let message = format!("`{name}` is no law, case or test: name the one that holds the guarantee");
            findings.push(Finding::at(PAGE, number, message));
        }
    }
    for law in cases.iter().map(|(law, _)| law) {
        if !page.text.contains(&format!("`{law}`")) {
            findings.push(Finding::of(PAGE, format!("`{law}` is not on the page: say what it guarantees")));
        }
    }
    Ok(findings)
}

/// The laws and their cases, as the conformance suite lists them.
fn cases(table: &File) -> Vec<(String, Vec<String>)> {
    let mut laws: Vec<(String, Vec<String>)> = Vec::new();
    for (_, line) in table.lines() {
        let line = line.trim();
        if let Some((law, _)) = line.split_once(" (Some(") {
            laws.push((law.to_owned(), Vec::new()));
        } else if let (Some(name), Some((_, cases))) = (line.strip_suffix(','), laws.last_mut()) {
            cases.push(name.to_owned());
        }
    }
    laws
}

/// What stands between backticks in a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether a name that looks like a law, a case or a test file is one; other code is not ours to judge.
fn exists(name: &str, cases: &[(String, Vec<String>)], repository: &Repository) -> bool {
    if name.starts_with("crates/") {
        return repository.paths.contains(name);
    }
    if !name.starts_with("law_") {
        return true;
    }
    let (law, case) = name.split_once("::").map_or((name, None), |(law, case)| (law, Some(case)));
    cases
        .iter()
        .any(|(known, names)| known == law && case.is_none_or(|case| names.iter().any(|name| name == case)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &str = "    law_01_all (Some(1)) {\n        a_case,\n    }\n    law_02_more (Some(2)) {\n        b_case,\n    }\n";

    fn found(page: &str) -> Vec<String> {
        let files = [(PAGE, page), (TABLE, CASES), ("crates/a/tests/t.rs", "")];
        check(&Repository::of_files(&files)).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_page_that_names_what_is_there_is_well() {
        let page = "`law_01_all` `law_02_more` `law_01_all::a_case` `Other::code` `crates/a/tests/t.rs`";
        assert!(found(page).is_empty(), "{:?}", found(page));
    }

    #[test]
    fn a_case_or_a_file_that_is_gone_is_found_with_its_line() {
        let laws = "`law_01_all` `law_02_more`\n";
        assert_eq!(found(&format!("{laws}`law_01_all::b_case`")).len(), 1);
        assert_eq!(found(&format!("{laws}`law_03_none`")).len(), 1);
        assert!(found(&format!("{laws}`crates/a/tests/gone.rs`"))[0].starts_with("docs/guarantees.md:2:"));
    }

    #[test]
    fn a_law_that_the_page_leaves_out_is_found() {
        assert_eq!(found("`law_01_all`").len(), 1);
    }
}
