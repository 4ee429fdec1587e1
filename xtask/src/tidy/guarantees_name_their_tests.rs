//! Every law, case, test and file that the guarantees page names exists, every law is on the page, and no row names a file alone.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};

use super::finding::Finding;
use super::repository::{File, Repository};

pub(super) const REASON: &str = "a guarantee whose test is gone is a promise that nobody keeps, and in a file of twenty nobody \
    sees which one is gone";

const PAGE: &str = "docs/guarantees.md";
const TABLE: &str = "crates/eventstore-conformance/src/table.rs";

/// So many underscores make a sentence, which is what tests are called; of shorter names, other code may have any.
const UNDERSCORES_OF_A_SENTENCE: usize = 3;

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let (Some(page), Some(table)) = (repository.file(PAGE), repository.file(TABLE)) else {
        let message = format!("{PAGE} or {TABLE} is missing: every guarantee names its test");
        return Ok(vec![Finding::of(PAGE, message)]);
    };
    let known = Known { cases: cases(table), functions: functions(repository), paths: &repository.paths };
    let mut findings = Vec::new();
    for (number, line) in page.lines() {
        for name in code(line).filter(|name| !known.has(name)) {
            let message = format!("`{name}` is no law, case or test: name the one that holds the guarantee");
            findings.push(Finding::at(PAGE, number, message));
        }
        if line.starts_with('|') && !known.says_which(line) {
            let message = "a file alone: name the test in it that holds the guarantee, or the law or case";
            findings.push(Finding::at(PAGE, number, message));
        }
    }
    for law in known.cases.iter().map(|(law, _)| law) {
        if !page.text.contains(&format!("`{law}`")) {
            findings.push(Finding::of(PAGE, format!("`{law}` is not on the page: say what it guarantees")));
        }
    }
    Ok(findings)
}

/// What there is to be named.
struct Known<'r> {
    /// The laws and their cases.
    cases: Vec<(String, Vec<String>)>,
    /// The functions of each Rust file, by its path.
    functions: BTreeMap<&'r str, BTreeSet<String>>,
    paths: &'r BTreeSet<String>,
}

impl Known<'_> {
    /// Whether a name that looks like a law, a case, a test or a file is one; other code is not ours to judge.
    fn has(&self, name: &str) -> bool {
        if is_path(name) {
            return self.paths.contains(name);
        }
        if !name.starts_with("law_") {
            return !is_sentence(name) || self.functions.values().any(|names| names.contains(name));
        }
        let (law, case) = name.split_once("::").map_or((name, None), |(law, case)| (law, Some(case)));
        self.cases.iter().any(|(known, names)| {
            known == law && case.is_none_or(|case| names.iter().any(|name| name == case))
        })
    }

    /// Whether a row names no file of tests, or beside it a law, a case or a function of one of its files.
    fn says_which(&self, row: &str) -> bool {
        let (files, names): (Vec<&str>, Vec<&str>) =
            code(row).partition(|name| is_path(name) && name.ends_with(".rs"));
        let mut of_files = files.iter().filter_map(|file| self.functions.get(file));
        files.is_empty()
            || names.iter().any(|name| name.starts_with("law_"))
            || of_files.any(|functions| names.iter().any(|name| functions.contains(*name)))
    }
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

fn functions(repository: &Repository) -> BTreeMap<&str, BTreeSet<String>> {
    let of = |file: &File| {
        let mut names = BTreeSet::new();
        // What does not parse, another rule says.
        collect_functions(file.text.parse().unwrap_or_default(), &mut names);
        names
    };
    repository.rust_files().map(|file| (file.path.as_str(), of(file))).collect()
}

/// Walks the tokens, so that a test in a macro counts, and one in a comment does not.
fn collect_functions(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let mut is_name = false;
    for token in tokens {
        let was_fn = std::mem::take(&mut is_name);
        match token {
            TokenTree::Ident(name) if was_fn => {
                names.insert(name.to_string());
            }
            TokenTree::Ident(word) => is_name = word == "fn",
            TokenTree::Group(group) => collect_functions(group.stream(), names),
            _ => {}
        }
    }
}

/// What stands between backticks in a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_path(name: &str) -> bool {
    name.starts_with("crates/") || name.starts_with("examples/")
}

fn is_sentence(name: &str) -> bool {
    name.matches('_').count() >= UNDERSCORES_OF_A_SENTENCE
        && name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &str = "    law_01_all (Some(1)) {\n        a_case,\n    }\n    law_02_more (Some(2)) {\n        b_case,\n    }\n";
    const TESTS: &str = "#[test]\nfn a_test_is_there() {}\nproptest! { #[test] fn it_holds(a in b()) {} }\n\
        // fn a_test_was_here() {}\nconst A: &str = \"fn a_test_was_here() {}\";\n";
    const LAWS: &str = "`law_01_all` `law_02_more`\n";

    fn found(page: &str) -> Vec<String> {
        let files = [
            (PAGE, page),
            (TABLE, CASES),
            ("crates/a/tests/t.rs", TESTS),
            ("examples/b/src/tests.rs", "async fn b_test_is_there_too() {}"),
        ];
        check(&Repository::of_files(&files)).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_page_that_names_what_is_there_is_well() {
        let page = "`law_01_all` `law_02_more` `law_01_all::a_case` `Other::code` `crates/a/tests/t.rs` `a_test_is_there`";
        assert!(found(page).is_empty(), "{:?}", found(page));
    }

    #[test]
    fn a_case_or_a_file_that_is_gone_is_found_with_its_line() {
        assert_eq!(found(&format!("{LAWS}`law_01_all::b_case`")).len(), 1);
        assert_eq!(found(&format!("{LAWS}`law_03_none`")).len(), 1);
        for file in ["crates/a/tests/gone.rs", "examples/gone.rs"] {
            let found = found(&format!("{LAWS}`{file}`"));
            assert!(
                matches!(found.as_slice(), [one] if one.starts_with("docs/guarantees.md:2:")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_test_that_is_gone_is_found_though_a_comment_or_a_text_still_has_it() {
        let found = found(&format!("{LAWS}- so it is (`a_test_is_there`, `a_test_was_here`)\n"));
        assert!(
            matches!(found.as_slice(), [one] if one.starts_with("docs/guarantees.md:2: `a_test_was_here`")),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_no_sentence_in_small_letters_is_taken_for_no_test() {
        for code in ["pool_size", "a_b_c", "A_TEST_WAS_HERE", "of::a_test_was_here", "a_test_was_here()"] {
            assert!(found(&format!("{LAWS}`{code}`")).is_empty(), "{code}");
        }
    }

    #[test]
    fn a_law_that_the_page_leaves_out_is_found() {
        assert_eq!(found("`law_01_all`").len(), 1);
    }

    #[test]
    fn a_row_that_names_a_file_alone_is_found_with_its_line() {
        for row in [
            "| it holds | `crates/a/tests/t.rs` |",
            "| `verify` tells | `crates/a/tests/t.rs` |",
            "| it holds | `b_test_is_there_too` | `crates/a/tests/t.rs` |",
        ] {
            let found = found(&format!("{LAWS}{row}\n"));
            assert!(
                matches!(found.as_slice(), [one] if one.starts_with("docs/guarantees.md:2: a file alone")),
                "{row}: {found:?}"
            );
        }
    }

    #[test]
    fn a_row_that_names_a_test_of_its_file_a_law_or_no_file_is_well() {
        for row in [
            "| it holds | `a_test_is_there` | `crates/a/tests/t.rs` |",
            "| it holds | `it_holds` | `crates/a/tests/t.rs` |",
            "| it holds | `b_test_is_there_too` | `crates/a/tests/t.rs`, `examples/b/src/tests.rs` |",
            "| it holds | all laws, `law_01_all` to `law_02_more` | `crates/a/tests/t.rs` |",
            "| it holds | `law_01_all::a_case` | `crates/a/tests/t.rs` |",
            "| guarantee | test | in |",
        ] {
            assert!(found(&format!("{LAWS}{row}\n")).is_empty(), "{row}: {:?}", found(row));
        }
    }
}
