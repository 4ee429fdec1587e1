//! What every crate has, so that you find your way in one you never saw.

use anyhow::Context;
use syn::{Attribute, Item, Stmt};

use super::finding::Finding;
use super::repository::{File, Member, Repository};

pub(super) const REASON: &str = "every crate has the same few files: a README for its page, a manifest that inherits \
    the lints, and a lib.rs that explains and re-exports";

pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in &repository.members {
        findings.extend(manifest_findings(member, repository)?);
        if member.is_published {
            findings.extend(readme_findings(member, repository));
        }
        if let Some(library) = repository.file(&format!("{}/src/lib.rs", member.folder())) {
            findings.extend(library_findings(library));
        }
    }
    Ok(findings)
}

fn manifest_findings(member: &Member, repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let manifest =
        repository.file(&member.manifest).with_context(|| format!("{} is gone", member.manifest))?;
    let table: toml::Table = manifest.text.parse().with_context(|| format!("reading {}", member.manifest))?;
    let inherits = table.get("lints").and_then(|it| it.get("workspace")).and_then(toml::Value::as_bool);

    let mut findings = Vec::new();
    if inherits != Some(true) {
        let message = "the lints of the workspace do not apply: add `[lints]` with `workspace = true`";
        findings.push(Finding::at(&manifest.path, manifest.line_of("[lints]"), message));
    }
    if !member.has_description {
        findings.push(Finding::of(&manifest.path, "no `description`: say in one line what it is"));
    }
    if !member.has_license {
        findings.push(Finding::of(&manifest.path, "no license: add `license.workspace = true`"));
    }
    Ok(findings)
}

fn readme_findings(member: &Member, repository: &Repository) -> Option<Finding> {
    let path = format!("{}/README.md", member.folder());
    match repository.file(&path) {
        None => Some(Finding::of(&path, "missing: what is this crate, when do you pick it, one example")),
        Some(readme) => {
            let says = readme.text.lines().any(|it| !it.trim().is_empty() && !it.starts_with('#'));
            let message = "only a heading: what is this crate, when do you pick it, one example";
            (!says).then(|| Finding::of(&path, message))
        }
    }
}

fn library_findings(library: &File) -> Vec<Finding> {
    let file = match syn::parse_file(&library.text) {
        Ok(file) => file,
        Err(error) => {
            let line = error.span().start().line;
            return vec![Finding::at(&library.path, line, format!("this does not parse: {error}"))];
        }
    };
    let mut findings = Vec::new();
    if !file.attrs.iter().any(|it| it.path().is_ident("doc")) {
        let message =
            "says nothing about the crate: begin with `#![doc = include_str!(\"../README.md\")]` or `//!`";
        findings.push(Finding::of(&library.path, message));
    }
    for line in logic(&file.items) {
        let message = "lib.rs explains and re-exports: move this into a file that is named after it";
        findings.push(Finding::at(&library.path, line, message));
    }
    findings
}

/// The lines at which something begins that is neither a module, nor a re-export, nor a macro.
fn logic(items: &[Item]) -> Vec<usize> {
    let mut lines = Vec::new();
    for item in items {
        match item {
            Item::Use(_) | Item::ExternCrate(_) | Item::Macro(_) => {}
            Item::Mod(module) => match &module.content {
                Some((_, items)) if !is_for_tests(&module.attrs) => lines.extend(logic(items)),
                _ => {}
            },
            // The compiler wants the entry points of procedural macros here: one call each.
            Item::Fn(function) if is_macro_entry(&function.attrs) => {
                let is_one_call = matches!(function.block.stmts.as_slice(), [Stmt::Expr(_, None)]);
                if !is_one_call {
                    lines.push(function.sig.ident.span().start().line);
                }
            }
            other => lines.push(syn::spanned::Spanned::span(other).start().line),
        }
    }
    lines
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| it.path().is_ident("cfg"))
}

fn is_macro_entry(attributes: &[Attribute]) -> bool {
    let entries = ["proc_macro", "proc_macro_attribute", "proc_macro_derive"];
    attributes.iter().any(|it| entries.iter().any(|entry| it.path().is_ident(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_library(text: &str) -> Vec<String> {
        let file = File { path: "crates/a/src/lib.rs".to_owned(), text: text.to_owned() };
        library_findings(&file).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_library_that_explains_and_re_exports_is_well() {
        let text = "//! A crate.\n\nmod a;\npub use a::{A, B};\n#[cfg(doctest)]\nmod readme {}\n\
            pub mod reexports { pub use bytes; }\nmacro_rules! b { () => {} }\nb! {}\n";
        assert!(of_library(text).is_empty(), "{:?}", of_library(text));
    }

    #[test]
    fn a_library_that_says_nothing_is_found() {
        assert!(matches!(of_library("mod a;").as_slice(), [one] if one.contains("says nothing")));
        assert!(of_library("#![doc = include_str!(\"../README.md\")]").is_empty());
    }

    #[test]
    fn logic_is_found_with_its_line() {
        let found = of_library("//! A crate.\n\npub fn a() {}\npub mod b { pub struct C; }\n");
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|it| it.starts_with("crates/a/src/lib.rs:3:")), "{found:?}");
    }

    #[test]
    fn a_procedural_macro_begins_in_the_library_and_goes_on_elsewhere() {
        let head = "//! Macros.\n#[proc_macro_attribute]\npub fn event(a: T, b: T) -> T";
        assert!(of_library(&format!("{head} {{ event::expand(a.into(), b.into()).into() }}")).is_empty());
        assert_eq!(of_library(&format!("{head} {{ let c = a; c.into() }}")).len(), 1);
    }

    fn member() -> Member {
        Member {
            name: "a".to_owned(),
            manifest: "crates/a/Cargo.toml".to_owned(),
            is_published: true,
            has_description: true,
            has_license: true,
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn a_manifest_that_leaves_out_the_lints_is_found() {
        let without = Repository::of_files(&[("crates/a/Cargo.toml", "[package]\nname = \"a\"\n")]);
        assert_eq!(manifest_findings(&member(), &without).unwrap().len(), 1);
        let with = Repository::of_files(&[("crates/a/Cargo.toml", "[lints]\nworkspace = true\n")]);
        assert!(manifest_findings(&member(), &with).unwrap().is_empty());
    }

    #[test]
    fn a_missing_or_empty_readme_is_found() {
        assert!(readme_findings(&member(), &Repository::of_files(&[])).is_some());
        assert!(
            readme_findings(&member(), &Repository::of_files(&[("crates/a/README.md", "# a\n")])).is_some()
        );
        assert!(
            readme_findings(&member(), &Repository::of_files(&[("crates/a/README.md", "# a\n\nIt is.\n")]))
                .is_none()
        );
    }
}
