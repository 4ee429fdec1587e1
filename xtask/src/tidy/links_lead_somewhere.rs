//! Every relative link of a page leads to a file or a folder of this repository.

use super::finding::Finding;
use super::repository::{File, Repository};

pub(super) const REASON: &str = "a page that sends its reader nowhere is not finished";

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let pages = repository.files.iter().filter(|it| it.path.ends_with(".md"));
    Ok(pages.flat_map(|page| dead_links(page, repository)).collect())
}

fn dead_links(page: &File, repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, target) in links(page) {
        let path = target.split(['#', '?']).next().unwrap_or_default();
        if is_elsewhere(&target) || path.is_empty() {
            continue;
        }
        let exists =
            resolve(&page.path, path).is_some_and(|it| it.is_empty() || repository.paths.contains(&it));
        if !exists {
            let message = format!("the link `{target}` leads nowhere: correct it, or write the page");
            findings.push(Finding::at(&page.path, number, message));
        }
    }
    findings
}

/// `https:`, `mailto:`, `//host`: not ours to check.
fn is_elsewhere(target: &str) -> bool {
    let scheme = target.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.starts_with(':') && scheme.chars().all(|it| it.is_ascii_alphanumeric() || "+-.".contains(it))
    });
    scheme || target.starts_with("//")
}

/// The targets of `[text](target)` and `[label]: target` outside of code, each with its line.
fn links(page: &File) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (number, line) in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        let line = without_code(line);
        let inline = line.split("](").skip(1).filter_map(|it| it.split(')').next());
        let reference = line.strip_prefix('[').and_then(|it| it.split_once("]: ")).map(|(_, target)| target);
        let targets = inline.chain(reference).filter_map(|it| it.split_whitespace().next());
        links.extend(targets.map(|it| (number, it.trim_matches(['<', '>']).to_owned())));
    }
    links
}

/// The line with what stands between backticks left out.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// `target` as seen from `page`, from the root of the repository; `None` if it leaves the repository.
pub(super) fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(page: &str) -> Vec<String> {
        let files =
            [("docs/page.md", page), ("docs/other.md", ""), ("README.md", ""), ("crates/a/README.md", "")];
        let findings = check(&Repository::of_files(&files)).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_to_what_is_there_are_well() {
        let page =
            "[a](other.md#part) [b](../README.md) [c](../crates/a/) [d](#here) [e](../)\n[f]: other.md\n";
        assert!(dead(page).is_empty(), "{:?}", dead(page));
    }

    #[test]
    fn links_to_other_places_are_not_looked_up() {
        assert!(dead("[a](https://example.com/a) [b](mailto:a@example.com)").is_empty());
    }

    #[test]
    fn a_link_to_nothing_is_found_with_its_line() {
        let found = dead("\n[a](missing.md \"title\")");
        assert!(matches!(found.as_slice(), [one] if one.starts_with("docs/page.md:2:")), "{found:?}");
        assert_eq!(dead("[a]: missing.md").len(), 1);
        assert_eq!(dead("[a](../../outside.md)").len(), 1);
        assert_eq!(dead("[a](crate::Type)").len(), 1);
    }

    #[test]
    fn code_holds_no_links() {
        assert!(dead("`[a](missing.md)`\n```rust\n#[a](missing.md)\n```\n").is_empty());
    }
}
