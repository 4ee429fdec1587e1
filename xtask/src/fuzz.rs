//! `cargo xtask fuzz`: bytes that nobody thought of, for as long as one likes.

use anyhow::{Context, bail};

use crate::chore::{Chore, Usage};
use crate::doctor;
use crate::process::Process;
use crate::workspace;

pub(crate) const CHORE: Chore = Chore {
    name: "fuzz",
    summary: "fuzz everything that reads what others wrote",
    help: "\
cargo xtask fuzz [--seconds N] [TARGET...]

  --seconds N  fuzz each target for so long (60)
  TARGET       all of them where none is named:
               frame, arbitrary_directory, mutated_directory: the log, its indexes, snapshots and manifest
               looked_at_directory: the same, as readers, `verify` and `salvage` see it
               codec: the binary form of appends, snapshots and payloads
               texts: names of streams and types, tags, metadata, ids
               parquet, parquet_events: files, and events that are written to them and read again
               json_command, schemas: commands as JSON, and schemas that are compared
               earlier_events: events of any version, read through the history of their fields and upcasters
               tables: keyed read models with indexes, as they are stored
               jsonl: lines of JSON, as the tool imports and exports them
               rocksdb_layout: keys and values of the store on RocksDB
               postgres_rows: what rows of the store on PostgreSQL hold, and payloads kept as JSON
               records: what the toolkit keeps in a store for itself
               workers: the same, for those who go on with it

Begins with fuzz/corpus, and keeps what else it finds interesting in target/fuzz, for the next time. An input that fails is
in target/fuzz/TARGET/failed. It takes a nightly toolchain and cargo-fuzz, and says how to install what is missing; the
tests `fuzz` of eventstore-torture and `corpus` of allframe-cqrs-fuzz, which take neither, go through the same corpus.",
    run,
};

const TARGETS: [&str; 17] = [
    "frame",
    "arbitrary_directory",
    "mutated_directory",
    "looked_at_directory",
    "codec",
    "texts",
    "parquet",
    "parquet_events",
    "json_command",
    "earlier_events",
    "tables",
    "schemas",
    "jsonl",
    "postgres_rows",
    "rocksdb_layout",
    "records",
    "workers",
];

/// Toolchains are chosen by rustup: the `cargo` that runs this chore is that of `rust-toolchain.toml`.
const NIGHTLY: [&str; 3] = ["run", "nightly", "cargo"];

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let plan = Plan::parse(arguments)?;
    check_tools()?;
    for target in plan.targets {
        let found = format!("target/fuzz/{target}/corpus");
        let failed = format!("target/fuzz/{target}/failed");
        for folder in [&found, &failed] {
            let folder = workspace::root().join(folder);
            std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fuzzer(target, plan.seconds).run()?;
    }
    Ok(())
}

struct Plan {
    seconds: u32,
    targets: Vec<&'static str>,
}

impl Plan {
    fn parse(arguments: &[String]) -> Result<Self, Usage> {
        let mut plan = Self { seconds: 60, targets: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--seconds" {
                let seconds = arguments.next().and_then(|it| it.parse().ok()).filter(|it| *it > 0);
                plan.seconds =
                    seconds.ok_or_else(|| Usage("`--seconds` takes a number from 1 on".to_owned()))?;
            } else if let Some(target) = TARGETS.iter().find(|it| *it == argument) {
                plan.targets.push(target);
            } else {
                let targets = TARGETS.join(", ");
                return Err(Usage(format!("there is no target `{argument}`; there are {targets}")));
            }
        }
        if plan.targets.is_empty() {
            plan.targets.extend(TARGETS);
        }
        Ok(plan)
    }
}

fn check_tools() -> anyhow::Result<()> {
    let needs: [(&str, &[&str], &str); 2] = [
        ("a nightly toolchain", &["--version"], doctor::NIGHTLY),
        ("cargo-fuzz", &["fuzz", "--version"], doctor::CARGO_FUZZ),
    ];
    for (name, probe, install) in needs {
        if Process::new("rustup", NIGHTLY).arguments(probe).read().is_err() {
            bail!("fuzzing takes {name}: {install}");
        }
    }
    Ok(())
}

/// libFuzzer on one target. What it finds goes to the first folder of inputs, so that nothing appears in the committed one.
fn fuzzer(target: &str, seconds: u32) -> Process {
    let process = Process::new("rustup", NIGHTLY).arguments(&["fuzz", "run"]);
    process.arguments(&[
        "--target-dir=target/fuzz/build".to_owned(),
        target.to_owned(),
        format!("target/fuzz/{target}/corpus"),
        format!("fuzz/corpus/{target}"),
        "--".to_owned(),
        format!("-max_total_time={seconds}"),
        // What an input takes beyond these is a finding: none is longer than a few kilobytes.
        "-timeout=20".to_owned(),
        format!("-malloc_limit_mb={}", malloc_limit_mb(target)),
        "-max_len=16384".to_owned(),
        format!("-artifact_prefix=target/fuzz/{target}/failed/"),
    ])
}

/// How much may be asked for at once. bincode makes room for a text, within the codec's limit of 64 MiB, before it looks whether the
/// text is there.
fn malloc_limit_mb(target: &str) -> u32 {
    match target {
        "codec" | "records" | "workers" => 72,
        _ => 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Plan, Usage> {
        Plan::parse(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn without_a_name_all_targets_are_fuzzed() {
        let plan = parse(&["--seconds", "5"]).unwrap();
        assert_eq!((plan.seconds, plan.targets.as_slice()), (5, TARGETS.as_slice()));
        assert_eq!(parse(&["frame"]).unwrap().targets, ["frame"]);
    }

    #[test]
    fn what_is_no_number_and_no_target_is_refused() {
        for arguments in [["--seconds", "soon"], ["--seconds", "0"], ["frame", "frames"]] {
            assert!(parse(&arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn every_target_has_a_file_and_a_corpus() {
        let fuzz = workspace::root().join("fuzz");
        for target in TARGETS {
            assert!(fuzz.join("fuzz_targets").join(format!("{target}.rs")).is_file(), "{target}");
            assert!(fuzz.join("corpus").join(target).is_dir(), "{target}");
        }
        let files = std::fs::read_dir(fuzz.join("fuzz_targets")).unwrap().count();
        assert_eq!(files, TARGETS.len(), "a file there is no target");
    }

    #[test]
    fn the_help_names_every_target() {
        for target in TARGETS {
            assert!(
                CHORE.help.contains(&format!("{target}:")) || CHORE.help.contains(&format!("{target},")),
                "{target}"
            );
        }
    }

    #[test]
    fn what_is_found_does_not_land_in_the_committed_corpus() {
        let command = fuzzer("frame", 9).to_string();
        let at = |folder| command.find(folder).unwrap_or_else(|| panic!("no {folder} in {command}"));
        assert!(at("target/fuzz/frame/corpus") < at("fuzz/corpus/frame"), "{command}");
    }
}
