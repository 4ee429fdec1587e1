//! What tests need of the machine around them: got ready before they run, and handed over in their environment.

use std::fs;
use std::path::PathBuf;

use crate::postgres::{self, Database};
use crate::process::Process;
use crate::python;
use crate::workspace;

/// Where a test says that it was left out, a line for each: what a test prints is not shown when it passes.
const LEFT_OUT: &str = "EVENTSTORE_TEST_LEFT_OUT";

/// For any number of test runs, one after the other; the server goes with it.
pub(crate) struct Surroundings {
    database: Option<Database>,
    left_out: PathBuf,
    python: Result<PathBuf, String>,
}

impl Surroundings {
    /// With all there is.
    pub(crate) fn prepare() -> anyhow::Result<Self> {
        let database = postgres::prepare()?;
        Ok(Self { database: Some(database), ..Self::without_a_server()? })
    }

    /// For tests that ask for no PostgreSQL.
    pub(crate) fn without_a_server() -> anyhow::Result<Self> {
        let left_out = workspace::target_directory()?.join("xtask-left-out");
        fs::create_dir_all(left_out.parent().unwrap_or(&left_out))?;
        fs::write(&left_out, "")?;
        Ok(Self { database: None, left_out, python: python::prepare() })
    }

    /// The same tests, told of it.
    pub(crate) fn tell(&self, tests: Process) -> Process {
        let tests = match &self.database {
            Some(database) => database.tell(tests),
            None => tests,
        };
        let tests = tests.env(LEFT_OUT, self.left_out.to_string_lossy());
        match &self.python {
            Ok(interpreter) => tests.env(python::VARIABLE, interpreter.to_string_lossy()),
            Err(_) => tests,
        }
    }

    /// Says what the tests had to do without.
    pub(crate) fn say_what_was_left_out(&self) -> anyhow::Result<()> {
        for what in fs::read_to_string(&self.left_out)?.lines() {
            println!("skipped: {what}");
        }
        if let Err(why) = &self.python {
            println!("skipped: what other tools see in Parquet files (`interop`), for want of Python: {why}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(python: Result<PathBuf, String>) -> String {
        let left_out = PathBuf::from("target/left-out");
        let surroundings = Surroundings { database: Some(Database::Given), left_out, python };
        surroundings.tell(Process::cargo(["test"])).to_string()
    }

    #[test]
    fn tests_are_told_where_to_say_what_they_left_out_and_of_python_where_there_is_one() {
        assert_eq!(told(Err("no Python".to_owned())), "EVENTSTORE_TEST_LEFT_OUT=target/left-out cargo test");
        assert_eq!(
            told(Ok("target/python".into())),
            "EVENTSTORE_TEST_LEFT_OUT=target/left-out EVENTSTORE_TEST_PYTHON=target/python cargo test"
        );
    }
}
