//! Which packages the arguments of a cargo command choose.

use crate::wildcard::matches;

/// The packages that `-p`, `--package` and `--exclude` name; where nothing is chosen, the whole workspace is.
pub(crate) struct Selection {
    chosen: Vec<String>,
    excluded: Vec<String>,
}

impl Selection {
    /// What follows `--` belongs to the program that cargo runs, and chooses nothing.
    pub(crate) fn of(arguments: &[String]) -> Self {
        Self { chosen: values(arguments, &["--package", "-p"]), excluded: values(arguments, &["--exclude"]) }
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.chosen.is_empty()
    }

    pub(crate) fn includes(&self, package: &str) -> bool {
        let among = |patterns: &[String]| patterns.iter().any(|it| matches(it, package));
        (self.is_everything() || among(&self.chosen)) && !among(&self.excluded)
    }

    /// Whether it is meant by its name, and not for being part of the whole.
    pub(crate) fn names(&self, package: &str) -> bool {
        !self.is_everything() && self.includes(package)
    }
}

/// What an option is given, however it is written: `--package a`, `--package=a`, `-p a`, `-pa`.
pub(crate) fn values(arguments: &[String], names: &[&str]) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = arguments.iter().take_while(|it| *it != "--");
    while let Some(argument) = rest.next() {
        for name in names {
            let Some(attached) = argument.strip_prefix(name) else { continue };
            let is_long = name.starts_with("--");
            let value = match attached.strip_prefix('=') {
                Some(value) => Some(value),
                None if attached.is_empty() => rest.next().map(String::as_str),
                None => (!is_long).then_some(attached),
            };
            values.extend(value.map(str::to_owned));
            break;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(line: &str) -> Selection {
        Selection::of(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn without_a_choice_it_is_everything_but_what_is_excluded() {
        let everything = selection("a_torn_tail --release -- -p xtask");
        assert!(everything.is_everything() && everything.includes("xtask") && !everything.names("xtask"));
        let most = selection("--exclude xtask");
        assert!(most.is_everything() && most.includes("eventstore-api") && !most.includes("xtask"));
    }

    #[test]
    fn a_package_is_chosen_in_each_way_that_cargo_knows() {
        for line in ["-p xtask", "-pxtask", "-p=xtask", "--package xtask", "--package=xtask", "-p x*"] {
            let selection = selection(line);
            assert!(selection.names("xtask") && !selection.includes("eventstore-api"), "{line}");
        }
        let both = selection("-p xtask --package=eventstore-api");
        assert!(both.names("xtask") && both.names("eventstore-api"));
    }

    #[test]
    fn an_option_that_only_begins_alike_chooses_nothing() {
        assert!(selection("--packages xtask").is_everything());
    }
}
