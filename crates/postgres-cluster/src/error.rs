//! Why there is no server, or not the one that was asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use crate::programs::Programs;

/// What went wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// PostgreSQL is not installed, or only a part of it.
    #[error(
        "the PostgreSQL program `{program}` is not in {}; to install it: {}",
        list(searched),
        Programs::INSTALL
    )]
    Missing {
        /// The first program that was not found.
        program: &'static str,
        /// Where it was looked for.
        searched: Vec<PathBuf>,
    },
    /// We are root, and there is nobody else.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither `postgres` nor `nobody` to run it as"
    )]
    NoAccount,
    /// A server needs a directory whose path is short and which its user can enter.
    #[error("no place for a server ({reasons}); set TMPDIR to a short path that every user can enter")]
    NoPlace {
        /// Each place that was tried, and what is wrong with it.
        reasons: String,
    },
    /// A file, a directory or a port could not be had.
    #[error("cannot {what} {}", path.display())]
    File {
        /// What was to be done with it.
        what: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No port of 127.0.0.1 could be had.
    #[error("there is no free port on 127.0.0.1")]
    NoPort(#[source] io::Error),
    /// A program could not be started, or not be waited for.
    #[error("`{program}` could not be run")]
    CouldNotRun {
        /// Which one.
        program: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A program ran and failed: for `psql` this is how an SQL error looks.
    #[error("`{program}` failed ({status}): {said}")]
    Failed {
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to its standard error.
        said: String,
    },
    /// The server ended while it started: a setting that it does not know, a damaged data directory.
    #[error("the server ended ({status}) before it accepted connections; the end of its log:\n{log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// Something did not happen in time.
    #[error("after {} s the server still {state}; the end of its log:\n{log}", limit.as_secs())]
    TooLong {
        /// What it does, or does not do yet.
        state: &'static str,
        /// For how long it was waited.
        limit: Duration,
        /// The last lines of its log.
        log: String,
    },
}

impl ClusterError {
    /// For `map_err`, at a file.
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { what, path: path.to_owned(), source }
    }

    /// For `map_err`, at a program.
    pub(crate) fn could_not_run(program: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::CouldNotRun { program, source }
    }
}

fn list(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "any directory of PATH".to_owned();
    }
    paths.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ")
}
