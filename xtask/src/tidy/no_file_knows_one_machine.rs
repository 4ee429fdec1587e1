//! No absolute path of somebody's machine in any file.

use super::finding::Finding;
use super::repository::{File, Repository};

pub(super) const REASON: &str = "what names a place on one machine is wrong on every other, and tells readers about \
    the machine instead of the project";

/// Written in two pieces, so that this file does not find itself.
const HOMES: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/work", "space/"),
    concat!("C:\\", "Users\\"),
];

/// Right in a test that never touches the path, wrong in a program: `tempfile` asks the system.
const TEMPORARY: &str = concat!("/t", "mp/");

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    Ok(repository.files.iter().flat_map(places).collect())
}

fn places(file: &File) -> Vec<Finding> {
    let is_test = file.path.split('/').any(|it| it == "tests");
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        if let Some(home) = HOMES.iter().find(|it| names_absolute(line, it)) {
            let message =
                format!("`{home}` is a place on one machine: use a relative path, or ask the environment");
            findings.push(Finding::at(&file.path, number, message));
        }
        if !is_test && names_absolute(line, TEMPORARY) {
            let message = format!("`{TEMPORARY}` is not everywhere: use `tempfile`, or `std::env::temp_dir`");
            findings.push(Finding::at(&file.path, number, message));
        }
    }
    findings
}

/// Whether `line` holds `path` as the beginning of a path. The same letters inside of a longer path or an address
/// (`example.com/home/`, `docs/home/`, `~/home/`) are no absolute path.
fn names_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|it| it.chars().next_back());
        !before.is_some_and(|it| it.is_alphanumeric() || "._-~})".contains(it))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Repository::of_files(&[(path, text)])).unwrap().len()
    }

    #[test]
    fn an_absolute_path_is_found_wherever_it_stands() {
        let home = concat!("/ho", "me/ann/store");
        assert_eq!(findings("docs/a.md", &format!("see {home}")), 1);
        assert_eq!(findings("crates/a/src/lib.rs", &format!("open(\"{home}\")")), 1);
        assert_eq!(findings("crates/a/tests/a.rs", &format!("open(\"{home}\")")), 1);
    }

    #[test]
    fn addresses_and_relative_paths_are_none() {
        let home = concat!("/ho", "me/");
        let text = format!("https://example.com{home}a docs{home}b ~{home}c ${{HOME}}{home}d .{home}e");
        assert_eq!(findings("docs/a.md", &text), 0);
    }

    #[test]
    fn a_temporary_path_is_for_tests_alone() {
        let text = concat!("open(\"/t", "mp/store\")");
        assert_eq!(findings("crates/a/src/open.rs", text), 1);
        assert_eq!(findings("crates/a/tests/open.rs", text), 0);
    }
}
