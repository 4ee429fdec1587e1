//! Every chore of the project: `cargo xtask <chore>`; `cargo xtask` lists them.
//!
//! A chore is one file with one `pub(crate) const CHORE`. Nothing lives in shell scripts, so that a chore runs the
//! same everywhere and its logic has tests.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

mod alone;
mod apt;
mod bench;
mod chore;
mod ci;
mod crash;
mod doctor;
mod fuzz;
mod kill;
mod left_out;
mod libclang;
mod postgres;
mod process;
mod python;
mod release;
mod rocksdb;
mod selection;
mod size;
mod soak;
mod surroundings;
mod table;
mod test;
mod tidy;
mod wildcard;
mod workspace;

use std::process::ExitCode;

use chore::{Chore, Usage};

const CHORES: &[Chore] = &[
    test::CHORE,
    ci::CHORE,
    tidy::CHORE,
    doctor::CHORE,
    bench::CHORE,
    crash::CHORE,
    kill::CHORE,
    fuzz::CHORE,
    soak::CHORE,
    size::CHORE,
    release::CHORE,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            // As cargo and git have it: 2 says "I did not understand", 1 says "I did it and it is not well".
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn dispatch(arguments: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        println!("{}", overview());
        return Ok(());
    };
    if matches!(name.as_str(), "--help" | "-h" | "help") {
        println!("{}", overview());
        return Ok(());
    }
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        return Err(Usage(format!("there is no chore `{name}`\n\n{}", overview())).into());
    };
    // What follows `--` belongs to the program that the chore runs.
    if rest.iter().take_while(|it| *it != "--").any(|it| it == "--help" || it == "-h") {
        println!("cargo xtask {}: {}\n\n{}", chore.name, chore.summary, chore.help.trim());
        return Ok(());
    }
    (chore.run)(rest)
}

fn overview() -> String {
    let mut text = String::from("cargo xtask <chore> [arguments]\n\nChores:\n");
    for chore in CHORES {
        text.push_str(&format!("  {:<8}{}\n", chore.name, chore.summary));
    }
    text.push_str("\n`cargo xtask <chore> --help` says more.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> anyhow::Result<()> {
        dispatch(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_overview_names_every_chore() {
        for chore in CHORES {
            assert!(overview().contains(&format!("  {} ", chore.name)), "{} is missing", chore.name);
        }
    }

    #[test]
    fn an_unknown_chore_is_an_error_that_lists_the_known_ones() {
        let error = run(&["tset"]).unwrap_err();
        assert!(error.is::<Usage>());
        assert!(error.to_string().contains("`tset`") && error.to_string().contains("doctor"), "{error}");
    }

    #[test]
    fn help_runs_no_chore() {
        run(&[]).unwrap();
        run(&["--help"]).unwrap();
        for chore in CHORES {
            run(&[chore.name, "--help"]).unwrap();
        }
    }

    #[test]
    fn an_argument_that_a_chore_does_not_know_is_an_error() {
        for chore in ["ci", "tidy", "doctor"] {
            assert!(run(&[chore, "--no-such-flag"]).unwrap_err().is::<Usage>(), "{chore}");
        }
    }
}
