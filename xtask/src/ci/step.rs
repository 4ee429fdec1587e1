//! One step of the matrix, and the table at the end.

use std::time::Duration;

use super::lanes;
use crate::process::Process;
use crate::rocksdb::tools::Tools;
use crate::surroundings::Surroundings;
use crate::table::aligned;

pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) purpose: &'static str,
    pub(super) work: Work,
}

pub(super) enum Work {
    /// All of them run, also after one has failed.
    Commands(Vec<Process>),
    /// The same, side by side; of all but RocksDB where its bindings cannot be made.
    Checks {
        bindings: fn() -> Tools,
        of_everything: Vec<Process>,
        without_rocksdb: Vec<Process>,
    },
    /// The same with what tests need of the machine around all of them.
    Tests(Vec<Process>),
    /// The same where RocksDB can be compiled. Elsewhere the step is skipped.
    TestsOnRocksdb(fn() -> anyhow::Result<Tools>, Vec<Process>),
    Code(fn() -> anyhow::Result<Outcome>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// What there was to do is well; this was not done.
    PassedWithout(String),
    Failed(Vec<String>),
    Skipped(String),
}

impl Step {
    pub(super) fn run(&self) -> Outcome {
        let outcome = match &self.work {
            Work::Commands(commands) => Ok(run_all(commands.iter().cloned())),
            Work::Checks { bindings, of_everything, without_rocksdb } => match bindings() {
                Tools::Ready => lanes::run(of_everything).map(outcome_of),
                Tools::Missing(what) => {
                    lanes::run(without_rocksdb).map(|problems| match problems.is_empty() {
                        true => Outcome::PassedWithout(format!("RocksDB: {what}")),
                        false => Outcome::Failed(problems),
                    })
                }
            },
            Work::Tests(commands) => run_tests(commands),
            Work::TestsOnRocksdb(tools, commands) => tools().and_then(|it| match it {
                Tools::Ready => run_tests(commands),
                Tools::Missing(what) => Ok(Outcome::Skipped(what)),
            }),
            Work::Code(code) => code(),
        };
        outcome.unwrap_or_else(|error| Outcome::Failed(vec![format!("{error:#}")]))
    }
}

fn run_all(commands: impl Iterator<Item = Process>) -> Outcome {
    outcome_of(commands.filter_map(|it| it.run().err()).map(|it| format!("{it:#}")).collect())
}

fn outcome_of(problems: Vec<String>) -> Outcome {
    if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) }
}

/// One server for all of them.
fn run_tests(commands: &[Process]) -> anyhow::Result<Outcome> {
    let surroundings = Surroundings::prepare()?;
    let outcome = run_all(commands.iter().map(|it| surroundings.tell(it.clone())));
    Ok(also(outcome, surroundings.say_what_was_left_out()))
}

/// What came of a step, where something else may have gone wrong behind it.
fn also(outcome: Outcome, behind: anyhow::Result<()>) -> Outcome {
    match (outcome, behind) {
        (outcome, Ok(())) => outcome,
        (Outcome::Failed(mut problems), Err(error)) => {
            problems.push(format!("{error:#}"));
            Outcome::Failed(problems)
        }
        (_, Err(error)) => Outcome::Failed(vec![format!("{error:#}")]),
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
            Outcome::Passed | Outcome::PassedWithout(_) | Outcome::Skipped(_) => &[],
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
            Outcome::PassedWithout(what) => ("passed", time, what.clone()),
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
            report("package", Outcome::PassedWithout("not compared".to_owned())),
        ];
        let expected = "\
step     outcome  time   why
fmt      passed   1.2 s
clippy   FAILED   1.2 s  clippy said no (and 1 more)
deny     skipped  -      not installed
package  passed   1.2 s  not compared
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
    fn what_goes_wrong_behind_a_step_that_has_failed_stands_behind_its_failure() {
        let failed = || Outcome::Failed(vec!["clippy said no".to_owned()]);
        let gone = || Err(anyhow::anyhow!("the list is gone"));
        let both = vec!["clippy said no".to_owned(), "the list is gone".to_owned()];
        assert_eq!(also(failed(), gone()), Outcome::Failed(both));
        assert_eq!(also(failed(), Ok(())), failed());
        assert_eq!(also(Outcome::Passed, gone()), Outcome::Failed(vec!["the list is gone".to_owned()]));
        assert_eq!(also(Outcome::Passed, Ok(())), Outcome::Passed);
    }

    #[test]
    fn without_what_compiles_rocksdb_the_step_is_skipped_with_the_line_that_installs_it() {
        let tools = || Ok(Tools::Missing("libclang is missing: install it".to_owned()));
        let step = Step {
            name: "rocksdb",
            purpose: "fail",
            work: Work::TestsOnRocksdb(tools, vec![Process::cargo(["no-such-subcommand"])]),
        };
        assert_eq!(step.run(), Outcome::Skipped("libclang is missing: install it".to_owned()));
    }

    #[test]
    fn without_what_makes_its_bindings_all_else_is_checked_and_the_table_says_so() {
        let checks = |tools: fn() -> Tools| {
            let of_everything = vec![Process::cargo(["no-such-subcommand"])];
            let work = Work::Checks {
                bindings: tools,
                of_everything,
                without_rocksdb: vec![Process::cargo(["--version"])],
            };
            Step { name: "clippy", purpose: "check", work }.run()
        };
        let missing = checks(|| Tools::Missing("libclang is missing: install it".to_owned()));
        assert_eq!(missing, Outcome::PassedWithout("RocksDB: libclang is missing: install it".to_owned()));
        assert!(matches!(checks(|| Tools::Ready), Outcome::Failed(_)));
    }

    #[test]
    fn where_what_compiles_rocksdb_could_not_be_installed_the_step_has_failed() {
        let work = Work::TestsOnRocksdb(|| anyhow::bail!("apt-get failed"), Vec::new());
        let step = Step { name: "rocksdb", purpose: "fail", work };
        assert_eq!(step.run(), Outcome::Failed(vec!["apt-get failed".to_owned()]));
    }

    #[test]
    fn an_error_in_our_own_code_is_a_failed_step() {
        let step = Step { name: "own", purpose: "fail", work: Work::Code(|| anyhow::bail!("broken")) };
        assert_eq!(step.run(), Outcome::Failed(vec!["broken".to_owned()]));
    }
}
