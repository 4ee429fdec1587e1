use std::{any::type_name, fmt, io, path::PathBuf, sync::Arc};

use super::update::VARIABLE;
use crate::{Error, VersioningError};

/// What is wrong with the golden samples of a type: all of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GoldenError {
    /// The Rust type of the events.
    pub event: &'static str,
    /// What is wrong.
    pub problems: Vec<GoldenProblem>,
}

impl GoldenError {
    pub(super) fn of<E>(problems: Vec<GoldenProblem>) -> Self {
        Self { event: type_name::<E>(), problems }
    }
}

impl fmt::Display for GoldenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the samples of `{}` do not agree with the program", self.event)?;
        for problem in &self.problems {
            write!(f, "\n- {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for GoldenError {}

/// One thing that is wrong with golden samples.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GoldenProblem {
    /// A sample given to the test cannot be stored at all.
    #[error("the sample `{name}` cannot be stored: {}", eventstore_api::message_with_causes(.source))]
    Unstorable {
        /// The name of the sample.
        name: String,
        /// Why not.
        source: Error,
    },
    /// Two samples given to the test would have the same file.
    #[error("two samples would be the file {}; give one of them another name", .file.display())]
    NamedTwice {
        /// The file of both.
        file: PathBuf,
    },
    /// A sample has no file, and none is to be written.
    #[error("{} is missing; run the test where files are written, with {VARIABLE}=write, and commit it", .file.display())]
    Missing {
        /// The file that it would have.
        file: PathBuf,
    },
    /// A released sample is no longer what it was.
    #[error("{} is no sample as it was written: {detail}; restore it, for what was stored does not change", .file.display())]
    Changed {
        /// Its file.
        file: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Today's program stores the same event of the same version in another form than the one it was released with.
    #[error(
        "{} holds `{released}`, and the same version would now be stored as `{now}`; raise the version of the event and say what \
         has changed, or, where only the sample is another, give it another name; {VARIABLE}=accept keeps both forms",
        .file.display()
    )]
    StoredDifferently {
        /// Its file.
        file: PathBuf,
        /// The payload that was released.
        released: String,
        /// The payload of today.
        now: String,
    },
    /// A released sample can no longer be read.
    #[error("{} can no longer be read: {}", .file.display(), eventstore_api::message_with_causes(.source))]
    Unreadable {
        /// Its file.
        file: PathBuf,
        /// Why not.
        source: Error,
    },
    /// A released sample reads, and as something else than it did.
    #[error(
        "{} did read as {}, and now reads as {}; where that is meant, run the test with {VARIABLE}=accept",
        .file.display(), listed(.released), listed(.now)
    )]
    ReadsDifferently {
        /// Its file.
        file: PathBuf,
        /// What it did read as: name, version and content of every event.
        released: Vec<String>,
        /// What it reads as now.
        now: Vec<String>,
    },
    /// No sample shows that this form is read.
    #[error(
        "there is no sample of `{event_type}` version {schema_version}; give one to the test, of today's form with `sample`, of an \
         earlier one with `earlier` or `earlier_json`"
    )]
    Unsampled {
        /// The name under which it is stored.
        event_type: String,
        /// The version of its schema.
        schema_version: u32,
    },
    /// The ways from earlier forms to today's do not fit together.
    #[error(transparent)]
    Versioning(VersioningError),
    /// A file or the folder could not be read or written.
    #[error("{} could not be read or written: {source}", .path.display())]
    Io {
        /// The file or the folder.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },
}

fn listed(events: &[String]) -> String {
    match events {
        [] => "no event".to_owned(),
        events => events.iter().map(|event| format!("`{event}`")).collect::<Vec<_>>().join(" and "),
    }
}
