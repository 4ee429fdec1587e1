//! Stores on a real server, each in a schema of its own.

use std::{env, process::Command};

use uuid::Uuid;

use crate::support::{Outcome, Place};

/// The server of this test run.
pub(crate) fn server() -> String {
    env::var("DATABASE_URL").unwrap_or_else(|_| {
        panic!("there is no server to test with: run `cargo xtask test`, or say in DATABASE_URL where one is")
    })
}

/// A directory to run the program in, and a schema in which there is no store yet. The schema goes when this is dropped.
pub(crate) struct Schema {
    pub(crate) place: Place,
    pub(crate) name: String,
}

impl Schema {
    pub(crate) fn new() -> Self {
        Self { place: Place::new(), name: format!("test_{}", Uuid::now_v7().simple()) }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}#{}", server(), self.name)
    }

    /// The program on the store in this schema, with arguments that hold no spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = self.place.command(arguments);
        command.env("EVENTSTORE_STORE", self.url());
        command
    }

    /// Its URL is another each time.
    pub(crate) fn run(&self, arguments: &str) -> Outcome {
        let mut outcome = Outcome::from(self.command(arguments).output().unwrap());
        for text in [&mut outcome.stdout, &mut outcome.stderr] {
            *text = text.replace(&server(), "postgresql://[server]").replace(&self.name, "[schema]");
        }
        outcome
    }

    pub(crate) fn succeed(&self, arguments: &str) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome.stdout
    }

    /// A store with these lines.
    pub(crate) fn import(&self, lines: &str) -> String {
        self.place.write(".lines", lines);
        self.succeed("import .lines")
    }

    /// Runs statements in the schema, on a connection of its own.
    pub(crate) fn sql(&self, statements: &str) {
        execute(&server(), &format!("SET search_path = {}; {statements}", self.name));
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        execute(&server(), &format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name));
    }
}

pub(crate) fn execute(url: &str, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let connected = tokio::spawn(connection);
        client.batch_execute(statements).await.unwrap();
        drop(client);
        connected.await.unwrap().unwrap();
    });
}
