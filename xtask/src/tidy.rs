//! `cargo xtask tidy`: the rules of this repository, as code.
//!
//! A rule is one file in `tidy/`: `REASON`, and `check`, which returns what it found. Each is also a test, so that
//! `cargo test` covers it. A rule that is wrong is changed here, in the open; nothing is silenced elsewhere.

mod arrows_point_one_way;
mod crates_have_one_form;
mod dependencies_are_declared_once;
mod dependencies_are_explained;
mod features_cost_only_their_users;
mod files_have_one_subject;
mod finding;
mod guarantees_name_their_tests;
mod links_lead_somewhere;
mod no_file_knows_one_machine;
mod nobody_waits_for_rocksdb;
mod nothing_is_unsafe;
mod pages_show_what_compiles;
mod repository;
mod rust_version_is_stated_once;
mod telemetry_is_documented;
mod tests_do_not_pretend;

use anyhow::bail;

use crate::chore::{Chore, takes_no_arguments};
use finding::Finding;
use repository::Repository;

pub(crate) const CHORE: Chore = Chore {
    name: "tidy",
    summary: "check the rules of this repository",
    help: "\
cargo xtask tidy

Prints `path:line: what and what to do`, and the reason of each rule that something breaks. Hints do not fail.
Each rule is a file in xtask/src/tidy/ and a test: `cargo test -p xtask tidy`.",
    run,
};

struct Rule {
    name: &'static str,
    reason: &'static str,
    check: fn(&Repository) -> anyhow::Result<Vec<Finding>>,
}

/// Lists the rules, and makes each a test against this repository. A rule that is forgotten here is dead code.
macro_rules! rules {
    ($($rule:ident),+ $(,)?) => {
        const RULES: &[Rule] =
            &[$(Rule { name: stringify!($rule), reason: $rule::REASON, check: $rule::check }),+];

        #[cfg(test)]
        mod tests {
            $(
                #[test]
                fn $rule() {
                    super::in_this_repository::holds(super::$rule::check);
                }
            )+
        }
    };
}

rules! {
    arrows_point_one_way,
    features_cost_only_their_users,
    nobody_waits_for_rocksdb,
    no_file_knows_one_machine,
    tests_do_not_pretend,
    files_have_one_subject,
    nothing_is_unsafe,
    rust_version_is_stated_once,
    crates_have_one_form,
    dependencies_are_declared_once,
    dependencies_are_explained,
    links_lead_somewhere,
    pages_show_what_compiles,
    guarantees_name_their_tests,
    telemetry_is_documented,
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    takes_no_arguments(CHORE.name, arguments)?;
    check()
}

/// Applies every rule and prints all that they find.
pub(crate) fn check() -> anyhow::Result<()> {
    let repository = Repository::load()?;
    let mut broken = 0;
    for rule in RULES {
        let mut findings = (rule.check)(&repository)?;
        findings.sort();
        for finding in &findings {
            println!("{finding}");
        }
        if !findings.is_empty() {
            println!("    {}: {}\n", rule.name, rule.reason);
        }
        broken += findings.iter().filter(|it| !it.is_hint()).count();
    }
    if broken > 0 {
        bail!("tidy: {broken} to put right");
    }
    println!("tidy: {} rules hold", RULES.len());
    Ok(())
}

#[cfg(test)]
mod in_this_repository {
    use std::sync::LazyLock;

    use super::{Finding, Repository};

    pub(super) fn holds(check: fn(&Repository) -> anyhow::Result<Vec<Finding>>) {
        static REPOSITORY: LazyLock<Repository> = LazyLock::new(|| Repository::load().unwrap());
        let findings = check(&REPOSITORY).unwrap();
        let broken: Vec<String> =
            findings.iter().filter(|it| !it.is_hint()).map(std::string::ToString::to_string).collect();
        assert!(broken.is_empty(), "{} to put right:\n{}", broken.len(), broken.join("\n"));
    }
}
