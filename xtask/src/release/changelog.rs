//! Whether the changelog tells of what is published.

use anyhow::Context;
use cargo_metadata::Package;

use crate::workspace;

pub(super) fn problems(packages: &[Package]) -> anyhow::Result<Vec<String>> {
    let path = workspace::root().join("CHANGELOG.md");
    let text = std::fs::read_to_string(path).context("reading CHANGELOG.md")?;
    let names: Vec<&str> = packages.iter().map(|it| it.name.as_str()).collect();
    let version = packages.first().map(|it| it.version.to_string()).unwrap_or_default();
    Ok(untold(&text, &version, &names))
}

/// What comes under the newest heading is what this version brings.
fn untold(text: &str, version: &str, packages: &[&str]) -> Vec<String> {
    let Some(newest) = text.lines().find_map(|line| line.strip_prefix("## ")) else {
        return vec!["CHANGELOG.md has no heading `## Unreleased`, and none of a version".to_owned()];
    };
    let mut problems = Vec::new();
    let newest = newest.split_whitespace().next().unwrap_or_default().trim_matches(['[', ']']);
    if newest != version && newest != "Unreleased" {
        problems.push(format!("CHANGELOG.md tells of {newest} first, and {version} is to be published"));
    }
    let is_told = |name: &&&str| text.contains(&format!("`{name}`"));
    let untold = packages.iter().filter(|it| !is_told(it));
    problems.extend(untold.map(|it| format!("CHANGELOG.md never tells of `{it}`")));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_is_told_of_is_well() {
        for heading in ["Unreleased", "0.2.0 - 2026-02-03", "[0.2.0] - 2026-02-03"] {
            let text = format!("# Changelog\n\n## {heading}\n\n- `a`: new\n\n## 0.1.0\n");
            assert!(untold(&text, "0.2.0", &["a"]).is_empty(), "{heading}");
        }
    }

    #[test]
    fn another_version_and_an_untold_package_are_found() {
        let problems = untold("## 0.1.0\n- `a`: new\n", "0.2.0", &["a", "b"]);
        assert_eq!(
            problems,
            [
                "CHANGELOG.md tells of 0.1.0 first, and 0.2.0 is to be published",
                "CHANGELOG.md never tells of `b`"
            ]
        );
    }
}
