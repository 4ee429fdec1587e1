//! One step of the matrix, and the table at the end.

use std::time::Duration;

use crate::process::Process;
use crate::table::aligned;

pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) purpose: &'static str,
    pub(super) work: Work,
}

pub(super) enum Work {
    /// All of them run, also after one has failed.
    Commands(Vec<Process>),
    Code(fn() -> anyhow::Result<Outcome>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed(Vec<String>),
    Skipped(String),
}

impl Step {
    pub(super) fn run(&self) -> Outcome {
        let problems: Vec<String> = match &self.work {
            Work::Commands(commands) => {
                commands.iter().filter_map(|it| it.run().err()).map(|it| format!("{it:#}")).collect()
            }
            Work::Code(code) => match code() {
                Ok(outcome) => return outcome,
                Err(error) => vec![format!("{error:#}")],
            },
        };
        if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) }
    }
}

/// What became of a step.
pub(super) struct Report {
    pub(super) step: &'static str,
    pub(super) time: Duration,
    pub(super) outcome: Outcome,
}

impl Report {
    pub(super) fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }

    /// All that went wrong; the table has room for the first.
    pub(super) fn problems(&self) -> &[String] {
        match &self.outcome {
            Outcome::Failed(problems) => problems,
            Outcome::Passed | Outcome::Skipped(_) => &[],
        }
    }

    pub(super) fn line(&self) -> String {
        let [step, outcome, time, remark] = self.cells();
        format!("{step}: {outcome} {time} {remark}").trim_end().to_owned()
    }

    fn cells(&self) -> [String; 4] {
        let time = format!("{:.1} s", self.time.as_secs_f64());
        let (outcome, time, remark) = match &self.outcome {
            Outcome::Passed => ("passed", time, String::new()),
            Outcome::Failed(problems) => ("FAILED", time, one_line(problems)),
            Outcome::Skipped(reason) => ("skipped", "-".to_owned(), reason.clone()),
        };
        [self.step.to_owned(), outcome.to_owned(), time, remark]
    }
}

fn one_line(problems: &[String]) -> String {
    let first = problems.first().and_then(|it| it.lines().next()).unwrap_or_default();
    match problems.len() {
        0 | 1 => first.to_owned(),
        many => format!("{first} (and {} more)", many - 1),
    }
}

pub(super) fn table(reports: &[Report]) -> String {
    let heading = ["step", "outcome", "time", "why"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(heading).chain(reports.iter().map(Report::cells)).collect();
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(step: &'static str, outcome: Outcome) -> Report {
        Report { step, time: Duration::from_millis(1_234), outcome }
    }

    #[test]
    fn the_table_says_what_passed_failed_and_was_skipped_and_why() {
        let two = vec!["clippy said no\nat length".to_owned(), "and again".to_owned()];
        let reports = [
            report("fmt", Outcome::Passed),
            report("clippy", Outcome::Failed(two)),
            report("deny", Outcome::Skipped("not installed".to_owned())),
        ];
        let expected = "\
step    outcome  time   why
fmt     passed   1.2 s
clippy  FAILED   1.2 s  clippy said no (and 1 more)
deny    skipped  -      not installed
";
        assert_eq!(table(&reports), expected);
    }

    #[test]
    fn a_failed_command_does_not_keep_the_next_one_from_running() {
        let commands = ["no-such-subcommand", "no-such-one-either"].map(|it| Process::cargo([it])).into();
        let step = Step { name: "both", purpose: "fail twice", work: Work::Commands(commands) };
        assert!(matches!(step.run(), Outcome::Failed(problems) if problems.len() == 2));
    }

    #[test]
    fn an_error_in_our_own_code_is_a_failed_step() {
        let step = Step { name: "own", purpose: "fail", work: Work::Code(|| anyhow::bail!("broken")) };
        assert_eq!(step.run(), Outcome::Failed(vec!["broken".to_owned()]));
    }
}
