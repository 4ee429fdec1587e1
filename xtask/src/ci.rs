//! `cargo xtask ci`: everything that has to be well before a change lands.

mod arguments;
mod checks;
mod deny;
mod features;
mod lanes;
mod plan;
mod rocksdb;
mod step;

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::chore::Chore;
use crate::workspace;
use arguments::Arguments;
pub(crate) use checks::has_library;
use step::{Outcome, Report};

pub(crate) const CHORE: Chore = Chore {
    name: "ci",
    summary: "everything that has to be well before a change lands",
    help: "\
cargo xtask ci [--only STEP]... [--skip STEP]... [--after-test]

  --only STEP    this step and no other (several: repeat it, or separate by commas)
  --skip STEP    every step but this one
  --after-test   `cargo xtask test` has just passed: do not run it again

Steps:
  test           cargo xtask test
  fmt            the house format
  clippy         every target of the workspace, benches too, no warning
  crates         each library alone, no warning: it declares what it uses
  features       combinations of each crate's features, no warning
  feature-tests  the tests of allframe-cqrs with a few features at a time
  docs           rustdoc, no warning
  tidy           the rules of this repository
  deny           what we may depend on: bans, licences, sources
  advisories     known flaws of what we depend on (needs the network)
  crash          the log survives crashes, faults and flipped bits, of a bounded number of seeds
  kill           a minute of cargo xtask kill
  package        cargo xtask release --dry-run
  rocksdb        the tests of eventstore-rocksdb, and what the others do with it, in release: no other step compiles its C++

A failed step does not stop the others. The table at the end says what passed, failed and was skipped, and why.",
    run,
};

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let steps = plan::steps(&workspace::packages()?);
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    let arguments = Arguments::parse(arguments, &names)?;

    let mut reports = Vec::new();
    for step in steps {
        if let Some(reason) = arguments.reason_to_skip(step.name) {
            reports.push(Report { step: step.name, time: Duration::ZERO, outcome: Outcome::Skipped(reason) });
            continue;
        }
        println!("\n== {}: {}", step.name, step.purpose);
        let started = Instant::now();
        let outcome = step.run();
        let report = Report { step: step.name, time: started.elapsed(), outcome };
        println!("== {}", report.line());
        reports.push(report);
    }

    println!("\n{}", step::table(&reports));
    for problem in reports.iter().flat_map(Report::problems) {
        println!("{problem}");
    }
    let failed: Vec<&str> = reports.iter().filter(|it| it.failed()).map(|it| it.step).collect();
    if !failed.is_empty() {
        bail!("failed: {}. One of them again: cargo xtask ci --only STEP", failed.join(", "));
    }
    println!("Everything that ran is well.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_step_and_no_other() {
        let listed =
            CHORE.help.lines().skip_while(|it| *it != "Steps:").skip(1).take_while(|it| !it.is_empty());
        let listed: Vec<&str> = listed.filter_map(|it| it.split_whitespace().next()).collect();
        let planned: Vec<&str> = plan::steps(&[]).iter().map(|it| it.name).collect();
        assert_eq!(listed, planned);
    }
}
