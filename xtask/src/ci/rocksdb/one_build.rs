//! Whether cargo compiles RocksDB once for the whole step.

use std::collections::BTreeMap;

use crate::bench;
use crate::process::Process;
use crate::workspace;

#[test]
fn every_command_builds_rocksdb_of_the_same_parts_and_so_not_again() {
    let mut builds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for command in commands() {
        let tree = tree(&command).read().unwrap();
        builds.entry(parts_of_rocksdb(&tree)).or_default().push(command.to_string());
    }
    assert_eq!(builds.len(), 1, "{builds:#?}");
}

#[test]
fn every_command_builds_in_release() {
    for command in commands() {
        let line = command.to_string();
        assert!(line.contains(" --release ") || line.contains(" --profile release "), "{line}");
    }
}

/// Those of the step, and that of the benches, which are run by hand after it.
fn commands() -> Vec<Process> {
    let mut commands = super::commands(&workspace::packages().unwrap());
    commands.push(bench::all_benches(&["--rocksdb".to_owned()]));
    commands
}

/// What cargo says of the packages and features that a command chooses.
fn tree(command: &Process) -> Process {
    let words = command.words();
    let with_tests = words.contains(&"--all-targets") || matches!(words.first(), Some(&"test" | &"bench"));
    let edges = if with_tests { "normal,build,dev" } else { "normal,build" };
    let mut words = words.into_iter().take_while(|it| *it != "--");
    let mut chosen = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "-p" | "--package" | "--features" => {
                chosen.extend([Some(word), words.next()].into_iter().flatten());
            }
            "--all-features" | "--no-default-features" => chosen.push(word),
            _ => {}
        }
    }
    let form = ["--prefix", "depth", "--format", " {p} {f}", "--no-dedupe", "-e", edges];
    Process::cargo(["tree", "--quiet"]).arguments(&chosen).arguments(&form)
}

/// The C++ package and what is below it, with features, where it first stands in a tree.
fn parts_of_rocksdb(tree: &str) -> String {
    let depth = |line: &str| line.split(' ').next().and_then(|it| it.parse::<usize>().ok());
    let mut lines = tree.lines().skip_while(|it| !it.contains(" rust-librocksdb-sys "));
    let first = lines.next().unwrap();
    let below = lines.take_while(|it| depth(it) > depth(first));
    let parts = std::iter::once(first).chain(below);
    parts.filter_map(|it| it.split_once(' ')).map(|(_, part)| format!("{part}\n")).collect()
}
