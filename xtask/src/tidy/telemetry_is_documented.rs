//! Every span and every metric of the code is in the table of `docs/observability.md`, and the other way round.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::finding::Finding;
use super::repository::{File, Repository};

pub(super) const REASON: &str = "dashboards and alerts are built on these names: one that nobody wrote down is found by nobody, \
    and one that is gone is an alert that never comes";

const PAGE: &str = "docs/observability.md";

/// What every metric of the toolkit begins with.
const PREFIX: &str = "allframe_";

/// Macros whose first text is the name of a span, and which are told apart by that.
const SPANS: &[&str] = &["span", "error_span", "warn_span", "info_span", "debug_span", "trace_span"];
const METRICS: &[&str] = &["counter", "gauge", "histogram"];

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let Some(page) = repository.file(PAGE) else {
        return Ok(vec![Finding::of(PAGE, "missing: it has every span and every metric")]);
    };
    let mut found = Told::default();
    for file in repository.rust_files().filter(|file| is_program(&file.path)) {
        found.look_into(file);
    }
    let mut findings = std::mem::take(&mut found.findings);
    for (section, told) in [("## Spans", &found.spans), ("## Metrics", &found.metrics)] {
        let rows = rows(page, section);
        for (name, (path, line)) in told.iter().filter(|(name, _)| !rows.contains_key(name.as_str())) {
            let message = format!("`{name}` has no row in {PAGE}, below `{section}`: say what it is");
            findings.push(Finding::at(path, *line, message));
        }
        for (name, line) in rows.iter().filter(|(name, _)| !told.contains_key(**name)) {
            let message = format!("`{name}` is told nowhere: leave the row out, or correct it");
            findings.push(Finding::at(PAGE, *line, message));
        }
    }
    Ok(findings)
}

/// Tests and benches tell nothing that anybody watches, and xtask is no program that runs for long.
fn is_program(path: &str) -> bool {
    let mut folders = path.split('/');
    matches!(folders.next(), Some("crates" | "examples")) && folders.nth(1) == Some("src")
}

/// The names in the first column of the table below a heading, with their lines.
fn rows<'a>(page: &'a File, heading: &str) -> BTreeMap<&'a str, usize> {
    let lines = page.lines().skip_while(|(_, line)| *line != heading).skip(1);
    let section = lines.take_while(|(_, line)| !line.starts_with("## "));
    section
        .filter_map(|(number, line)| Some((line.strip_prefix("| `")?.split('`').next()?, number)))
        .collect()
}

/// Names, each with a place where it stands.
#[derive(Default)]
struct Told {
    spans: BTreeMap<String, (String, usize)>,
    metrics: BTreeMap<String, (String, usize)>,
    findings: Vec<Finding>,
}

impl Told {
    fn look_into(&mut self, file: &File) {
        // What does not parse, another rule says.
        let Ok(tokens) = file.text.parse::<TokenStream>() else { return };
        let has_metrics = METRICS.iter().any(|name| file.text.contains(&format!("metrics::{name}!")));
        self.look(tokens, &file.path, has_metrics);
    }

    /// Walks the tokens, so that comments do not count, and leaves out what is compiled for tests alone.
    fn look(&mut self, tokens: TokenStream, path: &str, has_metrics: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut for_tests = false;
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) if is_attribute(&tokens, index) => {
                    let attribute = group.stream().to_string();
                    for_tests |= attribute.replace(' ', "") == "cfg(test)";
                    if attribute.starts_with("instrument") || attribute.contains(":: instrument") {
                        let message = "`#[instrument]` names a span after its function: use a macro, which says its name";
                        self.findings.push(Finding::at(path, line_of(token), message));
                    }
                }
                TokenTree::Group(group) => {
                    if !for_tests {
                        self.look_at_macro(group, before(&tokens, index, 1), before(&tokens, index, 2), path);
                        self.look(group.stream(), path, has_metrics);
                    }
                    for_tests &= group.delimiter() != Delimiter::Brace;
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => for_tests = false,
                // Also where the macro is given a variable that holds it.
                TokenTree::Literal(_) if has_metrics && !for_tests => {
                    if let Some(name) = text(token).filter(|name| is_metric(name)) {
                        self.metrics.entry(name).or_insert((path.to_owned(), line_of(token)));
                    }
                }
                _ => {}
            }
        }
    }

    /// What a macro of interest is given, if what stands before it are its name and a `!`.
    fn look_at_macro(
        &mut self,
        group: &Group,
        bang: Option<&TokenTree>,
        name: Option<&TokenTree>,
        path: &str,
    ) {
        let (Some(TokenTree::Punct(bang)), Some(TokenTree::Ident(name))) = (bang, name) else { return };
        if bang.as_char() != '!' {
            return;
        }
        let name = name.to_string();
        let mut texts = group.stream().into_iter().map(|token| Some((text(&token)?, line_of(&token))));
        if SPANS.contains(&name.as_str()) {
            // A target or a level may stand before it.
            if let Some((name, line)) = texts.flatten().next() {
                self.spans.entry(name).or_insert((path.to_owned(), line));
            }
        } else if METRICS.contains(&name.as_str()) {
            // Behind a variable stand labels.
            if let Some(Some((name, line))) = texts.next() {
                self.metrics.entry(name).or_insert((path.to_owned(), line));
            }
        }
    }
}

fn before(tokens: &[TokenTree], index: usize, so_many: usize) -> Option<&TokenTree> {
    tokens.get(index.checked_sub(so_many)?)
}

fn is_attribute(tokens: &[TokenTree], index: usize) -> bool {
    let is_sign = matches!(before(tokens, index, 1), Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
    is_sign
        && matches!(tokens.get(index), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket)
}

fn is_metric(text: &str) -> bool {
    text.starts_with(PREFIX)
        && text.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

fn text(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    Some(literal.to_string().strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

fn line_of(token: &TokenTree) -> usize {
    token.span().start().line
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "## Spans\n\n| name |\n|---|\n| `command` | INFO |\n\n## Metrics\n\n| `allframe_commands_total` | counter |\n\n## What to watch\n\n| `sum(x)` |\n";

    fn found(path: &str, code: &str) -> Vec<String> {
        let findings = check(&Repository::of_files(&[(PAGE, TABLES), (path, code)])).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    const WELL: &str = "fn a() { tracing::info_span!(\"command\", name); }\n\
        fn b() { metrics::counter!(\"allframe_commands_total\", \"a\" => \"b\").increment(1); }\n";

    #[test]
    fn what_is_told_and_documented_is_well() {
        assert!(found("crates/a/src/a.rs", WELL).is_empty(), "{:?}", found("crates/a/src/a.rs", WELL));
    }

    #[test]
    fn what_is_told_and_not_documented_is_found_with_its_line() {
        let code = format!(
            "{WELL}fn c() {{ span!(Level::INFO, \"made\"); }}\nfn d() {{ histogram!(\"mine_seconds\"); }}\n\
             fn e() {{ let name = \"allframe_new_total\"; metrics::gauge!(name, \"of\" => 1); }}\n"
        );
        let found = found("examples/a/src/deep/a.rs", &code);
        assert_eq!(found.len(), 3, "{found:?}");
        for (line, name) in [(3, "made"), (4, "mine_seconds"), (5, "allframe_new_total")] {
            let place = format!("examples/a/src/deep/a.rs:{line}: `{name}`");
            assert!(found.iter().any(|it| it.starts_with(&place)), "{place}: {found:?}");
        }
    }

    #[test]
    fn what_is_documented_and_not_told_is_found() {
        let found = found("crates/a/src/a.rs", "fn a() { tracing::info_span!(\"command\"); }");
        assert!(
            matches!(found.as_slice(), [one] if one.starts_with("docs/observability.md:9: `allframe_commands_total`")),
            "{found:?}"
        );
    }

    #[test]
    fn tests_tell_nothing_and_neither_do_comments_or_crates_that_are_called_so() {
        let code = format!(
            "{WELL}// info_span!(\"comment\")\nconst A: &str = \"allframe-cqrs\";\nconst B: &str = \"allframe_Cqrs\";\n\
             #[cfg(test)]\nmod tests {{ fn a() {{ info_span!(\"of_a_test\"); }} }}\n"
        );
        assert!(found("crates/a/src/a.rs", &code).is_empty(), "{:?}", found("crates/a/src/a.rs", &code));
        let elsewhere = format!("{WELL}fn a() {{ info_span!(\"of_a_test\"); }}");
        let files =
            [(PAGE, TABLES), ("crates/a/src/a.rs", WELL), ("crates/a/tests/t.rs", elsewhere.as_str())];
        assert!(check(&Repository::of_files(&files)).unwrap().is_empty());
    }

    #[test]
    fn a_span_without_a_name_of_its_own_is_refused() {
        let code = format!("{WELL}#[tracing::instrument(skip_all)]\nfn named_by_chance() {{}}\n");
        assert_eq!(found("crates/a/src/a.rs", &code).len(), 1);
    }
}
