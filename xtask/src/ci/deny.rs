//! `cargo deny`, where it is installed.

use super::step::Outcome;
use crate::doctor;
use crate::process::Process;

/// What `deny.toml` says of bans, licences and sources. Needs no network beyond cargo's own.
pub(super) fn policy() -> anyhow::Result<Outcome> {
    if let Some(skipped) = not_installed() {
        return Ok(skipped);
    }
    deny(&["check", "bans", "licenses", "sources"]).run()?;
    Ok(Outcome::Passed)
}

/// Known flaws. The database is a git repository elsewhere: without it this is skipped, and says so.
pub(super) fn advisories() -> anyhow::Result<Outcome> {
    if let Some(skipped) = not_installed() {
        return Ok(skipped);
    }
    if let Err(error) = deny(&["fetch", "db"]).read() {
        let cause = format!("{error:#}");
        let cause = cause.lines().map(str::trim).rfind(|it| !it.is_empty()).unwrap_or_default();
        return Ok(Outcome::Skipped(format!("the advisory database cannot be had here: {cause}")));
    }
    deny(&["check", "advisories"]).run()?;
    Ok(Outcome::Passed)
}

/// Every feature counts: what nobody enables by default is published all the same.
fn deny(arguments: &[&str]) -> Process {
    Process::cargo(["deny", "--all-features"]).arguments(arguments)
}

fn not_installed() -> Option<Outcome> {
    let missing = Process::cargo(["deny", "--version"]).read().is_err();
    missing.then(|| Outcome::Skipped(format!("cargo-deny is not installed: {}", doctor::CARGO_DENY)))
}
