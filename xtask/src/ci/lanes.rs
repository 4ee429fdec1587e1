//! Commands that keep one processor busy each, two at a time.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::anyhow;

use crate::process::Process;
use crate::workspace;

/// Each has a target directory of its own, which it fills once: gigabytes, and minutes where it is cold.
const LANES: usize = 2;

/// Runs all of them, also after one has failed; what went wrong, in their order.
///
/// Whatever cargo compiles alone is one crate at the end of a line of crates, and cargo keeps others out of its target directory
/// meanwhile.
pub(super) fn run(commands: &[Process]) -> anyhow::Result<Vec<String>> {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let lanes = LANES.min(processors).min(commands.len());
    if lanes < 2 {
        return Ok(commands.iter().filter_map(|it| it.run().err()).map(|it| format!("{it:#}")).collect());
    }
    let target = workspace::target_directory()?;
    let next = AtomicUsize::new(0);
    let run_lane = &|lane| {
        let directory = directory(&target, lane);
        let mut problems = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(command) = commands.get(place) else { return problems };
            if let Err(error) = run_in(directory.as_deref(), command) {
                problems.push((place, format!("{error:#}")));
            }
        }
    };
    let mut problems = thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|lane| scope.spawn(move || run_lane(lane))).collect();
        let ended = lanes.into_iter().map(|lane| lane.join().map_err(|_| anyhow!("a lane has panicked")));
        ended.collect::<anyhow::Result<Vec<_>>>()
    })?
    .concat();
    problems.sort();
    Ok(problems.into_iter().map(|(_, problem)| problem).collect())
}

/// The first lane has the directory of all other steps.
fn directory(target: &Path, lane: usize) -> Option<PathBuf> {
    (lane > 0).then(|| target.join(format!("lane-{lane}")))
}

fn run_in(directory: Option<&Path>, command: &Process) -> anyhow::Result<()> {
    let command = command.clone();
    match directory {
        Some(it) => command.env("CARGO_TARGET_DIR", it.display().to_string()),
        None => command,
    }
    .run_aside()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_runs_and_what_fails_is_told_in_order() {
        let names = ["--version", "no-such-one", "--list", "nor-this-one", "--version"];
        let problems = run(&names.map(|it| Process::cargo([it]))).unwrap();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("no-such-one") && problems[1].contains("nor-this-one"), "{problems:?}");
    }

    #[test]
    fn two_lanes_share_no_target_directory() {
        let target = Path::new("target");
        assert_eq!(directory(target, 0), None);
        assert_eq!(directory(target, 1), Some(target.join("lane-1")));
    }
}
