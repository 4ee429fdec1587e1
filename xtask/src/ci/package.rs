//! What a published package would hold.

use super::step::Outcome;
use crate::process::Process;
use crate::workspace::{is_published, packages};

/// What a package cannot do without: one file of each line.
const EXPECTED: &[&[&str]] =
    &[&["README.md"], &["LICENSE-MIT"], &["LICENSE-APACHE"], &["src/lib.rs", "src/main.rs"]];

pub(super) fn contents() -> anyhow::Result<Outcome> {
    let mut problems = Vec::new();
    for package in packages()?.into_iter().filter(is_published) {
        let list = Process::cargo(["package", "--list", "--allow-dirty", "-p", package.name.as_str()]);
        println!("$ {list}");
        match list.read() {
            Ok(list) => problems.extend(missing_from(&package.name, &list)),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    for problem in &problems {
        println!("{problem}");
    }
    Ok(if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) })
}

fn missing_from(package: &str, list: &str) -> Vec<String> {
    let missing = EXPECTED.iter().filter(|any_of| !list.lines().any(|line| any_of.contains(&line)));
    missing.map(|any_of| format!("the package {package} would not hold {}", any_of.join(" or "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_its_readme_is_found() {
        assert!(
            missing_from("a", "Cargo.toml\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\n").is_empty()
        );
        assert_eq!(
            missing_from("a", "LICENSE-APACHE\nLICENSE-MIT\nsrc/lib.rs\n"),
            ["the package a would not hold README.md"]
        );
    }
}
