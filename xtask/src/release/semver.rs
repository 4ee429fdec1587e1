//! Whether a version breaks what its number promises, where that can be found out.

use crate::doctor;
use crate::process::Process;
use crate::rocksdb;

/// What came of it.
#[derive(Debug)]
pub(super) enum Comparison {
    /// What is broken.
    Made(Vec<String>),
    /// Why there was none.
    NotMade(String),
}

pub(super) fn compare() -> anyhow::Result<Comparison> {
    let tags = Process::new("git", ["tag", "--list", "v*", "--sort=-version:refname"]);
    let tool = Process::cargo(["semver-checks", "--version"]);
    compare_with(&tags, &tool)
}

/// With the last of the versions that one program lists, by another one. Where git fails nobody knows whether there is any.
fn compare_with(tags: &Process, tool: &Process) -> anyhow::Result<Comparison> {
    let tags = tags.read()?;
    let Some(last) = tags.lines().next() else {
        let why = "semver: nothing to compare with, as no version was released yet (no tag `v*`)";
        return Ok(Comparison::NotMade(why.to_owned()));
    };
    if tool.read().is_err() {
        let why = format!("semver: not compared with {last}, as it takes {}", doctor::CARGO_SEMVER_CHECKS);
        return Ok(Comparison::NotMade(why));
    }
    let broken = comparison(last).run().err();
    Ok(Comparison::Made(broken.map(|it| format!("{it:#}")).into_iter().collect()))
}

/// With the features that are on by default, and without the store that is nothing but RocksDB: it would be compiled twice, each
/// time for ten minutes and more.
fn comparison(last: &str) -> Process {
    let all_but_rocksdb =
        ["semver-checks", "--workspace", "--exclude", rocksdb::PACKAGE, "--default-features"];
    Process::cargo(all_but_rocksdb).arguments(&["--baseline-rev", last])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_version_is_what_it_is_compared_with() {
        let line = comparison("v0.1.0").to_string();
        assert!(line.ends_with("--default-features --baseline-rev v0.1.0"), "{line}");
        assert!(line.contains("--exclude eventstore-rocksdb"), "{line}");
    }

    /// A command of cargo that nobody has.
    fn missing() -> Process {
        Process::cargo(["no-such-subcommand"])
    }

    #[test]
    fn where_git_fails_it_is_not_said_that_nothing_was_released() {
        let error = compare_with(&missing(), &missing()).unwrap_err();
        assert!(error.to_string().contains("no-such-subcommand"), "{error}");
    }

    #[test]
    fn what_is_not_compared_says_why() {
        let not_made = |tags: &Process| match compare_with(tags, &missing()).unwrap() {
            Comparison::NotMade(why) => why,
            Comparison::Made(broken) => panic!("it was compared: {broken:?}"),
        };
        let no_tags = Process::new("true", []);
        assert!(not_made(&no_tags).contains("no version was released yet"));
        let some = not_made(&Process::cargo(["--version"]));
        assert!(
            some.contains("not compared with cargo ") && some.contains(doctor::CARGO_SEMVER_CHECKS),
            "{some}"
        );
    }
}
