//! What tests need of the machine around them: got ready before they run, and handed over in their environment.

use std::path::PathBuf;

use crate::left_out::{self, LeftOut};
use crate::postgres::{self, Database};
use crate::process::Process;
use crate::python;
use crate::workspace;

/// For any number of test runs, one after the other; the server goes with it.
pub(crate) struct Surroundings {
    database: Option<Database>,
    left_out: LeftOut,
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
        let target = workspace::target_directory()?;
        Ok(Self { database: None, left_out: LeftOut::begin(&target)?, python: python::prepare(&target) })
    }

    /// The same tests, told of it.
    pub(crate) fn tell(&self, tests: Process) -> Process {
        let tests = match &self.database {
            Some(database) => database.tell(tests),
            None => tests,
        };
        let tests = tests.env(left_out::VARIABLE, self.left_out.path().to_string_lossy());
        match &self.python {
            Ok(interpreter) => tests.env(python::VARIABLE, interpreter.to_string_lossy()),
            Err(_) => tests,
        }
    }

    /// Says what the tests had to do without.
    pub(crate) fn say_what_was_left_out(&self) -> anyhow::Result<()> {
        let left_out = self.left_out.read();
        for what in left_out.iter().flat_map(|it| it.lines()) {
            println!("skipped: {what}");
        }
        if let Err(why) = &self.python {
            println!("skipped: what other tools see in Parquet files (`interop`), for want of Python: {why}");
        }
        left_out.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(python: Result<PathBuf, String>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let left_out = LeftOut::begin(folder.path()).unwrap();
        let list = left_out.path().to_string_lossy().into_owned();
        let surroundings = Surroundings { database: Some(Database::Given), left_out, python };
        surroundings.tell(Process::cargo(["test"])).to_string().replace(&list, "LIST")
    }

    #[test]
    fn tests_are_told_where_to_say_what_they_left_out_and_of_python_where_there_is_one() {
        assert_eq!(told(Err("no Python".to_owned())), "EVENTSTORE_TEST_LEFT_OUT=LIST cargo test");
        assert_eq!(
            told(Ok("target/python".into())),
            "EVENTSTORE_TEST_LEFT_OUT=LIST EVENTSTORE_TEST_PYTHON=target/python cargo test"
        );
    }
}
