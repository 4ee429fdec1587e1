//! How long a Rust file may be.

use super::finding::Finding;
use super::repository::Repository;

pub(super) const REASON: &str = "a file has one subject; one that needs a table of contents is two files";

const REFUSED_OVER: usize = 500;
const HINT_OVER: usize = 300;

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in repository.rust_files() {
        let lines = file.text.lines().count();
        if lines > REFUSED_OVER {
            let message =
                format!("{lines} lines, at most {REFUSED_OVER}: find its second subject and give it a file");
            findings.push(Finding::at(&file.path, lines, message));
        } else if lines > HINT_OVER {
            let message = format!("{lines} lines; most files here want to be 80 to {HINT_OVER}");
            findings.push(Finding::at(&file.path, lines, message).hint());
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, lines: usize) -> Vec<Finding> {
        check(&Repository::of_files(&[(path, &"//\n".repeat(lines))])).unwrap()
    }

    #[test]
    fn a_short_file_is_well_a_long_one_a_hint_and_a_very_long_one_refused() {
        assert!(found("a.rs", 300).is_empty());
        assert!(found("a.rs", 301).iter().all(Finding::is_hint) && !found("a.rs", 301).is_empty());
        assert!(found("a.rs", 500).iter().all(Finding::is_hint));
        assert!(found("a.rs", 501).iter().any(|it| !it.is_hint()));
    }

    #[test]
    fn only_rust_is_counted() {
        assert!(found("flights.csv", 10_000).is_empty());
    }
}
