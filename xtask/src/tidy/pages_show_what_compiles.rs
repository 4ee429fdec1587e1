//! Every page with Rust in it is compiled, as a doctest, or compared with a program that is.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::links_lead_somewhere::resolve;
use super::repository::{File, Repository};

pub(super) const REASON: &str =
    "what nobody compiles is wrong after the next change, and its reader is the first who finds out";

/// Pages that show parts of a program, and the test that holds them against it.
const COMPARED: &[(&str, &str)] = &[("docs/guide/", "crates/allframe-cqrs/examples/guide/tests.rs")];

const INCLUSION: &str = "doc = include_str!(\"";

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let compiled: BTreeSet<String> = repository.rust_files().flat_map(inclusions).collect();
    let is_compared = |page: &File| {
        COMPARED.iter().any(|(pages, test)| page.path.starts_with(pages) && repository.file(test).is_some())
    };
    let pages = repository.files.iter().filter(|it| it.path.ends_with(".md"));
    let unchecked = pages.filter(|page| !compiled.contains(&page.path) && !is_compared(page));
    Ok(unchecked.filter_map(finding).collect())
}

fn finding(page: &File) -> Option<Finding> {
    let (line, _) = page.lines().find(|(_, line)| line.trim_start().starts_with("```rust"))?;
    let message = "Rust that nobody compiles: include the page in the documentation of a module that is there \
        for doctests alone, as `saga/page.rs` does, or show it as `text`";
    Some(Finding::at(&page.path, line, message))
}

/// The files that a file has as its documentation.
fn inclusions(file: &File) -> impl Iterator<Item = String> {
    let targets = file.text.split(INCLUSION).skip(1).filter_map(|rest| rest.split('"').next());
    targets.filter_map(|target| resolve(&file.path, target))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: (&str, &str) = ("docs/a.md", "# A\n\n```rust,no_run\nlet a = 1;\n```\n");

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let findings = check(&Repository::of_files(files)).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_page_whose_rust_nobody_compiles_is_found_with_its_line() {
        let found =
            found(&[PAGE, ("crates/a/src/lib.rs", "#![doc = include_str!(\"../../../docs/b.md\")]\n")]);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("docs/a.md:3: ")), "{found:?}");
    }

    #[test]
    fn a_page_that_is_somebodys_documentation_is_well() {
        let included = ("crates/a/src/page.rs", "#![doc = include_str!(\"../../../docs/a.md\")]\n");
        assert!(found(&[PAGE, included]).is_empty());
    }

    #[test]
    fn a_page_of_the_guide_is_well_as_long_as_the_guide_has_its_test() {
        let page = ("docs/guide/a.md", PAGE.1);
        assert_eq!(found(&[page]).len(), 1);
        assert!(found(&[page, (COMPARED[0].1, "")]).is_empty());
    }

    #[test]
    fn other_languages_need_no_compiler() {
        assert!(found(&[("docs/a.md", "```console\n$ ls\n```\n```text\nrust\n```\n")]).is_empty());
    }
}
