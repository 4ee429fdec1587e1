//! Whether a version breaks what its number promises, where that can be found out.

use crate::doctor;
use crate::process::Process;

pub(super) fn problems() -> anyhow::Result<Vec<String>> {
    let released = Process::new("git", ["tag", "--list", "v*", "--sort=-version:refname"]).read();
    let Some(last) = released.ok().and_then(|it| it.lines().next().map(str::to_owned)) else {
        println!("semver: nothing to compare with, as no version was released yet (no tag `v*`)");
        return Ok(Vec::new());
    };
    if Process::cargo(["semver-checks", "--version"]).read().is_err() {
        println!("semver: not compared with {last}, as it takes {}", doctor::CARGO_SEMVER_CHECKS);
        return Ok(Vec::new());
    }
    Ok(comparison(&last).run().err().map(|it| format!("{it:#}")).into_iter().collect())
}

/// With the features that are on by default: all of them would compile RocksDB, twice.
fn comparison(last: &str) -> Process {
    Process::cargo(["semver-checks", "--workspace", "--default-features", "--baseline-rev", last])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_version_is_what_it_is_compared_with() {
        let line = comparison("v0.1.0").to_string();
        assert!(line.ends_with("--default-features --baseline-rev v0.1.0"), "{line}");
    }
}
