//! No ignored test, no unfinished code, no test that sleeps.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::finding::Finding;
use super::repository::{File, Repository};

pub(super) const REASON: &str = "a test that does not run, code that is not there and a wait that is sometimes too \
    short all look green until they matter";

/// A wait until the time is over, for what never comes.
const WAITS_FOR_NOTHING: &str = "timeout(.., pending())";

/// A place that is right all the same: (path, word, why).
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "crates/allframe-cqrs/src/clock/manual.rs",
        "sleep_until(",
        "it sleeps on the clock that is tested, which stands",
    ),
    (
        "crates/allframe-cqrs/tests/consumer_groups/interleavings.rs",
        WAITS_FOR_NOTHING,
        "the clock of its tests stands, and goes on where nobody has anything to do: it is a step of the world that time passes",
    ),
    (
        "crates/allframe-cqrs/tests/consumer_groups/way.rs",
        WAITS_FOR_NOTHING,
        "the clock of its tests stands, and goes on where nobody has anything to do: it is how late a store answers",
    ),
    (
        "crates/allframe-cqrs/tests/store/replay.rs",
        WAITS_FOR_NOTHING,
        "the clock of the test stands, and goes on where nobody has anything to do: it is how long a handler takes",
    ),
];

const SLEEPS: &str = "await the condition that the test is about, with a timeout";

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let pages = repository.files.iter().filter(|file| file.path.ends_with(".md"));
    let modules = test_modules(repository);
    let pretences = repository.rust_files().flat_map(|file| pretences(file, place_of(&file.path, &modules)));
    Ok(pretences.chain(pages.flat_map(ignored_examples)).collect())
}

/// The modules that `#[cfg(test)]` stands before: each as the path of its folder, which is that of its file without `.rs`.
fn test_modules(repository: &Repository) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for file in repository.rust_files() {
        let Ok(tokens) = file.text.parse::<TokenStream>() else { continue };
        let folder = folder_of_modules(&file.path);
        modules.extend(names_of_test_modules(tokens).map(|name| format!("{folder}/{name}")));
    }
    modules
}

/// The folder in which the modules of a file are.
fn folder_of_modules(path: &str) -> &str {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let begins_a_program =
        || ["bin", "benches", "examples"].contains(&folder.rsplit('/').next().unwrap_or_default());
    if ["lib.rs", "main.rs", "mod.rs"].contains(&name) || begins_a_program() {
        folder
    } else {
        path.strip_suffix(".rs").unwrap_or(path)
    }
}

fn names_of_test_modules(tokens: TokenStream) -> impl Iterator<Item = String> {
    let mut is_for_tests = false;
    let mut follows_mod = false;
    tokens.into_iter().filter_map(move |token| {
        let was_mod = std::mem::take(&mut follows_mod);
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                is_for_tests |= words(&group.stream()) == ["cfg", "test"];
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => is_for_tests = false,
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_for_tests = false,
            TokenTree::Ident(ident) if was_mod && is_for_tests => return Some(ident.to_string()),
            TokenTree::Ident(ident) => follows_mod = ident == "mod",
            _ => {}
        }
        None
    })
}

fn place_of(path: &str, test_modules: &BTreeSet<String>) -> Place {
    // The suite that backends run is test code wherever it stands.
    let is_in_tests = path.split('/').any(|it| it == "tests" || it == "eventstore-conformance");
    let is_of = |module: &String| {
        path.strip_prefix(module.as_str()).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    };
    if is_in_tests || test_modules.iter().any(is_of) { Place::Test } else { Place::Program }
}

fn pretences(file: &File, place: Place) -> Vec<Finding> {
    let Ok(tokens) = file.text.parse::<TokenStream>() else {
        return vec![Finding::of(&file.path, "this is not Rust: no rule can read it")];
    };
    let mut findings = Vec::new();
    look(tokens, place, &mut |line, word, advice| {
        if !ALLOWED.iter().any(|(path, allowed, _)| *path == file.path && *allowed == word) {
            findings.push(Finding::at(&file.path, line, format!("`{word}`: {advice}")));
        }
    });
    findings.extend(ignored_examples(file));
    findings
}

fn ignored_examples(file: &File) -> Vec<Finding> {
    let ignored = file.lines().filter(|(_, line)| is_ignored_example(line));
    ignored
        .map(|(number, _)| {
            let advice =
                "an example that is not compiled: make it run, or `no_run`, `compile_fail` or `text`";
            Finding::at(&file.path, number, format!("`ignore`: {advice}"))
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Program,
    Test,
}

/// Walks the tokens, so that words in comments and strings do not count.
fn look(tokens: TokenStream, place: Place, found: &mut impl FnMut(usize, &str, &str)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut body = place;
    for (index, token) in tokens.iter().enumerate() {
        let line = token.span().start().line;
        let before = index.checked_sub(1).and_then(|it| tokens.get(it));
        let after = tokens.get(index + 1);
        match token {
            TokenTree::Group(group) => {
                if before.is_some_and(|it| is_punct(it, '#')) && group.delimiter() == Delimiter::Bracket {
                    let attribute = words(&group.stream());
                    if is_ignore(&attribute) {
                        found(
                            line,
                            "#[ignore]",
                            "make it run, or say in an issue what it waits for and remove it",
                        );
                    } else if attribute == ["cfg", "test"] {
                        // What follows is compiled for tests alone, up to the end of its body.
                        body = Place::Test;
                    }
                } else {
                    look(group.stream(), body, found);
                }
                if group.delimiter() == Delimiter::Brace {
                    body = place;
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => body = place,
            TokenTree::Ident(ident) => match ident.to_string().as_str() {
                word @ ("todo" | "unimplemented") if after.is_some_and(|it| is_punct(it, '!')) => {
                    found(line, &format!("{word}!"), "finish it, or leave it out until it can be finished");
                }
                word @ ("sleep" | "sleep_until" | "sleep_ms")
                    if body == Place::Test && is_call(before, after) =>
                {
                    found(line, &format!("{word}("), SLEEPS);
                }
                "timeout"
                    if body == Place::Test
                        && is_call(before, after)
                        && after.is_some_and(waits_for_nothing) =>
                {
                    found(line, WAITS_FOR_NOTHING, SLEEPS);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// Whether what is waited for never comes: then the time says how long the test sleeps.
fn waits_for_nothing(arguments: &TokenTree) -> bool {
    let TokenTree::Group(arguments) = arguments else { return false };
    let second = arguments.stream().into_iter().skip_while(|it| !is_punct(it, ',')).skip(1);
    let second: Vec<TokenTree> = second.collect();
    let is_in_path = |it: &&TokenTree| matches!(it, TokenTree::Ident(_)) || is_punct(it, ':');
    let (path, rest) = second.split_at(second.iter().take_while(is_in_path).count());
    let name = path.iter().rev().find(|it| matches!(it, TokenTree::Ident(_)));
    let is_called = rest.first().is_some_and(|it| matches!(it, TokenTree::Group(_)) || is_punct(it, '<'));
    is_called && name.is_some_and(|it| it.to_string() == "pending")
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_call(before: Option<&TokenTree>, after: Option<&TokenTree>) -> bool {
    let is_definition = matches!(before, Some(TokenTree::Ident(ident)) if ident == "fn");
    let has_arguments =
        matches!(after, Some(TokenTree::Group(it)) if it.delimiter() == Delimiter::Parenthesis);
    has_arguments && !is_definition
}

/// The identifiers of an attribute, in order.
fn words(tokens: &TokenStream) -> Vec<String> {
    let mut words = Vec::new();
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => words.push(ident.to_string()),
            TokenTree::Group(group) => words.extend(self::words(&group.stream())),
            _ => {}
        }
    }
    words
}

fn is_ignore(attribute: &[String]) -> bool {
    match attribute.split_first() {
        Some((first, rest)) => {
            first == "ignore" || (first == "cfg_attr" && rest.iter().any(|it| it == "ignore"))
        }
        None => false,
    }
}

fn is_ignored_example(line: &str) -> bool {
    let line = line.trim_start();
    let documentation = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).unwrap_or(line);
    let fence = documentation.trim_start().strip_prefix("```");
    fence.is_some_and(|options| options.split(',').any(|it| it.trim() == "ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        found_in(&[(path, text)])
    }

    fn found_in(files: &[(&str, &str)]) -> Vec<String> {
        let findings = check(&Repository::of_files(files)).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_ignored_test_is_found_in_each_of_its_forms() {
        for attribute in ["#[ignore]", "#[ignore = \"slow\"]", "#[cfg_attr(windows, ignore)]"] {
            let found = found("crates/a/tests/a.rs", &format!("#[test]\n{attribute}\nfn a() {{}}"));
            assert!(
                matches!(found.as_slice(), [one] if one.starts_with("crates/a/tests/a.rs:2:")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn unfinished_code_is_found_and_talk_about_it_is_not() {
        assert_eq!(
            found("crates/a/src/a.rs", "fn a() { if b { todo!() } else { unimplemented!(\"c\") } }").len(),
            2
        );
        assert!(found("crates/a/src/a.rs", "/// No todo!() here.\nconst A: &str = \"todo!()\";").is_empty());
    }

    #[test]
    fn a_test_must_not_sleep_and_a_program_may() {
        let sleeps = "async fn a() { tokio::time::sleep(b).await; }";
        assert!(found("crates/a/src/a.rs", sleeps).is_empty());
        assert_eq!(found("crates/a/tests/a.rs", sleeps).len(), 1);
        assert_eq!(found("crates/eventstore-conformance/src/a.rs", sleeps).len(), 1);
        assert_eq!(found("crates/a/src/a.rs", &format!("#[cfg(test)]\nmod tests {{ {sleeps} }}")).len(), 1);
        assert!(found("crates/a/src/a.rs", &format!("#[cfg(test)] mod tests {{}} {sleeps}")).is_empty());
        assert!(found("crates/a/src/a.rs", &format!("#[cfg(test)] mod tests; {sleeps}")).is_empty());
    }

    #[test]
    fn to_wait_for_what_never_comes_is_to_sleep() {
        for wait in [
            "timeout(a, pending())",
            "timeout(a, future::pending::<()>())",
            "tokio::time::timeout(a(b, c), std::future::pending::<()>())",
        ] {
            let text = format!("async fn a() {{ let _ = {wait}.await; }}");
            let in_a_test = found("crates/a/tests/a.rs", &text);
            assert!(
                matches!(in_a_test.as_slice(), [one] if one.contains(WAITS_FOR_NOTHING)),
                "{wait}: {in_a_test:?}"
            );
            assert!(found("crates/a/src/a.rs", &text).is_empty(), "{wait}");
        }
        for wait in [
            "timeout(a, work)",
            "timeout(a, pending.recv())",
            "timeout(a, all(pending()))",
            "with(a, pending())",
        ] {
            let text = format!("async fn a() {{ let _ = {wait}.await; }}");
            assert!(found("crates/a/tests/a.rs", &text).is_empty(), "{wait}");
        }
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_must_not_sleep_either() {
        let sleeps = "fn a() { std::thread::sleep(b); }";
        let parent = "#[cfg(test)]\n#[rustfmt::skip]\npub(crate) mod laws;\nmod work;";
        for (path, module) in [
            ("crates/a/src/lib.rs", "crates/a/src/laws.rs"),
            ("crates/a/src/b/mod.rs", "crates/a/src/b/laws/mod.rs"),
            ("crates/a/src/b.rs", "crates/a/src/b/laws.rs"),
            ("crates/a/src/bin/b.rs", "crates/a/src/bin/laws/of_nature.rs"),
        ] {
            let found = found_in(&[(path, parent), (module, sleeps)]);
            assert!(matches!(found.as_slice(), [one] if one.starts_with(module)), "{module}: {found:?}");
        }
        for program in ["work.rs", "laws_of_nature.rs", "b/laws.rs"].map(|it| format!("crates/a/src/{it}")) {
            assert!(found_in(&[("crates/a/src/lib.rs", parent), (&program, sleeps)]).is_empty(), "{program}");
        }
    }

    #[test]
    fn an_example_that_is_not_compiled_is_found() {
        assert_eq!(found("crates/a/src/a.rs", "/// ```rust,ignore\n/// a\n/// ```\nfn a() {}").len(), 1);
        assert!(found("crates/a/src/a.rs", "/// ```no_run\n/// a\n/// ```\nfn a() {}").is_empty());
    }

    #[test]
    fn what_no_rule_can_read_is_found() {
        assert_eq!(found("crates/a/src/a.rs", "fn a( {").len(), 1);
    }
}
