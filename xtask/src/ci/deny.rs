//! `cargo deny`, where it is installed; a build machine has it installed.

use std::path::{Path, PathBuf};

use super::step::Outcome;
use crate::alone::Alone;
use crate::doctor;
use crate::process::Process;
use crate::workspace;

/// What a build machine gets where it has none.
const VERSION: &str = "0.20.2";

/// What `deny.toml` says of bans, licences and sources. Needs no network beyond cargo's own.
pub(super) fn policy() -> anyhow::Result<Outcome> {
    let deny = match Deny::found()? {
        Ok(it) => it,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    deny.with(&["check", "bans", "licenses", "sources"]).run()?;
    Ok(Outcome::Passed)
}

/// Known flaws. The database is a git repository elsewhere: without it this is skipped, and says so.
pub(super) fn advisories() -> anyhow::Result<Outcome> {
    let deny = match Deny::found()? {
        Ok(it) => it,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    if let Err(error) = deny.with(&["fetch", "db"]).read() {
        let cause = format!("{error:#}");
        let cause = cause.lines().map(str::trim).rfind(|it| !it.is_empty()).unwrap_or_default();
        return Ok(Outcome::Skipped(format!("the advisory database cannot be had here: {cause}")));
    }
    deny.with(&["check", "advisories"]).run()?;
    Ok(Outcome::Passed)
}

/// Where the program is.
enum Deny {
    Installed,
    Ours(PathBuf),
}

impl Deny {
    /// The program, or why there is none; an error where a build machine cannot have it.
    fn found() -> anyhow::Result<Result<Self, String>> {
        if Self::Installed.works() {
            return Ok(Ok(Self::Installed));
        }
        if std::env::var_os("CI").is_none_or(|it| it.is_empty()) {
            return Ok(Err(format!("cargo-deny is not installed: {}", doctor::CARGO_DENY)));
        }
        let target = workspace::target_directory()?;
        let _alone = Alone::at(&target.join("xtask-cargo-deny.lock"))?;
        let ours = Self::in_target(&target);
        if ours.works() {
            return Ok(Ok(ours));
        }
        println!("cargo-deny is compiled for this target directory: minutes, once.");
        install(&target).run()?;
        Ok(Ok(ours))
    }

    fn in_target(target: &Path) -> Self {
        Self::Ours(directory(target).join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX)))
    }

    fn works(&self) -> bool {
        let version = self.process(&["--version"]).read();
        match self {
            Self::Installed => version.is_ok(),
            Self::Ours(_) => version.is_ok_and(|it| it.split_whitespace().any(|word| word == VERSION)),
        }
    }

    /// Every feature counts: what nobody enables by default is published all the same.
    fn with(&self, arguments: &[&str]) -> Process {
        self.process(&["--all-features"]).arguments(arguments)
    }

    fn process(&self, arguments: &[&str]) -> Process {
        match self {
            Self::Installed => Process::cargo(["deny"]).arguments(arguments),
            Self::Ours(path) => Process::at(path, "cargo-deny", ["deny"]).arguments(arguments),
        }
    }
}

fn directory(target: &Path) -> PathBuf {
    target.join("xtask-cargo-deny")
}

/// Not optimised: it works for seconds, and would be compiled for longer than that.
fn install(target: &Path) -> Process {
    let version = format!("={VERSION}");
    let root = directory(target).display().to_string();
    Process::cargo(["install", "cargo-deny", "--locked", "--debug", "--version", &version, "--root", &root])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_ours_is_asked_as_the_installed_one_is() {
        let ours = Deny::in_target(Path::new("/target"));
        assert_eq!(ours.with(&["check", "bans"]).to_string(), "cargo-deny deny --all-features check bans");
        let installed = Deny::Installed.with(&["check", "bans"]);
        assert_eq!(installed.to_string(), "cargo deny --all-features check bans");
    }

    #[test]
    fn where_nothing_was_installed_nothing_is_found() {
        let target = tempfile::tempdir().unwrap();
        assert!(!Deny::in_target(target.path()).works());
    }

    #[test]
    fn what_is_installed_stays_beside_the_build() {
        let line = install(Path::new("/target")).to_string();
        assert!(line.contains("--root /target/xtask-cargo-deny"), "{line}");
        assert!(line.contains(&format!("--version ={VERSION}")), "{line}");
    }
}
