//! Starting other programs, so that a reader of the log sees what ran and can run it again.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::workspace;

/// One program to run, at the root of the repository.
#[derive(Clone)]
pub(crate) struct Process {
    program: OsString,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    name: &'static str,
}

impl Process {
    pub(crate) fn new<'a>(program: &'static str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Self { program: program.into(), arguments, environment: Vec::new(), name: program }
    }

    /// A program at a place of its own, shown by a shorter name.
    pub(crate) fn at<'a>(
        program: &Path,
        name: &'static str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self { program: program.into(), ..Self::new(name, arguments) }
    }

    /// The cargo that runs this chore, and so the toolchain of `rust-toolchain.toml`.
    pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut process = Self::new("cargo", arguments);
        if let Some(cargo) = std::env::var_os("CARGO") {
            process.program = cargo;
        }
        process
    }

    pub(crate) fn arguments<S: AsRef<str>>(mut self, more: &[S]) -> Self {
        self.arguments.extend(more.iter().map(|it| it.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((key, value.into()));
        self
    }

    /// Says what it runs and runs it; the program's output passes through.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        println!("$ {self}");
        let status = self.command().status().with_context(|| self.could_not_start())?;
        if !status.success() {
            bail!("`{self}` failed ({status})");
        }
        Ok(())
    }

    /// The same beside others: says what it ran and what the program wrote when it has ended, all at once.
    pub(crate) fn run_aside(&self) -> anyhow::Result<()> {
        let output = self.command().stdin(Stdio::null()).output().with_context(|| self.could_not_start())?;
        let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        println!("$ {self}\n{err}{out}");
        if !output.status.success() {
            bail!("`{self}` failed ({})", output.status);
        }
        Ok(())
    }

    /// What the program wrote to its standard output, silently.
    pub(crate) fn read(&self) -> anyhow::Result<String> {
        let output = self
            .command()
            .env("CARGO_TERM_COLOR", "never")
            .stdin(Stdio::null())
            .output()
            .with_context(|| self.could_not_start())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{self}` failed ({}): {}", output.status, said.trim());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{self}` did not write UTF-8"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.current_dir(workspace::root());
        // https://no-color.org: cargo itself does not read this variable.
        if std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty()) {
            command.env("CARGO_TERM_COLOR", "never");
        }
        command
    }

    fn could_not_start(&self) -> String {
        format!("`{}` could not be started; `cargo xtask doctor` says what to install", self.name)
    }
}

#[cfg(test)]
impl Process {
    /// What follows the program, word by word.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.arguments.iter().map(String::as_str).collect()
    }
}

/// As one would type it in a shell.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.environment {
            write!(f, "{key}={} ", quoted(value))?;
        }
        f.write_str(self.name)?;
        self.arguments.iter().try_for_each(|it| write!(f, " {}", quoted(it)))
    }
}

fn quoted(word: &str) -> String {
    let plain = |it: char| it.is_alphanumeric() || "-_./,:=@+".contains(it);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_reads_as_one_would_type_it() {
        let process = Process::cargo(["doc", "--no-deps", "it's"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(process.to_string(), r"RUSTDOCFLAGS='-D warnings' cargo doc --no-deps 'it'\''s'");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_names_it() {
        let error = Process::new("no-such-program", []).read().unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_last_words() {
        let error = Process::cargo(["no-such-subcommand"]).read().unwrap_err();
        assert!(error.to_string().contains("no such command"), "{error}");
    }
}
