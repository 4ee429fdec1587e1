//! `cargo xtask release --dry-run`: everything of a release but the release.

mod build;
mod changelog;
mod contents;
mod order;
mod page;
mod semver;

use anyhow::bail;

use crate::chore::{Chore, Usage};
use crate::workspace::{is_published, packages};
use semver::Comparison;

pub(crate) const CHORE: Chore = Chore {
    name: "release",
    summary: "check what would be published, and print the lines that publish it",
    help: "\
cargo xtask release --dry-run
cargo xtask release

With --dry-run: each package that is published, in the order of what they depend on: what its page on crates.io and docs.rs needs, the
changelog, the files it holds; then all are packed, unpacked elsewhere, and checked to compile from what was packed, with every
feature. RocksDB takes libclang for that, and none of its C++; without, it is left out, and that is said. Where cargo-semver-checks is
installed and a version was released before, the public API is compared with that.

Without: publishes nothing. To publish takes a token, which no chore asks for: it prints the lines for the person who has one.",
    run,
};

fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments {
        [] => refuse(),
        [flag] if flag == "--dry-run" => {
            let DryRun { problems, left_out } = dry_run()?;
            if let Some(why) = left_out {
                println!("{why}");
            }
            match problems.len() {
                0 => Ok(()),
                count => bail!("not ready to be published: {count} to put right"),
            }
        }
        _ => Err(Usage("`cargo xtask release` takes `--dry-run` and nothing else".to_owned()).into()),
    }
}

/// What a person does, who has a token.
fn refuse() -> anyhow::Result<()> {
    let packages = order::of(packages()?.into_iter().filter(is_published).collect())?;
    println!(
        "After `cargo xtask ci` and `cargo xtask release --dry-run`, on a clean checkout of the version:\n"
    );
    println!(
        "  the heading `## Unreleased` of CHANGELOG.md becomes the version and the day, and is committed"
    );
    println!("  cargo login");
    for package in &packages {
        println!("  cargo publish -p {}", package.name);
    }
    if let Some(first) = packages.first() {
        println!("  git tag v{0} && git push origin v{0}\n", first.version);
    }
    bail!("nothing was published: a chore holds no token")
}

/// What was found.
pub(crate) struct DryRun {
    /// What stands in the way of a release.
    pub(crate) problems: Vec<String>,
    /// What was not looked at, as the public API beside that of the last version, or RocksDB, and why; `None` where all was.
    pub(crate) left_out: Option<String>,
}

/// Prints each problem too.
pub(crate) fn dry_run() -> anyhow::Result<DryRun> {
    let packages = order::of(packages()?.into_iter().filter(is_published).collect())?;
    let names: Vec<&str> = packages.iter().map(|it| it.name.as_str()).collect();
    println!("in this order: {}", names.join(", "));

    let mut problems = page::problems(&packages);
    problems.extend(changelog::problems(&packages)?);
    problems.extend(contents::problems(&packages));
    let mut not_done = Vec::new();
    match build::from_what_is_packed(&packages) {
        Ok(left_out) => not_done.extend(left_out),
        // One more, so that the others are told with it.
        Err(error) => problems.push(format!("{error:#}")),
    }
    match semver::compare() {
        Ok(Comparison::Made(broken)) => problems.extend(broken),
        Ok(Comparison::NotMade(why)) => not_done.push(why),
        Err(error) => problems.push(format!("{error:#}")),
    }
    let left_out = (!not_done.is_empty()).then(|| not_done.join("; "));
    for problem in &problems {
        println!("{problem}");
    }
    Ok(DryRun { problems, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_published_by_a_chore() {
        let error = run(&[]).unwrap_err();
        assert!(!error.is::<Usage>() && error.to_string().contains("nothing was published"), "{error}");
        assert!(run(&["--execute".to_owned()]).unwrap_err().is::<Usage>());
    }
}
