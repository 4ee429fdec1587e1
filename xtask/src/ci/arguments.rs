//! Which steps to run.

use crate::chore::Usage;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    only: Vec<String>,
    skip: Vec<String>,
    after_test: bool,
}

impl Arguments {
    pub(super) fn parse(arguments: &[String], steps: &[&str]) -> Result<Self, Usage> {
        let mut parsed = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (flag, inline) = match argument.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (argument.as_str(), None),
            };
            match (flag, inline) {
                ("--after-test", None) => parsed.after_test = true,
                ("--only" | "--skip", _) => {
                    let value = inline.or_else(|| rest.next().map(String::as_str));
                    let chosen = if flag == "--only" { &mut parsed.only } else { &mut parsed.skip };
                    chosen.extend(steps_in(flag, value, steps)?);
                }
                _ => {
                    let known = "it knows --only STEP, --skip STEP and --after-test";
                    return Err(Usage(format!("`cargo xtask ci` does not know `{argument}`; {known}")));
                }
            }
        }
        Ok(parsed)
    }

    /// Why a step does not run, if it does not.
    pub(super) fn reason_to_skip(&self, step: &str) -> Option<String> {
        if self.skip.iter().any(|it| it == step) {
            Some("--skip".to_owned())
        } else if !self.only.is_empty() && !self.only.iter().any(|it| it == step) {
            Some(format!("--only {}", self.only.join(",")))
        } else if self.after_test && step == "test" {
            Some("--after-test: it ran just before".to_owned())
        } else {
            None
        }
    }
}

fn steps_in(flag: &str, value: Option<&str>, steps: &[&str]) -> Result<Vec<String>, Usage> {
    let choices = steps.join(", ");
    let value = value.ok_or_else(|| Usage(format!("`{flag}` needs a step: {choices}")))?;
    let names = value.split(',');
    names
        .map(|name| match steps.contains(&name) {
            true => Ok(name.to_owned()),
            false => Err(Usage(format!("`{flag} {name}`: there is no such step; there are {choices}"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &[&str] = &["test", "fmt", "tidy"];

    fn parse(line: &str) -> Result<Arguments, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(&words, STEPS).map_err(|it| it.to_string())
    }

    fn that_run(line: &str) -> Vec<&'static str> {
        let arguments = parse(line).unwrap();
        STEPS.iter().copied().filter(|it| arguments.reason_to_skip(it).is_none()).collect()
    }

    #[test]
    fn without_arguments_every_step_runs() {
        assert_eq!(that_run(""), STEPS);
    }

    #[test]
    fn steps_are_chosen_by_only_and_by_skip() {
        assert_eq!(that_run("--only tidy"), ["tidy"]);
        assert_eq!(that_run("--only=fmt,tidy"), ["fmt", "tidy"]);
        assert_eq!(that_run("--skip fmt --skip test"), ["tidy"]);
        assert_eq!(that_run("--only fmt,tidy --skip fmt"), ["tidy"]);
    }

    #[test]
    fn after_a_test_run_the_tests_are_skipped_and_the_reason_says_so() {
        assert_eq!(that_run("--after-test"), ["fmt", "tidy"]);
        let reason = parse("--after-test").unwrap().reason_to_skip("test").unwrap();
        assert!(reason.contains("--after-test"), "{reason}");
    }

    #[test]
    fn an_unknown_step_is_an_error_that_lists_the_known_ones() {
        let error = parse("--only tiddy").unwrap_err();
        assert!(error.contains("`--only tiddy`") && error.contains("test, fmt, tidy"), "{error}");
        assert!(parse("--skip").unwrap_err().contains("needs a step"));
        assert!(parse("tidy").unwrap_err().contains("does not know `tidy`"));
    }
}
