//! What a published package would hold.

use cargo_metadata::Package;

use crate::process::Process;

/// What a package cannot do without: one file of each line.
const EXPECTED: &[&[&str]] =
    &[&["README.md"], &["LICENSE-MIT"], &["LICENSE-APACHE"], &["src/lib.rs", "src/main.rs"]];

pub(super) fn problems(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages {
        let list = Process::cargo(["package", "--list", "--allow-dirty", "-p", package.name.as_str()]);
        println!("$ {list}");
        match list.read() {
            Ok(list) => problems.extend(missing_from(&package.name, &list)),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    problems
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
