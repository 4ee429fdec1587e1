//! `cargo xtask size`: what the toolkit adds to the program of someone who uses it.

mod apps;
mod weight;

use std::path::Path;

use anyhow::{Context, bail};

use crate::chore::{Chore, Usage};
use crate::process::Process;
use crate::rocksdb::tools::Tools;
use crate::workspace;
use apps::{App, BASELINE, BUILD, MANIFEST, When};
use weight::Weight;

pub(crate) const CHORE: Chore = Chore {
    name: "size",
    summary: "measure what the toolkit adds to a minimal program",
    help: "\
cargo xtask size [--lto | --small] [--libraries] [--rocksdb] [--json]

  --lto        as a program that cares for its size is built: `lto = \"fat\"` and `codegen-units = 1`
  --small      as small as cargo builds one: that, `opt-level = \"z\"` and `panic = \"abort\"`
  --libraries  what serde_json, arrow2 and tokio-postgres weigh without us
  --rocksdb    RocksDB too, which is compiled from source: ten minutes, once
  --json       one JSON array in place of the table

Makes programs in target/size, each a package of its own that depends on the crates of this repository as anyone would, and
builds them one by one with cargo's own profile `release` and `strip = true`: opt-level 3, no link-time optimisation across crates.
The profile of this repository, which has `lto = \"thin\"`, is that of nobody who depends on it.

All do the same: append two events, carry out one command twice, read; but `store` has no command, and appends a third event, and
`two` does all of it with two types of events. The first does it with tokio alone, and what the others weigh is what they have more
than it. Those of `--libraries` do what each library is for: see their sources. Fails when one is above its limit. No step of `cargo xtask ci`: it builds for minutes.",
    run,
};

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let options = Options::parse(arguments)?;
    if options.rocksdb {
        Tools::require()?;
    }
    let apps: Vec<&App> = apps::APPS.iter().filter(|it| options.asks_for(it.when)).collect();
    let folder = workspace::root().join(apps::FOLDER);
    apps::generate(&folder, &apps)?;

    let mut weights =
        vec![Weight { name: BASELINE.name, bytes: measure(&folder, &BASELINE, options)?, limit: None }];
    for app in apps {
        let bytes = measure(&folder, app, options)?;
        weights.push(Weight { name: app.name, bytes, limit: app.limit });
    }
    println!("{}", if options.json { weight::json(&weights) } else { weight::table(&weights) });
    let above = weight::above_their_limit(&weights);
    if !above.is_empty() {
        bail!("above the limit: {}. What holds the room: docs/performance.md, Size", above.join(", "));
    }
    Ok(())
}

/// How programs are built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Profile {
    /// As cargo does where nobody says otherwise.
    #[default]
    Release,
    Lto,
    Small,
}

impl Profile {
    /// What is set in `profile.release`.
    fn settings(self) -> &'static [&'static str] {
        const SETTINGS: [&str; 4] = ["lto=\"fat\"", "codegen-units=1", "opt-level=\"z\"", "panic=\"abort\""];
        match self {
            Self::Release => &[],
            Self::Lto => &SETTINGS[..2],
            Self::Small => &SETTINGS,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Options {
    profile: Profile,
    libraries: bool,
    rocksdb: bool,
    json: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Usage> {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--lto" => options.profile = Profile::Lto,
                "--small" => options.profile = Profile::Small,
                "--libraries" => options.libraries = true,
                "--rocksdb" => options.rocksdb = true,
                "--json" => options.json = true,
                other => return Err(Usage(format!("`cargo xtask size` does not know `{other}`"))),
            }
        }
        Ok(options)
    }

    fn asks_for(self, when: When) -> bool {
        match when {
            When::Always => true,
            When::WithLibraries => self.libraries,
            When::WithRocksDb => self.rocksdb,
        }
    }
}

/// Builds one alone, so that it has the features that it asks for and none that another one does.
fn measure(folder: &Path, app: &App, options: Options) -> anyhow::Result<u64> {
    let build = build(app, options);
    // What cargo says goes to the standard error, so that `--json` is JSON alone.
    if options.json {
        build.read()?;
    } else {
        build.run()?;
    }
    let program =
        folder.join(BUILD).join("release").join(format!("{}{}", app.name, std::env::consts::EXE_SUFFIX));
    let metadata =
        std::fs::metadata(&program).with_context(|| format!("looking at {}", program.display()))?;
    Ok(metadata.len())
}

fn build(app: &App, options: Options) -> Process {
    let manifest = format!("{}/{MANIFEST}", apps::FOLDER);
    let target = format!("{}/{BUILD}", apps::FOLDER);
    let build = Process::cargo(["build", "--release", "--manifest-path", &manifest, "--target-dir", &target]);
    let build = build.arguments(&["--package", app.name]);
    options
        .profile
        .settings()
        .iter()
        .fold(build, |build, setting| build.arguments(&["--config", &format!("profile.release.{setting}")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Usage> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_understood_and_others_refused() {
        assert_eq!(parse("").unwrap(), Options::default());
        assert_eq!(
            parse("--json --lto").unwrap(),
            Options { profile: Profile::Lto, json: true, ..Options::default() }
        );
        assert!(parse("--thin").is_err());
    }

    #[test]
    fn what_takes_long_is_measured_where_it_is_asked_for() {
        assert!(!parse("").unwrap().asks_for(When::WithLibraries));
        assert!(!parse("--libraries").unwrap().asks_for(When::WithRocksDb));
        assert!(parse("--libraries").unwrap().asks_for(When::WithLibraries));
        assert!(parse("").unwrap().asks_for(When::Always));
    }

    #[test]
    fn each_program_is_built_alone() {
        let line = build(&BASELINE, Options::default()).to_string();
        assert_eq!(
            line,
            "cargo build --release --manifest-path target/size/Cargo.toml --target-dir target/size/build \
            --package baseline"
        );
        let of = |profile| build(&BASELINE, Options { profile, ..Options::default() }).to_string();
        assert!(
            of(Profile::Lto)
                .ends_with("--config 'profile.release.lto=\"fat\"' --config profile.release.codegen-units=1")
        );
        let small = of(Profile::Small);
        assert!(
            small.contains("lto") && small.ends_with("--config 'profile.release.panic=\"abort\"'"),
            "{small}"
        );
    }
}
